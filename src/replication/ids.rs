//! Names and identifiers of the domain: accounts, regions, partitions, ARNs and locations.
//!
//! Each type can be made only from text that AWS would accept, so code further in never checks again.
//! Nothing here talks to AWS.

use std::fmt;
use std::sync::Arc;

/// Why a text is not the identifier it should be: a fragment that fits after "is not a valid ...: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub String);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text as AWS spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// A 12-digit AWS account id.
    AccountId
}

impl AccountId {
    /// Accepts exactly twelve digits.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId(format!(
                "\"{text}\" is not an AWS account id, which has exactly 12 digits"
            )))
        }
    }
}

text_id! {
    /// A region's code, such as `eu-west-1`. Only the shape is checked: new regions appear every year.
    Region
}

impl Region {
    /// Accepts `xx-yyyy-N` and the longer forms of GovCloud, China and the sovereign partitions.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split('-');
        let area = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let digits = rest.last().copied().unwrap_or_default();
        let words = rest
            .split_last()
            .map(|(_, words)| words)
            .unwrap_or_default();
        let ok = (2..=5).contains(&area.len())
            && area.bytes().all(|b| b.is_ascii_lowercase())
            && (1..=2).contains(&words.len())
            && words
                .iter()
                .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
            && (1..=2).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit());
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId(format!(
                "\"{text}\" is not a region code, which looks like eu-west-1"
            )))
        }
    }

    /// The partition that this region belongs to, by its prefix.
    pub fn partition(&self) -> Partition {
        let partition = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-iso-", "aws-iso"),
            ("eusc-", "aws-eusc"),
        ]
        .into_iter()
        .find(|(prefix, _)| self.0.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition);
        Partition(partition.to_owned())
    }
}

text_id! {
    /// An AWS partition: `aws`, `aws-cn`, `aws-us-gov` and so on, the second field of every ARN.
    Partition
}

impl Partition {
    /// Accepts any text that starts like a partition; new ones need no release of ours.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text == "aws" || (text.starts_with("aws-") && text.len() > 4) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId(format!("\"{text}\" is not an AWS partition")))
        }
    }

    /// Whether AWS documents under which names services call others there: `s3.us-west-2.amazonaws.com`. Elsewhere
    /// (China, the European Sovereign Cloud, isolated regions) such a name is a guess, and no check may hang on it.
    pub fn has_documented_names(&self) -> bool {
        matches!(self.0.as_str(), "aws" | "aws-us-gov")
    }

    /// The DNS suffix of the partition's service names, as `kms:ViaService` compares it.
    pub fn dns_suffix(&self) -> &'static str {
        match self.0.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            "aws-iso-e" => "cloud.adc-e.uk",
            "aws-iso-f" => "csp.hci.ic.gov",
            "aws-eusc" => "amazonaws.eu",
            _ => "amazonaws.com",
        }
    }
}

text_id! {
    /// The name of a general purpose bucket.
    BucketName
}

impl BucketName {
    /// How many digits follow a prefix in a name that is drawn.
    pub const DIGITS_BEHIND_PREFIX: usize = 26;

    /// Applies S3's naming rules for general purpose buckets.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let refuse = |why: &str| Err(InvalidId(format!("\"{text}\" {why}")));
        if text.ends_with("--x-s3") {
            return refuse(
                "is the name of a directory bucket (it ends in --x-s3), and directory buckets have no replication",
            );
        }
        if !(3..=63).contains(&text.len()) {
            return refuse(&format!(
                "has {} characters; a bucket name has 3 to 63",
                text.chars().count()
            ));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-' || *c == '.'))
        {
            return refuse(&format!(
                "contains {bad:?}; a bucket name has only lower-case letters, digits, dots and hyphens"
            ));
        }
        let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !edge(text.bytes().next()) || !edge(text.bytes().last()) {
            return refuse("must begin and end with a letter or a digit");
        }
        if text.contains("..") {
            return refuse("contains two dots in a row");
        }
        if text.split('.').count() == 4
            && text
                .split('.')
                .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        {
            return refuse("is formed like an IP address");
        }
        for prefix in ["xn--", "sthree-", "amzn-s3-demo-"] {
            if text.starts_with(prefix) {
                return refuse(&format!("begins with {prefix}, which S3 reserves"));
            }
        }
        for suffix in ["-s3alias", "--ol-s3", ".mrap", "--table-s3"] {
            if text.ends_with(suffix) {
                return refuse(&format!("ends in {suffix}, which S3 reserves"));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether names can begin with this text and end in [`Self::DIGITS_BEHIND_PREFIX`] digits.
    pub fn check_prefix(text: &str) -> Result<(), InvalidId> {
        let longest = 63 - Self::DIGITS_BEHIND_PREFIX;
        if !(1..=longest).contains(&text.len()) {
            return Err(InvalidId(format!(
                "\"{text}\" has {} characters; the beginning of a bucket name has 1 to {longest} here, because {} digits follow",
                text.chars().count(),
                Self::DIGITS_BEHIND_PREFIX
            )));
        }
        if text.contains("--x-s3") {
            return Err(InvalidId(format!(
                "\"{text}\" is of the name of a directory bucket (--x-s3), and directory buckets have no replication"
            )));
        }
        let name = format!("{text}{}", "0".repeat(Self::DIGITS_BEHIND_PREFIX));
        Self::parse(&name)
            .map(drop)
            .map_err(|why| InvalidId(why.0.replace(&name, text)))
    }

    /// Account and region in a name of an account's regional namespace, which ends in `-<account>-<region>-an`.
    pub fn regional_namespace(&self) -> Option<(&str, &str)> {
        let name = self.as_str().strip_suffix("-an")?;
        name.match_indices('-').find_map(|(at, _)| {
            let (account, region) = name[at + 1..].split_once('-')?;
            let told = AccountId::parse(account).is_ok() && Region::parse(region).is_ok();
            told.then_some((account, region))
        })
    }

    /// The bucket's ARN; it carries neither region nor account.
    pub fn arn(&self, partition: &Partition) -> String {
        format!("arn:{partition}:s3:::{self}")
    }
}

/// An ARN taken apart. Only the six fields are checked, not the resource's own form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// The partition.
    pub partition: Partition,
    /// The service, such as `kms`.
    pub service: String,
    /// The region; empty for global services.
    pub region: String,
    /// The account; empty for S3 buckets.
    pub account: String,
    /// Everything behind the fifth colon.
    pub resource: String,
}

impl Arn {
    /// Takes an ARN apart.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let [prefix, partition, service, region, account, resource] = fields[..] else {
            return Err(InvalidId(format!(
                "\"{text}\" is not an ARN, which has six fields: arn:partition:service:region:account:resource"
            )));
        };
        let partition = Partition::parse(partition)?;
        if prefix != "arn" || service.is_empty() || resource.is_empty() {
            return Err(InvalidId(format!(
                "\"{text}\" is not an ARN, which looks like arn:aws:service:region:account:resource"
            )));
        }
        Ok(Self {
            partition,
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }

    /// Parses the ARN of a KMS key. An alias ARN is refused: it resolves in the *requester's* account.
    pub fn parse_key(text: &str) -> Result<Self, InvalidId> {
        let no_key = || {
            InvalidId(format!(
                "\"{text}\" is not the ARN of a KMS key, which looks like arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
            ))
        };
        let arn = Self::parse(text).map_err(|_| no_key())?;
        if arn.service == "kms" && arn.resource.starts_with("alias/") {
            return Err(InvalidId(format!(
                "\"{text}\" is the ARN of an alias; write the key's own ARN (arn:...:key/...), because an alias is resolved in the account of whoever uses it"
            )));
        }
        let id = arn.resource.strip_prefix("key/").unwrap_or_default();
        if arn.service != "kms"
            || id.is_empty()
            || Region::parse(&arn.region).is_err()
            || AccountId::parse(&arn.account).is_err()
        {
            return Err(no_key());
        }
        Ok(arn)
    }

    /// Parses the ARN of an IAM role.
    pub fn parse_role(text: &str) -> Result<Self, InvalidId> {
        let no_role = || {
            InvalidId(format!(
                "\"{text}\" is not the ARN of an IAM role, which looks like arn:aws:iam::111111111111:role/Deploy"
            ))
        };
        let arn = Self::parse(text).map_err(|_| no_role())?;
        let name = arn.resource.strip_prefix("role/").unwrap_or_default();
        if arn.service != "iam"
            || name.is_empty()
            || name.ends_with('/')
            || AccountId::parse(&arn.account).is_err()
        {
            return Err(no_role());
        }
        Ok(arn)
    }

    /// The last part of the resource: a role's name without its path, a key's id.
    pub fn name(&self) -> &str {
        self.resource.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "arn:{}:{}:{}:{}:{}",
            self.partition, self.service, self.region, self.account, self.resource
        )
    }
}

/// One `sts:AssumeRole`, with the names of the AWS provider's `assume_role` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssumeRole {
    /// The role to assume.
    pub role_arn: String,
    /// The session's name; the run's own when left out.
    pub session_name: Option<String>,
    /// The external id that the trust policy asks for.
    pub external_id: Option<String>,
    /// Length of the session in seconds.
    pub duration_seconds: Option<i32>,
    /// A session policy, JSON.
    pub policy: Option<String>,
    /// Managed policies that narrow the session.
    pub policy_arns: Vec<String>,
    /// The source identity.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: std::collections::BTreeMap<String, String>,
    /// Session tags that pass on through a chain.
    pub transitive_tag_keys: Vec<String>,
}

/// One `sts:AssumeRoleWithWebIdentity`. It never holds the token itself, only where that comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebIdentity {
    /// The role to assume.
    pub role_arn: String,
    /// The session's name; the run's own when left out.
    pub session_name: Option<String>,
    /// Length of the session in seconds.
    pub duration_seconds: Option<i32>,
    /// A session policy, JSON.
    pub policy: Option<String>,
    /// Managed policies that narrow the session.
    pub policy_arns: Vec<String>,
    /// The file with the token, read again for each session. When left out, the provider's configuration holds the
    /// token for this role.
    pub token_file: Option<String>,
}

/// How to get into an account: where credentials come from, and the roles assumed one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WayIn {
    /// A profile of the shared files; the provider's base credentials when left out.
    pub profile: Option<String>,
    /// A web identity instead of any credentials.
    pub web_identity: Option<WebIdentity>,
    /// Roles assumed in turn, each with the credentials of the one before.
    pub assume_role: Vec<AssumeRole>,
}

/// Where a call is made: an account, a region, and the way in. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The account that the way in leads to.
    pub account: AccountId,
    /// The region of the endpoint.
    pub region: Region,
    /// The partition, as AWS reported it.
    pub partition: Partition,
    /// How the account is entered.
    pub way_in: Arc<WayIn>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {}, region {}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_regional_namespace_tells_account_and_region() {
        let told = |name: &str| {
            let name = BucketName::parse(name).unwrap();
            let told = name.regional_namespace();
            told.map(|(account, region)| format!("{account} {region}"))
        };
        let ours = Some("111111111111 us-west-2".to_owned());
        assert_eq!(told("acme-111111111111-us-west-2-an"), ours);
        assert_eq!(told("a-999999999999-111111111111-us-west-2-an"), ours);
        for name in [
            "acme-archive",
            "acme-urban-an",
            "acme-111111111111-an",
            "acme-us-west-2-an",
            "acme-11111111111-us-west-2-an",
        ] {
            assert_eq!(told(name), None, "{name}");
        }
    }
}
