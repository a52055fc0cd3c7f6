//! Private state: what must be remembered and nobody has to read.

mod leftovers;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::upgrade::PRIVATE;
use crate::framework::diagnostics::Diagnostics;
use crate::replication::ids::{AssumeRole, WayIn, WebIdentity};
use crate::replication::leftovers::Leftovers;
use crate::replication::operation::{BucketEncryption, Input};
use crate::replication::spec::{Custody, Spec};

use leftovers::StoredLeftovers;

/// The resource's private state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Private {
    /// Version of this format.
    #[serde(default)]
    pub version: i64,
    /// The settings that an import found (the state of that moment); unwritten settings keep them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Json>,
    /// Set between an import and its first read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub importing: bool,
    /// Set between a move from another resource type and the first read, which imports: the state is a name alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
    /// What a failed create could not undo: a destroy of it never empties a bucket. A plan of something new says so of
    /// what it may replace, which is tainted; an apply that succeeds takes it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remainder: bool,
    /// The plan replaces the resource: its destroy never empties a bucket. The next refresh takes it off, for a destroy
    /// that was refused leaves it behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replacing: bool,
    /// Buckets that the last refresh could not get at, by name: a plan has to get there, or fail.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unseen: BTreeSet<String>,
    /// Names of existing buckets whose encryption in the state is their own default, and was not written.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub own_encryption: BTreeSet<String>,
    /// Which existing buckets have Object Lock, and which have not, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locked: BTreeMap<String, bool>,
    /// The default encryption that existing buckets had before ours was written, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encryption_found: BTreeMap<String, StoredEncryption>,
    /// Keys of ours (ARNs) that buckets used before a destroy retained them, by the bucket's name: the next refresh takes
    /// them into the state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retired: BTreeMap<String, BTreeSet<String>>,
    /// The ways into accounts as they were resolved, by account id: a destination whose `account` block goes
    /// together with it can still be taken down.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ways: BTreeMap<String, StoredWay>,
    /// What updates that failed had to take away and did not; none after one that succeeded.
    #[serde(default, skip_serializing_if = "StoredLeftovers::is_empty")]
    pub leftovers: StoredLeftovers,
}

/// Why a private state cannot be used.
enum Unreadable {
    /// This version is of a newer provider.
    Newer(i64),
    /// It is no private state, and why.
    Damaged(String),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// A default encryption as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredEncryption {
    sse_algorithm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
    #[serde(default)]
    bucket_key_enabled: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blocked_encryption_types: Vec<String>,
}

/// A way in as it is stored. It holds no secret: only names of profiles, roles and files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredWay {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    web_identity: Option<StoredWebIdentity>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<StoredRole>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct StoredRole {
    role_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policy_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transitive_tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct StoredWebIdentity {
    role_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policy_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_file: Option<String>,
}

impl Private {
    /// Reads it; nothing is empty. What cannot be read is an error: it may say that nothing may be emptied.
    pub(crate) fn read(bytes: &[u8], diagnostics: &mut Diagnostics) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        match Self::of_any_version(bytes) {
            Ok(private) => return Some(private),
            Err(Unreadable::Newer(version)) => diagnostics.error(
                "The state was written by a newer version of the provider",
                format!("What the provider remembers of this resource is in version {version} of its format, and this version of the provider knows those up to {}. Use the version that wrote the state, or a newer one. Nothing was changed.", PRIVATE.current()),
            ),
            Err(Unreadable::Damaged(why)) => diagnostics.error(
                "The private state cannot be read",
                format!("What the provider remembers of this resource beside its attributes is damaged ({why}). It tells what must not be emptied, so nothing is done without it. Restore the state from a backup; or remove the resource with `terraform state rm` and import the bucket. Nothing was changed."),
            ),
        }
        None
    }

    fn of_any_version(bytes: &[u8]) -> Result<Self, Unreadable> {
        let json: Json = serde_json::from_slice(bytes)?;
        let version = json.get("version").and_then(Json::as_i64);
        let version = version.ok_or_else(|| Unreadable::Damaged("no version".to_owned()))?;
        if version > PRIVATE.current() {
            return Err(Unreadable::Newer(version));
        }
        let json = PRIVATE
            .upgrade(version, json)
            .map_err(Unreadable::Damaged)?;
        Ok(Self {
            version: PRIVATE.current(),
            ..serde_json::from_value(json)?
        })
    }

    /// Takes note of what an update that failed has left; of nothing after one that succeeded.
    pub(crate) fn remember_leftovers(&mut self, leftovers: &Leftovers) {
        self.leftovers = leftovers.into();
        // The next plan does not take what is ours for the bucket's own.
        self.own_encryption.retain(|name| {
            let left = leftovers.buckets.get(name);
            left.is_none_or(|left| left.encryption.is_none())
        });
    }

    /// What updates that failed have left.
    pub(crate) fn leftovers(&self) -> Leftovers {
        (&self.leftovers).into()
    }

    /// Tells a spec what its existing buckets had before, which of them are locked, and what was left of it all.
    pub(crate) fn recall(&self, mut spec: Spec) -> Spec {
        self.leftovers().recall(&mut spec);
        for bucket in spec.buckets_mut() {
            let found = self.encryption_found.get(bucket.name.as_str());
            if let Custody::Existing(existing) = &mut bucket.custody {
                existing.encryption_found = found.map(BucketEncryption::from);
            }
        }
        spec.tell_locks(&self.locked);
        spec
    }

    /// Writes it.
    pub(crate) fn write(&self) -> Vec<u8> {
        let current = Self {
            version: PRIVATE.current(),
            ..self.clone()
        };
        serde_json::to_vec(&current).unwrap_or_default()
    }
}

impl From<&BucketEncryption> for StoredEncryption {
    fn from(encryption: &BucketEncryption) -> Self {
        Self {
            sse_algorithm: encryption.sse_algorithm.clone(),
            kms_key: encryption.kms_key.as_ref().and_then(Input::known).cloned(),
            bucket_key_enabled: encryption.bucket_key_enabled,
            blocked_encryption_types: encryption.blocked_encryption_types.clone(),
        }
    }
}

impl From<&StoredEncryption> for BucketEncryption {
    fn from(stored: &StoredEncryption) -> Self {
        Self {
            sse_algorithm: stored.sse_algorithm.clone(),
            kms_key: stored.kms_key.clone().map(Input::Known),
            bucket_key_enabled: stored.bucket_key_enabled,
            blocked_encryption_types: stored.blocked_encryption_types.clone(),
        }
    }
}

impl From<&WayIn> for StoredWay {
    fn from(way: &WayIn) -> Self {
        Self {
            profile: way.profile.clone(),
            web_identity: way.web_identity.clone().map(|web| StoredWebIdentity {
                role_arn: web.role_arn,
                session_name: web.session_name,
                duration_seconds: web.duration_seconds,
                policy: web.policy,
                policy_arns: web.policy_arns,
                token_file: web.token_file,
            }),
            roles: way
                .assume_role
                .iter()
                .cloned()
                .map(|role| StoredRole {
                    role_arn: role.role_arn,
                    session_name: role.session_name,
                    external_id: role.external_id,
                    duration_seconds: role.duration_seconds,
                    policy: role.policy,
                    policy_arns: role.policy_arns,
                    source_identity: role.source_identity,
                    tags: role.tags,
                    transitive_tag_keys: role.transitive_tag_keys,
                })
                .collect(),
        }
    }
}

impl From<&StoredWay> for WayIn {
    fn from(way: &StoredWay) -> Self {
        Self {
            profile: way.profile.clone(),
            web_identity: way.web_identity.clone().map(|web| WebIdentity {
                role_arn: web.role_arn,
                session_name: web.session_name,
                duration_seconds: web.duration_seconds,
                policy: web.policy,
                policy_arns: web.policy_arns,
                token_file: web.token_file,
            }),
            assume_role: way
                .roles
                .iter()
                .cloned()
                .map(|role| AssumeRole {
                    role_arn: role.role_arn,
                    session_name: role.session_name,
                    external_id: role.external_id,
                    duration_seconds: role.duration_seconds,
                    policy: role.policy,
                    policy_arns: role.policy_arns,
                    source_identity: role.source_identity,
                    tags: role.tags,
                    transitive_tag_keys: role.transitive_tag_keys,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_a_round_trip() {
        let private = Private {
            version: PRIVATE.current(),
            remainder: true,
            ways: BTreeMap::from([(
                "222222222222".to_owned(),
                StoredWay {
                    profile: Some("backup".to_owned()),
                    ..StoredWay::default()
                },
            )]),
            ..Private::default()
        };
        let mut diagnostics = Diagnostics::new();
        let read = Private::read(&private.write(), &mut diagnostics);
        assert_eq!(read, Some(private));
        let read = Private::read(b"", &mut diagnostics);
        assert_eq!(read, Some(Private::default()));
        assert!(!diagnostics.has_error());
    }

    #[test]
    fn what_cannot_be_read_is_no_empty_state() {
        for (bytes, summary) in [
            (&b"not json"[..], "The private state cannot be read"),
            (b"{\"remainder\": true}", "The private state cannot be read"),
            (b"{\"version\": 0}", "The private state cannot be read"),
            (
                b"{\"version\": 2, \"remainder\": \"yes\"}",
                "The private state cannot be read",
            ),
            (
                b"{\"version\": 3, \"remainder\": \"another form\"}",
                "The state was written by a newer version of the provider",
            ),
        ] {
            let mut diagnostics = Diagnostics::new();
            assert_eq!(Private::read(bytes, &mut diagnostics), None);
            let said: Vec<_> = diagnostics.iter().map(|d| d.summary.as_str()).collect();
            assert_eq!(said, [summary]);
        }
    }

    #[test]
    fn a_way_in_comes_back_whole() {
        let text = |text: &str| Some(text.to_owned());
        let way = WayIn {
            profile: text("backup"),
            web_identity: Some(WebIdentity {
                role_arn: "arn:aws:iam::222222222222:role/Ci".to_owned(),
                session_name: text("ci"),
                duration_seconds: Some(900),
                policy: text("{}"),
                policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
                token_file: text("/run/token"),
            }),
            assume_role: vec![AssumeRole {
                role_arn: "arn:aws:iam::222222222222:role/Deploy".to_owned(),
                session_name: text("mine"),
                external_id: text("ext"),
                duration_seconds: Some(3600),
                policy: text("{}"),
                policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
                source_identity: text("person"),
                tags: BTreeMap::from([("team".to_owned(), "storage".to_owned())]),
                transitive_tag_keys: vec!["team".to_owned()],
            }],
        };
        let json = serde_json::to_string(&StoredWay::from(&way)).unwrap();
        let stored: StoredWay = serde_json::from_str(&json).unwrap();
        assert_eq!(WayIn::from(&stored), way);
    }
}
