//! Our rules in a replication configuration that belongs to somebody else.
//!
//! S3 knows only whole configurations: whoever writes one rule writes all of them, with the one role that they
//! share. So a write reads what is there right before, keeps every rule that is not ours as it is, and refuses
//! where both cannot stand side by side. Rules are known by their ID.

use std::collections::BTreeSet;
use std::fmt;

use super::component::ComponentId;
use super::names::named_by_rule_id;
use super::operation::{Input, ReplicationConfiguration, ReplicationRule};

/// What one owner wants in a replication configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesShare {
    /// The role that our rules need.
    pub role: String,
    /// Our rules; none takes those that are there away.
    pub rules: Vec<ReplicationRule>,
    /// IDs of rules that were ours until now.
    pub before: BTreeSet<String>,
    /// Whether the bucket had none of ours until now: one that is there under an ID of ours and says something else
    /// was written by somebody else.
    pub is_new: bool,
}

/// Why our rules cannot stand beside those of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulesConflict {
    /// The configuration has a rule of the first version, which makes all of it one of that version.
    OldRule {
        /// The rule's ID.
        id: String,
        /// The same rule in the second version, as the AWS CLI takes it.
        rewritten: String,
    },
    /// The rules of others run under another role, and a configuration has only one.
    AnotherRole {
        /// ARN of that role.
        role: String,
        /// IDs of the rules.
        rules: Vec<String>,
    },
    /// Another `replicated_bucket` has its rules here.
    AnotherBlock {
        /// IDs of the rules.
        rules: Vec<String>,
    },
    /// A priority that one of our rules has is taken.
    PriorityTaken {
        /// ID of our rule.
        id: String,
        /// The priority.
        priority: i32,
        /// ID of the rule that has it.
        taken_by: String,
    },
}

impl RulesShare {
    /// The share that takes these rules away again.
    pub fn withdrawn(&self) -> Self {
        let ours = self.rules.iter().map(|rule| rule.id.clone());
        Self {
            role: self.role.clone(),
            rules: Vec::new(),
            before: ours.chain(self.before.iter().cloned()).collect(),
            is_new: false,
        }
    }

    /// Whether rules that were ours until now are to go.
    pub fn takes_away(&self) -> bool {
        let stays = |id: &String| self.rules.iter().any(|rule| rule.id == *id);
        !self.before.iter().all(stays)
    }

    /// The configuration of a bucket of ours, where nobody else has rules.
    pub fn alone(&self) -> ReplicationConfiguration {
        ReplicationConfiguration {
            role: self.role.clone(),
            rules: self.rules.clone(),
        }
    }

    /// The configuration as it should be, whatever is in it now; `None` when nothing is left of it.
    pub fn merged_into(
        &self,
        existing: Option<&ReplicationConfiguration>,
    ) -> Option<ReplicationConfiguration> {
        let foreign: Vec<_> = self.foreign(existing).cloned().collect();
        if foreign.is_empty() && self.rules.is_empty() {
            return None;
        }
        let role = match existing {
            Some(existing) if self.rules.is_empty() => existing.role.clone(),
            _ => self.role.clone(),
        };
        let rules = foreign.into_iter().chain(self.rules.iter().cloned());
        Some(ReplicationConfiguration {
            role,
            rules: rules.collect(),
        })
    }

    /// The rules of others.
    pub fn foreign<'a>(
        &'a self,
        existing: Option<&'a ReplicationConfiguration>,
    ) -> impl Iterator<Item = &'a ReplicationRule> {
        let rules = existing.map_or(&[][..], |existing| &existing.rules);
        rules.iter().filter(|rule| !self.is_ours(&rule.id))
    }

    /// Our rules that are there, whether they are as they should be or not.
    pub fn ours_in(&self, existing: &ReplicationConfiguration) -> ReplicationConfiguration {
        let ours = existing.rules.iter().filter(|rule| self.is_ours(&rule.id));
        ReplicationConfiguration {
            role: existing.role.clone(),
            rules: ours.cloned().collect(),
        }
    }

    /// What keeps our rules from standing beside those of others. Taking ours away is always possible.
    pub fn conflicts(&self, existing: Option<&ReplicationConfiguration>) -> Vec<RulesConflict> {
        let foreign: Vec<_> = self.foreign(existing).collect();
        let Some(existing) = existing else {
            return Vec::new();
        };
        if self.rules.is_empty() {
            return Vec::new();
        }
        let ids = |rules: &[&ReplicationRule]| rules.iter().map(|r| r.id.clone()).collect();
        let like_ours = foreign
            .iter()
            .copied()
            .filter(|rule| named_by_rule_id(&rule.id).is_some());
        let of_other_blocks: Vec<_> = like_ours.chain(self.taken(existing)).collect();
        if !of_other_blocks.is_empty() {
            let rules = ids(&of_other_blocks);
            return vec![RulesConflict::AnotherBlock { rules }];
        }
        if foreign.is_empty() {
            return Vec::new();
        }
        let mut conflicts = Vec::new();
        let mut free = self.free_priorities(&foreign);
        for old in foreign.iter().filter(|rule| rule.filter.is_none()) {
            conflicts.push(RulesConflict::OldRule {
                id: old.id.clone(),
                rewritten: second_version(old, free.next().unwrap_or_default()),
            });
        }
        if existing.role != self.role {
            conflicts.push(RulesConflict::AnotherRole {
                role: existing.role.clone(),
                rules: ids(&foreign),
            });
        }
        for rule in &self.rules {
            let taken_by = foreign
                .iter()
                .find(|other| other.priority.is_some() && other.priority == rule.priority);
            if let (Some(other), Some(priority)) = (taken_by, rule.priority) {
                conflicts.push(RulesConflict::PriorityTaken {
                    id: rule.id.clone(),
                    priority,
                    taken_by: other.id.clone(),
                });
            }
        }
        conflicts
    }

    /// Keys that our rules name and that may still have to be made.
    pub fn inputs(&self) -> Vec<&Input<String>> {
        let rules = self.rules.iter();
        rules
            .filter_map(|rule| rule.replica_kms_key.as_ref())
            .collect()
    }

    /// The same share with every key filled in by `output`; the component that has none yet otherwise.
    pub fn resolve(
        mut self,
        output: &dyn Fn(&ComponentId) -> Option<String>,
    ) -> Result<Self, ComponentId> {
        for rule in &mut self.rules {
            if let Some(key) = &mut rule.replica_kms_key {
                key.fill(output)?;
            }
        }
        Ok(self)
    }

    fn is_ours(&self, id: &str) -> bool {
        self.before.contains(id) || self.rules.iter().any(|rule| rule.id == id)
    }

    /// Rules under an ID of ours that are not ours.
    fn taken<'a>(
        &'a self,
        existing: &'a ReplicationConfiguration,
    ) -> impl Iterator<Item = &'a ReplicationRule> {
        let differs = |there: &&ReplicationRule| {
            let ours = self.rules.iter().find(|rule| rule.id == there.id);
            ours.is_some_and(|ours| {
                let mut there = (*there).clone();
                // A key that is still to be made may have been made by a run that was killed.
                let is_open = matches!(ours.replica_kms_key, Some(Input::OutputOf(_)));
                if is_open && there.replica_kms_key.is_some() {
                    there.replica_kms_key.clone_from(&ours.replica_kms_key);
                }
                !same_rule(ours, &there)
            })
        };
        let is_new = self.is_new;
        let rules = existing.rules.iter();
        rules.filter(move |there| is_new && differs(there))
    }

    /// Priorities that neither our rules nor those of others have.
    fn free_priorities(&self, foreign: &[&ReplicationRule]) -> impl Iterator<Item = i32> {
        let all = self.rules.iter().chain(foreign.iter().copied());
        let taken: BTreeSet<i32> = all.filter_map(|rule| rule.priority).collect();
        (0..).filter(move |priority| !taken.contains(priority))
    }
}

/// A rule of the first version as one of the second that does the same: it replicates delete markers, as all rules
/// of the first version do.
fn second_version(rule: &ReplicationRule, priority: i32) -> String {
    let status = |enabled| if enabled { "Enabled" } else { "Disabled" };
    let mut destination = serde_json::json!({ "Bucket": rule.bucket_arn });
    let mut put = |name: &str, value| destination[name] = value;
    if let Some(account) = &rule.account {
        put("Account", account.clone().into());
    }
    if let Some(class) = &rule.storage_class {
        put("StorageClass", class.clone().into());
    }
    if rule.owner_override {
        put(
            "AccessControlTranslation",
            serde_json::json!({ "Owner": "Destination" }),
        );
    }
    if let Some(key) = rule.replica_kms_key.as_ref().and_then(Input::known) {
        put(
            "EncryptionConfiguration",
            serde_json::json!({ "ReplicaKmsKeyID": key }),
        );
    }
    let mut rewritten = serde_json::json!({
        "ID": rule.id,
        "Priority": priority,
        "Status": status(rule.enabled),
        "Filter": { "Prefix": rule.v1_prefix.clone().unwrap_or_default() },
        "DeleteMarkerReplication": { "Status": "Enabled" },
        "Destination": destination,
    });
    if let Some(enabled) = rule.sse_kms_encrypted_objects {
        rewritten["SourceSelectionCriteria"] =
            serde_json::json!({ "SseKmsEncryptedObjects": { "Status": status(enabled) } });
    }
    rewritten.to_string()
}

impl fmt::Display for RulesConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldRule { id, .. } => write!(
                f,
                "rule {id} of its replication configuration is of the first version, which stands beside no other"
            ),
            Self::AnotherRole { role, rules } => write!(
                f,
                "its replication configuration runs under the role {role}, which its rules {} need, and a configuration has only one role",
                rules.join(", ")
            ),
            Self::AnotherBlock { rules } => write!(
                f,
                "another replicated_bucket has its rules there: {}",
                rules.join(", ")
            ),
            Self::PriorityTaken {
                id,
                priority,
                taken_by,
            } => write!(
                f,
                "rule {taken_by} of its replication configuration has priority {priority} already, which rule {id} was to have"
            ),
        }
    }
}

/// Whether both mean the same: S3 keeps what is disabled, and what is left out is disabled, too.
pub fn same_rule(wanted: &ReplicationRule, seen: &ReplicationRule) -> bool {
    let meaning = |rule: &ReplicationRule| {
        let mut rule = rule.clone();
        if let Some(filter) = &mut rule.filter
            && filter.prefix.as_deref() == Some("")
        {
            filter.prefix = None;
        }
        rule.replica_modifications = rule.replica_modifications.filter(|on| *on);
        rule.sse_kms_encrypted_objects = rule.sse_kms_encrypted_objects.filter(|on| *on);
        if rule.sse_kms_encrypted_objects.is_none() {
            rule.replica_kms_key = None;
        }
        rule.replication_time = rule.replication_time.filter(|(on, _)| *on);
        rule.metrics = rule.metrics.filter(|(on, _)| *on);
        rule
    };
    meaning(wanted) == meaning(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::operation::RuleFilter;

    const ROLE: &str = "arn:aws:iam::111111111111:role/theirs";

    fn rule(id: &str, priority: i32) -> ReplicationRule {
        ReplicationRule {
            id: id.to_owned(),
            priority: Some(priority),
            enabled: true,
            filter: Some(RuleFilter::default()),
            v1_prefix: None,
            delete_marker_replication: Some(false),
            sse_kms_encrypted_objects: None,
            replica_modifications: None,
            bucket_arn: "arn:aws:s3:::elsewhere".to_owned(),
            account: None,
            storage_class: None,
            owner_override: false,
            replica_kms_key: None,
            replication_time: None,
            metrics: None,
        }
    }

    fn configuration(rules: &[ReplicationRule]) -> ReplicationConfiguration {
        ReplicationConfiguration {
            role: ROLE.to_owned(),
            rules: rules.to_vec(),
        }
    }

    fn share(rules: &[ReplicationRule]) -> RulesShare {
        RulesShare {
            role: ROLE.to_owned(),
            rules: rules.to_vec(),
            before: BTreeSet::from(["replicated-gone".to_owned()]),
            is_new: false,
        }
    }

    #[test]
    fn a_rule_of_a_run_that_was_killed_may_name_the_key_that_is_found_again() {
        let with_key = |key: Option<Input<String>>| ReplicationRule {
            sse_kms_encrypted_objects: key.as_ref().map(|_| true),
            replica_kms_key: key,
            ..rule("replicated-backup", 1)
        };
        let side = crate::replication::component::Side::Source;
        let key = ComponentId::Of(side, crate::replication::component::Part::Key);
        let ours = RulesShare {
            is_new: true,
            ..share(&[with_key(Some(Input::OutputOf(key)))])
        };
        let made = Some(Input::Known("arn:aws:kms:made".to_owned()));
        let conflicts = |there| ours.conflicts(Some(&configuration(&[with_key(there)])));
        assert_eq!(conflicts(made), Vec::new());
        assert_eq!(
            conflicts(None),
            [RulesConflict::AnotherBlock {
                rules: vec!["replicated-backup".to_owned()]
            }]
        );
    }

    #[test]
    fn rules_of_others_stay_as_they_are_and_ours_that_are_no_longer_wanted_go() {
        let ours = rule("replicated-backup", 1);
        let there = configuration(&[rule("theirs", 7), rule("replicated-gone", 0), {
            ReplicationRule {
                enabled: false,
                ..ours.clone()
            }
        }]);
        let merged = share(std::slice::from_ref(&ours)).merged_into(Some(&there));
        assert_eq!(merged, Some(configuration(&[rule("theirs", 7), ours])));
    }

    #[test]
    fn taking_ours_away_leaves_the_others_under_their_role_and_nothing_where_there_are_none() {
        let mut leaving = share(&[]);
        leaving.role = "arn:aws:iam::111111111111:role/ours".to_owned();
        let both = configuration(&[rule("theirs", 7), rule("replicated-gone", 0)]);
        let left = configuration(&[rule("theirs", 7)]);
        assert_eq!(leaving.merged_into(Some(&both)), Some(left));
        assert_eq!(leaving.conflicts(Some(&both)), Vec::new());
        let ours_alone = configuration(&[rule("replicated-gone", 0)]);
        assert_eq!(leaving.merged_into(Some(&ours_alone)), None);
        assert_eq!(leaving.merged_into(None), None);
    }

    #[test]
    fn another_role_is_no_matter_where_nobody_else_has_a_rule() {
        let mut wanted = share(&[rule("replicated-backup", 1)]);
        wanted.role = "arn:aws:iam::111111111111:role/ours".to_owned();
        let alone = configuration(&[rule("replicated-gone", 0)]);
        assert_eq!(wanted.conflicts(Some(&alone)), Vec::new());
        let shared = configuration(&[rule("theirs", 0)]);
        assert_eq!(
            wanted.conflicts(Some(&shared)),
            [RulesConflict::AnotherRole {
                role: ROLE.to_owned(),
                rules: vec!["theirs".to_owned()],
            }]
        );
    }

    #[test]
    fn a_priority_that_is_taken_and_a_rule_of_another_block_are_conflicts() {
        let wanted = share(&[rule("replicated-backup", 7)]);
        assert_eq!(
            wanted.conflicts(Some(&configuration(&[rule("theirs", 7)]))),
            [RulesConflict::PriorityTaken {
                id: "replicated-backup".to_owned(),
                priority: 7,
                taken_by: "theirs".to_owned(),
            }]
        );
        let there = configuration(&[rule("replicated-backup", 1)]);
        let mut fresh = wanted.clone();
        assert_eq!(fresh.conflicts(Some(&there)), Vec::new());
        fresh.is_new = true;
        assert_eq!(
            fresh.conflicts(Some(&there)),
            [RulesConflict::AnotherBlock {
                rules: vec!["replicated-backup".to_owned()],
            }]
        );
        assert_eq!(
            fresh.conflicts(Some(&configuration(&wanted.rules))),
            Vec::new()
        );
        let other = configuration(&[rule("replicated-other", 8)]);
        assert_eq!(
            wanted.conflicts(Some(&other)),
            [RulesConflict::AnotherBlock {
                rules: vec!["replicated-other".to_owned()],
            }]
        );
    }

    #[test]
    fn a_rule_of_the_first_version_is_told_as_one_of_the_second() {
        let old = ReplicationRule {
            priority: None,
            filter: None,
            v1_prefix: Some("logs/".to_owned()),
            delete_marker_replication: None,
            storage_class: Some("GLACIER".to_owned()),
            ..rule("nightly", 0)
        };
        let conflicts =
            share(&[rule("replicated-backup", 0)]).conflicts(Some(&configuration(&[old])));
        let [RulesConflict::OldRule { id, rewritten }] = &conflicts[..] else {
            panic!("{conflicts:?}");
        };
        assert_eq!(id, "nightly");
        insta::assert_snapshot!(rewritten, @r#"{"DeleteMarkerReplication":{"Status":"Enabled"},"Destination":{"Bucket":"arn:aws:s3:::elsewhere","StorageClass":"GLACIER"},"Filter":{"Prefix":"logs/"},"ID":"nightly","Priority":1,"Status":"Enabled"}"#);
    }
}
