//! Private state: what must be remembered and nobody has to read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::replication::ids::{AssumeRole, WayIn};

/// The version that this code writes.
const VERSION: u32 = 1;

/// The resource's private state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Private {
    /// Version of this format.
    #[serde(default)]
    pub version: u32,
    /// The settings that an import found (the state of that moment); unwritten settings keep them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<serde_json::Value>,
    /// Set between an import and its first read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub importing: bool,
    /// What a failed create could not undo: a destroy of it never empties a bucket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remainder: bool,
    /// The plan replaces the resource: its destroy never empties a bucket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replacing: bool,
    /// Buckets that the last refresh could not get at, by name: a plan has to get there, or fail.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unseen: BTreeSet<String>,
    /// The ways into accounts as they were resolved, by account id: a destination whose `account` block goes
    /// together with it can still be taken down.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ways: BTreeMap<String, StoredWay>,
}

/// A way in as it is stored. It holds no secret: only names of profiles and roles.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredWay {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
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
}

impl Private {
    /// Reads it; nothing, or what cannot be read, is empty.
    pub(super) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Writes it.
    pub(super) fn write(&self) -> Vec<u8> {
        let current = Self {
            version: VERSION,
            ..self.clone()
        };
        serde_json::to_vec(&current).unwrap_or_default()
    }
}

impl From<&WayIn> for StoredWay {
    fn from(way: &WayIn) -> Self {
        Self {
            profile: way.profile.clone(),
            roles: way
                .assume_role
                .iter()
                .map(|role| StoredRole {
                    role_arn: role.role_arn.clone(),
                    session_name: role.session_name.clone(),
                    external_id: role.external_id.clone(),
                    duration_seconds: role.duration_seconds,
                })
                .collect(),
        }
    }
}

impl From<&StoredWay> for WayIn {
    fn from(way: &StoredWay) -> Self {
        Self {
            profile: way.profile.clone(),
            assume_role: way
                .roles
                .iter()
                .map(|role| AssumeRole {
                    role_arn: role.role_arn.clone(),
                    session_name: role.session_name.clone(),
                    external_id: role.external_id.clone(),
                    duration_seconds: role.duration_seconds,
                    ..AssumeRole::default()
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_a_round_trip_and_garbage() {
        let private = Private {
            version: VERSION,
            remainder: true,
            ways: BTreeMap::from([(
                "222222222222".to_owned(),
                StoredWay {
                    profile: Some("backup".to_owned()),
                    roles: Vec::new(),
                },
            )]),
            ..Private::default()
        };
        assert_eq!(Private::read(&private.write()), private);
        assert_eq!(Private::read(b"not json"), Private::default());
        assert_eq!(Private::read(b""), Private::default());
    }
}
