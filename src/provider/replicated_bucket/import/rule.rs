//! Rules of a configuration that was found, told by destination.

use std::collections::BTreeMap;

use super::Importer;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, text_map};
use crate::provider::checks::is_key;
use crate::provider::replicated_bucket::model::{RuleModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::values::flatten::found_rule;
use crate::replication::component::Side;
use crate::replication::ids::{Arn, Location};
use crate::replication::names::{DEFAULT_RULE, named_by_rule_id};
use crate::replication::operation::{Answer, Input, Query, ReplicationRule};

/// The rules to one bucket.
pub(crate) struct Arriving<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) rules: Vec<&'a ReplicationRule>,
    /// The key that the destination gets in `destinations`.
    pub(crate) key: String,
}

/// Rules by the bucket that they lead to. A destination is named as in our rule IDs, else by what tells its bucket
/// from the source's.
pub(crate) fn by_bucket<'a>(
    source_bucket: &str,
    rules: &'a [ReplicationRule],
) -> Vec<Arriving<'a>> {
    let mut grouped: BTreeMap<&str, Vec<&ReplicationRule>> = BTreeMap::new();
    for rule in rules {
        let bucket = rule.bucket_arn.rsplit(':').next().unwrap_or_default();
        grouped.entry(bucket).or_default().push(rule);
    }
    let mut all: Vec<Arriving<'_>> = Vec::new();
    for (bucket, rules) in grouped {
        let named = rules.iter().find_map(|rule| named_by_rule_id(&rule.id));
        let key = match named {
            Some((key, _)) if is_key(key) => key,
            _ => bucket
                .strip_prefix(&format!("{source_bucket}-"))
                .unwrap_or(bucket),
        };
        let taken = all.iter().any(|other| other.key == key);
        all.push(Arriving {
            bucket,
            rules,
            key: if taken { bucket } else { key }.to_owned(),
        });
    }
    all
}

impl Importer<'_> {
    /// The rules to a destination, with the key's ARN where one names an alias: that is what grants and rules need.
    pub(super) async fn with_keys_by_arn(
        &self,
        this: &Side,
        at: &Location,
        rules: &[&ReplicationRule],
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<ReplicationRule>> {
        let mut named = Vec::new();
        for rule in rules {
            let mut rule = (*rule).clone();
            let alias = rule.replica_kms_key.as_ref().and_then(Input::known);
            if let Some(alias) = alias.filter(|key| Arn::parse_key(key).is_err()) {
                let query = Query::DescribeKey { key: alias.clone() };
                match self.session.cloud.query(at, &query).await {
                    Ok(Answer::Key(key)) => rule.replica_kms_key = Some(Input::Known(key.arn)),
                    Ok(_) => {}
                    Err(error) => {
                        diagnostics.error_at(
                            side_path(this),
                            "The key of the replicas is not found",
                            format!("Rule {} names the key of its replicas as {alias}, and whose key that is cannot be asked: {error}. Write the key's own ARN into the rule, in its `ReplicaKmsKeyID`. Nothing was imported.", rule.id),
                        );
                        return None;
                    }
                }
            }
            named.push(rule);
        }
        Some(named)
    }
}

/// Writes the rules into their destination: one rule as the destination's own, several as `rules`.
pub(crate) fn fill(side: &mut SideModel, arriving: &Arriving<'_>, bucket_key: Option<&String>) {
    let mut ids = BTreeMap::new();
    let mut found: BTreeMap<String, RuleModel> = BTreeMap::new();
    for rule in &arriving.rules {
        let name = free_name(&arriving.key, &rule.id, &found);
        ids.insert(name.clone(), rule.id.clone());
        found.insert(name, found_rule(rule, bucket_key));
    }
    side.enabled = Attr::Known(true);
    match <[RuleModel; 1]>::try_from(found.values().cloned().collect::<Vec<_>>()) {
        Ok([only]) if only.replica_kms_key_arn.is_null() && !is_named(&arriving.key, &ids) => {
            side.set_own_rule(only);
            ids = ids
                .into_values()
                .map(|id| (DEFAULT_RULE.to_owned(), id))
                .collect();
        }
        _ => {
            let rules = found.into_iter();
            side.rules = Attr::Known(
                rules
                    .map(|(name, rule)| (name, Attr::Known(rule)))
                    .collect(),
            );
        }
    }
    side.rule_ids = Attr::Known(text_map(ids));
}

/// Whether the IDs say that these rules stood in `rules`.
fn is_named(key: &str, ids: &BTreeMap<String, String>) -> bool {
    ids.values()
        .filter_map(|id| named_by_rule_id(id))
        .any(|(of, rule)| of == key && rule != DEFAULT_RULE)
}

/// The rule's name in our ID, else one made of somebody else's.
fn free_name(key: &str, id: &str, taken: &BTreeMap<String, RuleModel>) -> String {
    let name = match named_by_rule_id(id) {
        Some((of, name)) if of == key && is_key(name) => name.to_owned(),
        _ => id
            .chars()
            .take(60)
            .map(|c| {
                if is_key(c.encode_utf8(&mut [0; 4])) {
                    c
                } else {
                    '-'
                }
            })
            .collect(),
    };
    let name = if name.is_empty() {
        DEFAULT_RULE.to_owned()
    } else {
        name
    };
    if !taken.contains_key(&name) {
        return name;
    }
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    numbered
        .into_iter()
        .find(|name| !taken.contains_key(name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::operation::RuleFilter;

    fn rule(id: &str, bucket: &str) -> ReplicationRule {
        ReplicationRule {
            id: id.to_owned(),
            priority: Some(0),
            enabled: true,
            filter: Some(RuleFilter::default()),
            v1_prefix: None,
            delete_marker_replication: Some(false),
            sse_kms_encrypted_objects: None,
            replica_modifications: None,
            bucket_arn: format!("arn:aws:s3:::{bucket}"),
            account: None,
            storage_class: None,
            owner_override: false,
            replica_kms_key: None,
            replication_time: None,
            metrics: None,
        }
    }

    /// Keys and rule names of what is found; a destination without `rules` has a star.
    fn found(rules: &[(&str, &str)]) -> Vec<String> {
        let rules: Vec<_> = rules.iter().map(|(id, to)| rule(id, to)).collect();
        by_bucket("acme", &rules)
            .iter()
            .map(|arriving| {
                let mut side = SideModel::default();
                fill(&mut side, arriving, None);
                let names = side.rules.known().map_or("*".to_owned(), |rules| {
                    rules.keys().cloned().collect::<Vec<_>>().join(" ")
                });
                assert_eq!(
                    side.rule_ids.known().map(BTreeMap::len),
                    Some(arriving.rules.len())
                );
                format!("{}: {names}", arriving.key)
            })
            .collect()
    }

    #[test]
    fn our_ids_give_the_names_back() {
        assert_eq!(found(&[("replicated-backup", "b")]), ["backup: *"]);
        assert_eq!(found(&[("replicated-backup/logs", "b")]), ["backup: logs"]);
        assert_eq!(
            found(&[
                ("replicated-backup/logs", "b"),
                ("replicated-backup", "b"),
                ("replicated-dr", "c"),
            ]),
            ["backup: default logs", "dr: *"]
        );
    }

    #[test]
    fn ids_of_others_are_made_into_names() {
        assert_eq!(found(&[("All of it!", "acme-backup")]), ["backup: *"]);
        assert_eq!(
            found(&[
                ("a b", "acme-backup"),
                ("a/b", "acme-backup"),
                ("", "acme-backup")
            ]),
            ["backup: a-b a-b-2 default"]
        );
        assert_eq!(
            found(&[("x", "backup"), ("y", "acme-backup")]),
            ["backup: *", "backup: *"],
            "two buckets cannot have one key"
        );
    }
}
