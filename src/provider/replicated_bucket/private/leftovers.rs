//! What failed updates have left, as it is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{StoredEncryption, StoredWay};
use crate::replication::ids::{AccountId, Arn, Location, Region};
use crate::replication::leftovers::{BucketLeftovers, Leftovers, ReplacedEncryption, RoleName};
use crate::replication::policy::{PolicyDocument, Statement};

/// [`Leftovers`] as they are stored: names, and statements that the user wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredLeftovers {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    buckets: BTreeMap<String, StoredBucketLeftovers>,
    /// Ways to keys, by their ARNs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, StoredWay>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct StoredBucketLeftovers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statements: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_statements: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    rules: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    aliases: BTreeSet<String>,
    /// Paths and names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    roles: BTreeSet<(String, String)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ours_in_policy: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ownership_tags: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encryption: Option<StoredReplacedEncryption>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct StoredReplacedEncryption {
    ours: StoredEncryption,
    found: StoredEncryption,
}

impl StoredLeftovers {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&Leftovers> for StoredLeftovers {
    fn from(leftovers: &Leftovers) -> Self {
        let buckets = leftovers.buckets.iter();
        let keys = leftovers.keys.iter();
        Self {
            buckets: buckets
                .map(|(name, left)| (name.clone(), left.into()))
                .collect(),
            keys: keys
                .map(|(arn, at)| (arn.clone(), at.way_in.as_ref().into()))
                .collect(),
        }
    }
}

impl From<&StoredLeftovers> for Leftovers {
    fn from(stored: &StoredLeftovers) -> Self {
        let buckets = stored.buckets.iter();
        let keys = stored.keys.iter();
        Self {
            buckets: buckets
                .map(|(name, left)| (name.clone(), left.into()))
                .collect(),
            keys: keys
                .filter_map(|(arn, way)| Some((arn.clone(), key_location(arn, way)?)))
                .collect(),
        }
    }
}

impl From<&BucketLeftovers> for StoredBucketLeftovers {
    fn from(left: &BucketLeftovers) -> Self {
        Self {
            statements: document(&left.statements),
            key_statements: document(&left.key_statements),
            rules: left.rules.clone(),
            aliases: left.aliases.clone(),
            roles: left
                .roles
                .iter()
                .map(|role| (role.path.clone(), role.name.clone()))
                .collect(),
            ours_in_policy: left.ours_in_policy,
            ownership_tags: left.ownership_tags,
            encryption: left
                .encryption
                .as_ref()
                .map(|replaced| StoredReplacedEncryption {
                    ours: (&replaced.ours).into(),
                    found: (&replaced.found).into(),
                }),
        }
    }
}

impl From<&StoredBucketLeftovers> for BucketLeftovers {
    fn from(stored: &StoredBucketLeftovers) -> Self {
        Self {
            statements: statements(stored.statements.as_ref()),
            key_statements: statements(stored.key_statements.as_ref()),
            rules: stored.rules.clone(),
            aliases: stored.aliases.clone(),
            roles: stored
                .roles
                .iter()
                .cloned()
                .map(|(path, name)| RoleName { path, name })
                .collect(),
            ours_in_policy: stored.ours_in_policy,
            ownership_tags: stored.ownership_tags,
            encryption: stored
                .encryption
                .as_ref()
                .map(|replaced| ReplacedEncryption {
                    ours: (&replaced.ours).into(),
                    found: (&replaced.found).into(),
                }),
        }
    }
}

fn key_location(arn: &str, way: &StoredWay) -> Option<Location> {
    let arn = Arn::parse_key(arn).ok()?;
    Some(Location {
        account: AccountId::parse(&arn.account).ok()?,
        region: Region::parse(&arn.region).ok()?,
        partition: arn.partition,
        way_in: Arc::new(way.into()),
    })
}

fn document(statements: &[Statement]) -> Option<String> {
    let is_any = !statements.is_empty();
    is_any.then(|| PolicyDocument::new(statements.to_vec()).render().ok())?
}

fn statements(document: Option<&String>) -> Vec<Statement> {
    let document = document.and_then(|text| PolicyDocument::parse(text).ok());
    document.map_or_else(Vec::new, |document| document.statements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::ids::WayIn;
    use crate::replication::operation::{BucketEncryption, Input};

    #[test]
    fn what_is_left_comes_back_whole() {
        let encryption = |algorithm: &str, key: Option<&str>| BucketEncryption {
            sse_algorithm: algorithm.to_owned(),
            kms_key: key.map(|key| Input::Known(key.to_owned())),
            bucket_key_enabled: key.is_some(),
            blocked_encryption_types: vec!["SSE-C".to_owned()],
        };
        let statement = |sid: &str| {
            let text = format!(
                r#"{{"Statement":{{"Sid":"{sid}","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}}}"#
            );
            PolicyDocument::parse(&text).unwrap().statements.remove(0)
        };
        let key = "arn:aws:kms:eu-west-1:222222222222:key/1234";
        let left = BucketLeftovers {
            statements: vec![statement("One"), statement("Two")],
            key_statements: vec![statement("Three")],
            rules: BTreeSet::from(["replicated-backup".to_owned()]),
            aliases: BTreeSet::from(["alias/before".to_owned()]),
            roles: BTreeSet::from([RoleName {
                path: "/".to_owned(),
                name: "copier".to_owned(),
            }]),
            ours_in_policy: true,
            ownership_tags: true,
            encryption: Some(ReplacedEncryption {
                ours: encryption("aws:kms", Some(key)),
                found: encryption("AES256", None),
            }),
        };
        let way_in = WayIn {
            profile: Some("backup".to_owned()),
            ..WayIn::default()
        };
        let region = Region::parse("eu-west-1").unwrap();
        let at = Location {
            account: AccountId::parse("222222222222").unwrap(),
            partition: region.partition(),
            region,
            way_in: Arc::new(way_in),
        };
        let leftovers = Leftovers {
            buckets: BTreeMap::from([("acme-archive".to_owned(), left)]),
            keys: BTreeMap::from([(key.to_owned(), at)]),
        };
        let json = serde_json::to_string(&StoredLeftovers::from(&leftovers)).unwrap();
        let stored: StoredLeftovers = serde_json::from_str(&json).unwrap();
        assert_eq!(Leftovers::from(&stored), leftovers);
    }
}
