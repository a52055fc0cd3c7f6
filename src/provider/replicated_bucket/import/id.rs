//! By what an import finds the source: an ID or an identity.

use std::collections::BTreeMap;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::Value;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel, SourceModel};
use crate::replication::ids::{AccountId, Arn, BucketName, Region};

/// `[account/]bucket[@region][,role ARN]...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportId {
    pub(crate) account: Option<AccountId>,
    pub(crate) bucket: BucketName,
    pub(crate) region: Option<Region>,
    /// Roles by the account that they are in.
    pub(crate) roles: BTreeMap<String, Arn>,
}

impl ImportId {
    /// Reads what a person wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // A role's name may itself hold a comma, so the ID is split where an ARN begins.
        let mut parts = text.split(",arn:");
        let place = parts.next().unwrap_or_default();
        let mut roles = BTreeMap::new();
        for part in parts {
            let arn = Arn::parse_role(&format!("arn:{part}")).map_err(|e| format!("{e}."))?;
            roles.insert(arn.account.clone(), arn);
        }
        let (account, rest) = match place.split_once('/') {
            Some((account, rest)) => (
                Some(AccountId::parse(account).map_err(|e| format!("{e}."))?),
                rest,
            ),
            None => (None, place),
        };
        let (bucket, region) = match rest.split_once('@') {
            Some((bucket, region)) => (
                bucket,
                Some(Region::parse(region).map_err(|e| format!("{e}."))?),
            ),
            None => (rest, None),
        };
        Ok(Self {
            account,
            bucket: BucketName::parse(bucket).map_err(|e| format!("{e}."))?,
            region,
            roles,
        })
    }

    /// The same of an identity; further accounts are then entered by the provider's `account` blocks.
    pub(crate) fn of_identity(identity: &Value) -> Result<Self, String> {
        let told = |name: &str| identity.attribute(name).as_str();
        let bucket = told("bucket").unwrap_or_default();
        let account = told("account_id").map(AccountId::parse).transpose();
        let region = told("region").map(Region::parse).transpose();
        Ok(Self {
            account: account.map_err(|e| format!("`account_id`: {e}."))?,
            bucket: BucketName::parse(bucket).map_err(|e| format!("`bucket`: {e}."))?,
            region: region.map_err(|e| format!("`region`: {e}."))?,
            roles: BTreeMap::new(),
        })
    }

    /// A source in an account and a region, where they are known.
    pub(crate) fn of_place(
        bucket: &str,
        account: Option<&str>,
        region: Option<&str>,
    ) -> Option<Self> {
        Some(Self {
            account: account.and_then(|id| AccountId::parse(id).ok()),
            bucket: BucketName::parse(bucket).ok()?,
            region: region.and_then(|code| Region::parse(code).ok()),
            roles: BTreeMap::new(),
        })
    }

    /// A state with no more than that in it.
    pub(crate) fn place(&self) -> BucketModel {
        let source = SideModel {
            bucket: Attr::Known(self.bucket.to_string()),
            account_id: Attr::from_option(self.account.as_ref().map(ToString::to_string)),
            region: Attr::from_option(self.region.as_ref().map(ToString::to_string)),
            ..SideModel::default()
        };
        BucketModel {
            id: source.bucket.clone(),
            source: Attr::Known(SourceModel(source)),
            ..BucketModel::default()
        }
    }
}

/// Says what an import can be written with.
pub(super) fn refuse(by_identity: bool, why: &str, diagnostics: &mut Diagnostics) {
    if by_identity {
        diagnostics.error(
            "This is no identity of a bucket",
            format!("{why}\n\nWrite `bucket`, the source bucket's name, and where they are not the provider's `account_id`, twelve digits, and `region`. Nothing was imported."),
        );
    } else {
        diagnostics.error(
            "This is no import ID",
            format!("{why}\n\nWrite the source bucket's name (acme-archive), with its region (acme-archive@eu-west-1) or its account (111111111111/acme-archive@eu-west-1), each followed by `,<role ARN>` for every further account that has to be entered by a role. Nothing was imported."),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_id_is_read() {
        let plain = ImportId::parse("acme-archive").unwrap();
        assert_eq!(plain.bucket.as_str(), "acme-archive");
        assert_eq!(plain.region, None);
        let full = ImportId::parse(
            "111111111111/acme-archive@us-west-2,arn:aws:iam::222222222222:role/a,b,arn:aws:iam::333333333333:role/c",
        )
        .unwrap();
        assert_eq!(full.account.unwrap().as_str(), "111111111111");
        assert_eq!(full.region.unwrap().as_str(), "us-west-2");
        assert_eq!(full.roles["222222222222"].name(), "a,b");
        assert_eq!(full.roles["333333333333"].name(), "c");
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        for text in ["", "UPPER", "1/acme", "acme@nowhere", "acme,arn:aws:s3:::x"] {
            assert!(ImportId::parse(text).is_err(), "{text}");
        }
    }
}
