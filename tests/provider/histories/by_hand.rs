//! What somebody changes at AWS. Where a thing is not there, nothing is changed.

use terraform_provider_replicated::replication::operation::{
    Expiration, LifecycleRule, Moment, ReplicationConfiguration,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::setup::SOURCE;
use super::world::OWNER_TAG;
use crate::existing::plain;
use crate::fake::{Bucket, Key, Role, State};

/// A change and its name.
#[derive(Debug, Clone, Copy)]
pub struct ByHand {
    pub words: &'static str,
    pub change: fn(&mut State),
}

const BACKUP: &str = "acme-archive-backup";
const NEAR: &str = "acme-near";

/// The Sid of statements that are nobody's business.
pub const FOREIGN: &str = "SomebodyElse";

/// Every change.
pub const BY_HAND: [ByHand; 18] = [
    by_hand("versioning of the backup is suspended", |aws| {
        of_bucket(aws, BACKUP, |bucket| {
            bucket.versioning = Some("Suspended".to_owned());
        });
    }),
    by_hand("the source is opened to the public", |aws| {
        of_bucket(aws, SOURCE, |bucket| bucket.public_access_block = None);
    }),
    by_hand("the rules of the source are deleted", |aws| {
        of_bucket(aws, SOURCE, |bucket| bucket.replication = None);
    }),
    by_hand("the first rule of the source is switched off", |aws| {
        of_rules(aws, |rules| rules.rules[0].enabled = false);
    }),
    by_hand("the last rule of the source is deleted", |aws| {
        of_rules(aws, |rules| {
            if rules.rules.len() > 1 {
                rules.rules.pop();
            }
        });
    }),
    by_hand("a rule is added at the source", |aws| {
        of_rules(aws, |rules| {
            let mut rule = rules.rules[0].clone();
            rule.id = "by-hand".to_owned();
            rule.priority = Some(999);
            rules.rules.push(rule);
        });
    }),
    by_hand("the policy of the backup is deleted", |aws| {
        of_bucket(aws, BACKUP, |bucket| bucket.policy = None);
    }),
    by_hand("somebody adds a statement to every bucket", |aws| {
        for (name, bucket) in &mut aws.buckets {
            let policy = bucket.policy.get_or_insert_default();
            if !is_foreign(policy) {
                policy.statements.extend(foreign(name).statements);
            }
        }
    }),
    by_hand("the roles are deleted", |aws| {
        aws.roles.retain(|_, role| !is_ours(&role.description.tags));
    }),
    by_hand("the roles lose their policies", |aws| {
        of_roles(aws, |role| role.policies.clear());
    }),
    by_hand("the aliases are deleted", |aws| {
        aws.aliases.clear();
    }),
    by_hand("the keys are disabled", |aws| {
        of_keys(aws, |key| key.state = "Disabled".to_owned());
    }),
    by_hand("the keys are scheduled for deletion", |aws| {
        of_keys(aws, |key| {
            key.state = "PendingDeletion".to_owned();
            key.window_days = Some(30);
        });
    }),
    by_hand("the buckets lose their tags", |aws| {
        for bucket in aws.buckets.values_mut() {
            if is_ours(&bucket.tags) {
                bucket.tags.clear();
            }
        }
    }),
    by_hand("the backup is encrypted plainly", |aws| {
        of_bucket(aws, BACKUP, |bucket| bucket.encryption = plain());
    }),
    by_hand("a lifecycle rule is to empty the backup", |aws| {
        of_bucket(aws, BACKUP, |bucket| {
            let rule = LifecycleRule {
                enabled: true,
                expiration: Some(Expiration::At(Moment::Days(1))),
                ..LifecycleRule::default()
            };
            let lifecycle = bucket.lifecycle.get_or_insert_default();
            lifecycle.rules.insert("by-hand".to_owned(), rule);
        });
    }),
    by_hand("the near bucket is deleted", |aws| {
        aws.buckets.remove(NEAR);
    }),
    by_hand("the source is deleted", |aws| {
        aws.buckets.remove(SOURCE);
    }),
];

const fn by_hand(words: &'static str, change: fn(&mut State)) -> ByHand {
    ByHand { words, change }
}

/// Whether a document holds the statement of somebody else.
pub fn is_foreign(policy: &PolicyDocument) -> bool {
    let mut statements = policy.statements.iter();
    statements.any(|statement| statement.name() == Some(FOREIGN))
}

fn foreign(bucket: &str) -> PolicyDocument {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Sid":"{FOREIGN}","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::444444444444:root"}},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::{bucket}"}}}}"#
    );
    PolicyDocument::parse(&text).unwrap()
}

fn is_ours(tags: &std::collections::BTreeMap<String, String>) -> bool {
    tags.get(OWNER_TAG)
        .is_some_and(|owner| owner.ends_with(SOURCE))
}

fn of_bucket(aws: &mut State, name: &str, change: fn(&mut Bucket)) {
    if let Some(bucket) = aws.buckets.get_mut(name) {
        change(bucket);
    }
}

fn of_rules(aws: &mut State, change: fn(&mut ReplicationConfiguration)) {
    let source = aws.buckets.get_mut(SOURCE);
    if let Some(rules) = source.and_then(|bucket| bucket.replication.as_mut()) {
        change(rules);
    }
}

fn of_roles(aws: &mut State, change: fn(&mut Role)) {
    let ours = |role: &&mut Role| is_ours(&role.description.tags);
    aws.roles.values_mut().filter(ours).for_each(change);
}

fn of_keys(aws: &mut State, change: fn(&mut Key)) {
    let ours = |key: &&mut Key| is_ours(&key.tags) && key.state != "PendingDeletion";
    aws.keys.values_mut().filter(ours).for_each(change);
}
