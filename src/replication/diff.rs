//! The difference between what should be and what is, and the write that mends each piece of it.
//!
//! The same list serves everybody: a read turns it into drift that the plan shows, an apply into steps.

use super::component::{ComponentId, Part, Side};
use super::desired::{Desired, DesiredBucket, DesiredKey, DesiredRole};
use super::graph::{Action, PolicyEdit};
use super::ids::Location;
use super::names::{self, ROLE_POLICY_NAME};
use super::observed::{Observed, ObservedBucket, ObservedKey, ObservedRole, Presence};
use super::operation::{
    BucketEncryption, Input, Operation, ReplicationConfiguration, ReplicationRule, Tags,
};
use super::policy::{self, PolicyDocument, Statement};

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The component.
    pub component: ComponentId,
    /// Where it lives.
    pub at: Location,
    /// What about it, in words that follow the component's name: `versioning suspended`.
    pub what: String,
    /// How it shows in a plan.
    pub shows: Shows,
    /// The write that mends it.
    pub repair: Action,
}

/// How a difference shows in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// At an attribute of its own.
    Attribute,
    /// At its component only.
    Component,
    /// Not at all: it is mended along with any other difference.
    Nowhere,
}

/// Which of the two forms of a granting document is compared (see [`super::desired`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Before the replication configuration changes.
    Wider,
    /// After it.
    Exact,
}

/// Everything that differs, in an order in which it could be mended one by one.
pub fn diff(desired: &Desired, observed: &Observed) -> Vec<Difference> {
    let mut all = role_differences(&desired.role, &observed.role);
    for (side, bucket) in &desired.buckets {
        let seen = observed.buckets.get(side).cloned().unwrap_or_default();
        all.extend(bucket_differences(desired, side, bucket, &seen, observed));
    }
    all.extend(grant_differences(desired, observed, Form::Exact));
    all.extend(replication_difference(desired, observed));
    all
}

/// Everything but grants and rules of one bucket and its key.
pub fn bucket_differences(
    whole: &Desired,
    side: &Side,
    desired: &DesiredBucket,
    seen: &ObservedBucket,
    observed: &Observed,
) -> Vec<Difference> {
    let bucket = desired.name.clone();
    let mut found = Found::new(
        ComponentId::Of(side.clone(), Part::Bucket),
        &desired.location,
    );
    let missing = seen.region.present().is_none();
    if missing {
        found.component(
            "missing",
            Operation::CreateBucket {
                bucket: bucket.clone(),
                object_ownership: desired.object_ownership.clone(),
                tags: desired.tags.clone(),
            },
        );
    } else {
        if seen.object_ownership.present() != Some(&desired.object_ownership) {
            found.attribute(
                "object ownership",
                Operation::PutBucketOwnershipControls {
                    bucket: bucket.clone(),
                    object_ownership: desired.object_ownership.clone(),
                },
            );
        }
        if let Some((shows, tags)) = tag_difference(&desired.tags, &seen.tags) {
            let operation = Operation::PutBucketTagging {
                bucket: bucket.clone(),
                tags,
            };
            found.add("tags differ", shows, Action::Call(operation));
        }
    }
    match seen.versioning.present().map(String::as_str) {
        Some("Enabled") => {}
        state => {
            let what = if state.is_some() {
                "versioning suspended"
            } else {
                "versioning off"
            };
            found.component(
                what,
                Operation::EnableBucketVersioning {
                    bucket: bucket.clone(),
                },
            );
        }
    }
    if seen.public_access_block.present() != Some(&desired.public_access_block) {
        found.attribute(
            "public access block",
            Operation::PutPublicAccessBlock {
                bucket: bucket.clone(),
                block: desired.public_access_block,
            },
        );
    }
    if let Some(encryption) = encryption_difference(desired, seen, missing) {
        found.attribute(
            "default encryption",
            Operation::PutBucketEncryption { bucket, encryption },
        );
    }
    let mut all = found.list;
    if let Some(key) = &desired.key {
        let stale = role_made_again(whole, observed);
        all.extend(key_differences(
            &whole.owner,
            side,
            &desired.location,
            key,
            seen,
            stale,
        ));
    }
    all
}

/// Whether the role has to be made (again). Documents that name it by ARN then hold the id of a role that is
/// gone, which grants nothing, whatever they show; so they are written again.
fn role_made_again(desired: &Desired, observed: &Observed) -> bool {
    desired.role.owned.is_some() && observed.role.is_absent()
}

/// The account's own statement and ours are in place for keys and destination buckets, and our inline
/// policy is in the role.
pub fn grant_differences(desired: &Desired, observed: &Observed, form: Form) -> Vec<Difference> {
    let mut all = Vec::new();
    if let Some(grants) = &desired.role.grants {
        let wanted = match form {
            Form::Wider => &grants.wider,
            Form::Exact => &grants.exact,
        };
        let seen = observed.role.present().and_then(|r| r.policy.present());
        if !seen.is_some_and(|text| same_document(text, wanted)) {
            let mut found = Found::new(ComponentId::RolePolicy, &desired.role.location);
            found.component(
                if seen.is_some() { "changed" } else { "missing" },
                Operation::PutRolePolicy {
                    role: desired.role.name.clone(),
                    policy: ROLE_POLICY_NAME.to_owned(),
                    document: wanted.clone(),
                },
            );
            all.extend(found.list);
        }
    }
    for (side, bucket) in &desired.buckets {
        let seen = observed.buckets.get(side).cloned().unwrap_or_default();
        if *side == Side::Source {
            continue;
        }
        let wanted = match form {
            Form::Wider => &bucket.policy.wider,
            Form::Exact => &bucket.policy.exact,
        };
        let text = seen.policy.present().map(String::as_str);
        let stale = role_made_again(desired, observed);
        if let Some(what) = shared_difference(&desired.owner, text, wanted, stale) {
            let mut found = Found::new(
                ComponentId::Of(side.clone(), Part::BucketPolicy),
                &bucket.location,
            );
            found.add(
                what,
                Shows::Component,
                Action::EditBucketPolicy {
                    bucket: bucket.name.clone(),
                    edit: PolicyEdit {
                        owner: desired.owner.clone(),
                        statements: wanted.clone(),
                        fresh: seen.region.present().is_none(),
                        rewrite: stale,
                    },
                },
            );
            all.extend(found.list);
        }
    }
    all
}

/// The source's replication configuration.
pub fn replication_difference(desired: &Desired, observed: &Observed) -> Option<Difference> {
    let source = desired.buckets.get(&Side::Source)?;
    let seen = observed
        .buckets
        .get(&Side::Source)
        .and_then(|b| b.replication.present());
    let what = match seen {
        None => "missing".to_owned(),
        Some(seen) => rules_difference(&desired.replication, seen)?,
    };
    Some(Difference {
        component: ComponentId::Of(Side::Source, Part::Replication),
        at: source.location.clone(),
        what,
        shows: Shows::Component,
        repair: Action::Call(Operation::PutBucketReplication {
            bucket: source.name.clone(),
            configuration: desired.replication.clone(),
        }),
    })
}

/// The role itself.
pub fn role_differences(desired: &DesiredRole, seen: &Presence<ObservedRole>) -> Vec<Difference> {
    let Some(owned) = &desired.owned else {
        return Vec::new();
    };
    let role = desired.name.clone();
    let mut found = Found::new(ComponentId::Role, &desired.location);
    let Some(seen) = seen.present() else {
        let trust_policy = owned.trust.render().unwrap_or_default();
        found.component(
            "missing",
            Operation::CreateRole {
                role,
                path: desired.path.clone(),
                description: owned.description.clone(),
                permissions_boundary: owned.permissions_boundary.clone(),
                trust_policy,
                tags: owned.tags.clone(),
            },
        );
        return found.list;
    };
    let seen = &seen.description;
    if !same_document(&seen.trust_policy, &owned.trust) {
        let trust_policy = owned.trust.render().unwrap_or_default();
        found.component(
            "trust policy changed",
            Operation::UpdateAssumeRolePolicy {
                role: role.clone(),
                trust_policy,
            },
        );
    }
    if seen.description != owned.description {
        found.attribute(
            "description",
            Operation::UpdateRole {
                role: role.clone(),
                description: owned.description.clone(),
            },
        );
    }
    if seen.permissions_boundary != owned.permissions_boundary {
        let operation = match &owned.permissions_boundary {
            Some(boundary) => Operation::PutRolePermissionsBoundary {
                role: role.clone(),
                boundary: boundary.clone(),
            },
            None => Operation::DeleteRolePermissionsBoundary { role: role.clone() },
        };
        found.attribute("permissions boundary", operation);
    }
    let (shows, set, unset) = tag_changes(&owned.tags, &seen.tags);
    if !set.is_empty() {
        let operation = Operation::TagRole {
            role: role.clone(),
            tags: set,
        };
        found.add("tags differ", shows, Action::Call(operation));
    }
    if !unset.is_empty() {
        found.attribute(
            "tags differ",
            Operation::UntagRole {
                role,
                tag_keys: unset,
            },
        );
    }
    found.list
}

fn key_differences(
    owner: &str,
    side: &Side,
    at: &Location,
    desired: &DesiredKey,
    bucket: &ObservedBucket,
    stale: bool,
) -> Vec<Difference> {
    let component = ComponentId::Of(side.clone(), Part::Key);
    let mut found = Found::new(component.clone(), at);
    let mut alias = Found::new(ComponentId::Of(side.clone(), Part::Alias), at);
    let statements = &desired.policy.exact;
    let seen: Option<&ObservedKey> = bucket.key.present();
    let key = match seen {
        Some(seen) => Input::Known(seen.description.arn.clone()),
        None => Input::OutputOf(component),
    };
    match seen {
        None => {
            let policy = policy::key_policy(&at.account, &at.partition, statements.iter().cloned());
            found.component(
                "missing",
                Operation::CreateKey {
                    description: desired.description.clone(),
                    multi_region: desired.multi_region,
                    policy: policy.render().unwrap_or_default(),
                    tags: desired.tags.clone(),
                },
            );
        }
        Some(seen) => {
            found
                .list
                .extend(state_differences(at, &found.component, &key, seen));
            if seen.description.description != desired.description {
                found.attribute(
                    "description",
                    Operation::UpdateKeyDescription {
                        key: key.clone(),
                        description: desired.description.clone(),
                    },
                );
            }
            let text = seen.policy.present().map(String::as_str);
            if let Some(what) = shared_difference(owner, text, statements, stale) {
                found.add(
                    what,
                    Shows::Component,
                    Action::EditKeyPolicy {
                        key: key.clone(),
                        edit: PolicyEdit {
                            owner: owner.to_owned(),
                            statements: statements.clone(),
                            fresh: false,
                            rewrite: stale,
                        },
                    },
                );
            }
            let nothing = Tags::new();
            let (shows, set, unset) =
                tag_changes(&desired.tags, seen.tags.present().unwrap_or(&nothing));
            if !set.is_empty() {
                let operation = Operation::TagKey {
                    key: key.clone(),
                    tags: set,
                };
                found.add("tags differ", shows, Action::Call(operation));
            }
            if !unset.is_empty() {
                let operation = Operation::UntagKey {
                    key: key.clone(),
                    tag_keys: unset,
                };
                found.attribute("tags differ", operation);
            }
        }
    }
    let rotation = seen.and_then(|s| s.rotation.present()).copied();
    match (desired.rotation, rotation) {
        (Some(period), Some((true, seen))) if period.is_none() || period == seen => {}
        (None, Some((false, _)) | None) => {}
        (Some(period_days), _) => found.attribute(
            "rotation",
            Operation::EnableKeyRotation {
                key: key.clone(),
                period_days,
            },
        ),
        (None, Some((true, _))) => found.attribute(
            "rotation",
            Operation::DisableKeyRotation { key: key.clone() },
        ),
    }
    let has_alias = seen
        .and_then(|s| s.aliases.present())
        .is_some_and(|aliases| aliases.contains(&desired.alias));
    if !has_alias {
        let name = desired.alias.clone();
        let operation = if bucket.alias_target.present().is_some() {
            Operation::UpdateAlias { alias: name, key }
        } else {
            Operation::CreateAlias { alias: name, key }
        };
        alias.component("missing", operation);
    }
    found.list.extend(alias.list);
    found.list
}

/// What brings a key that is disabled or about to be deleted back into use.
fn state_differences(
    at: &Location,
    component: &ComponentId,
    key: &Input<String>,
    seen: &ObservedKey,
) -> Vec<Difference> {
    let mut found = Found::new(component.clone(), at);
    match seen.description.state.as_str() {
        "PendingDeletion" | "PendingReplicaDeletion" => {
            let date = seen.description.deletion_date.as_deref().unwrap_or("soon");
            let what = format!("deletion scheduled for {date}");
            found.component(&what, Operation::CancelKeyDeletion { key: key.clone() });
            // KMS leaves a rescued key disabled.
            found.component(&what, Operation::EnableKey { key: key.clone() });
        }
        "Disabled" => found.component("disabled", Operation::EnableKey { key: key.clone() }),
        _ => {}
    }
    found.list
}

fn encryption_difference(
    desired: &DesiredBucket,
    seen: &ObservedBucket,
    missing: bool,
) -> Option<BucketEncryption> {
    let fresh = BucketEncryption {
        // Since January 2023 every new bucket encrypts with SSE-S3.
        sse_algorithm: "AES256".to_owned(),
        kms_key: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    };
    let seen = if missing {
        &fresh
    } else {
        seen.encryption.present().unwrap_or(&fresh)
    };
    let wanted = &desired.encryption;
    let same = seen.sse_algorithm == wanted.sse_algorithm
        && seen.kms_key == wanted.kms_key
        && seen.bucket_key_enabled == wanted.bucket_key_enabled;
    (!same).then(|| BucketEncryption {
        // Not ours to set: a write that leaves it out would reset it.
        blocked_encryption_types: seen.blocked_encryption_types.clone(),
        ..wanted.clone()
    })
}

/// Whether a shared document lacks our statements, has them changed, or holds some that should be gone.
fn shared_difference(
    owner: &str,
    text: Option<&str>,
    wanted: &[Statement],
    stale: bool,
) -> Option<&'static str> {
    let Some(text) = text else {
        return (!wanted.is_empty()).then_some("statements missing");
    };
    if stale && !wanted.is_empty() {
        return Some("statements name a role that is gone");
    }
    let Ok(document) = PolicyDocument::parse(text) else {
        return Some("not a policy document");
    };
    let ours: Vec<Statement> = policy::ours(&document, |sid| policy::is_ours(sid, owner))
        .into_iter()
        .cloned()
        .collect();
    if ours.is_empty() && !wanted.is_empty() {
        return Some("statements missing");
    }
    let wanted = PolicyDocument::new(wanted.to_vec());
    let same = policy::same_meaning(&PolicyDocument::new(ours), &wanted);
    (!same).then_some("statements changed")
}

fn same_document(text: &str, wanted: &PolicyDocument) -> bool {
    wanted.is_resolved()
        && PolicyDocument::parse(text).is_ok_and(|seen| policy::same_meaning(&seen, wanted))
}

/// What differs between two configurations, in words.
fn rules_difference(
    wanted: &ReplicationConfiguration,
    seen: &ReplicationConfiguration,
) -> Option<String> {
    fn names(rules: Vec<&ReplicationRule>) -> String {
        rules
            .iter()
            .map(|r| r.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
    let find = |rules: &[ReplicationRule], id: &str| rules.iter().find(|r| r.id == id).cloned();
    let absent: Vec<_> = wanted
        .rules
        .iter()
        .filter(|r| find(&seen.rules, &r.id).is_none())
        .collect();
    let foreign: Vec<_> = seen
        .rules
        .iter()
        .filter(|r| find(&wanted.rules, &r.id).is_none())
        .collect();
    let changed: Vec<_> = wanted
        .rules
        .iter()
        .filter(|r| find(&seen.rules, &r.id).is_some_and(|s| !same_rule(r, &s)))
        .collect();
    let mut words = Vec::new();
    if wanted.role != seen.role {
        words.push(format!("role is {}", seen.role));
    }
    if !absent.is_empty() {
        words.push(format!("rule missing: {}", names(absent)));
    }
    if !changed.is_empty() {
        words.push(format!("rule changed: {}", names(changed)));
    }
    if !foreign.is_empty() {
        words.push(format!("unknown rule: {}", names(foreign)));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn same_rule(wanted: &ReplicationRule, seen: &ReplicationRule) -> bool {
    let whole_bucket = |r: &ReplicationRule| {
        let mut r = r.clone();
        if let Some(filter) = &mut r.filter
            && filter.prefix.as_deref() == Some("")
        {
            // AWS reads an empty prefix and no prefix alike.
            filter.prefix = None;
        }
        r.replica_modifications = r.replica_modifications.filter(|on| *on);
        r.sse_kms_encrypted_objects = r.sse_kms_encrypted_objects.filter(|on| *on);
        r
    };
    whole_bucket(wanted) == whole_bucket(seen)
}

/// The whole tag set to write, where the one seen differs.
fn tag_difference(wanted: &Tags, seen: &Presence<Tags>) -> Option<(Shows, Tags)> {
    let nothing = Tags::new();
    let seen = seen.present().unwrap_or(&nothing);
    let (shows, set, unset) = tag_changes(wanted, seen);
    if set.is_empty() && unset.is_empty() {
        return None;
    }
    let mut tags = wanted.clone();
    if let Some(created) = seen.get(names::CREATED_TAG) {
        tags.insert(names::CREATED_TAG.to_owned(), created.clone());
    }
    let shows = if unset.is_empty() {
        shows
    } else {
        Shows::Attribute
    };
    Some((shows, tags))
}

/// Tags to set and to take away. The moment of creation stays as it is, and AWS's own tags are not ours.
fn tag_changes(wanted: &Tags, seen: &Tags) -> (Shows, Tags, Vec<String>) {
    let set: Tags = wanted
        .iter()
        .filter(|(key, value)| {
            seen.get(*key) != Some(value)
                && !(*key == names::CREATED_TAG && seen.contains_key(names::CREATED_TAG))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let unset = seen
        .keys()
        .filter(|key| {
            !wanted.contains_key(*key) && !key.starts_with("aws:") && !names::is_ownership_tag(key)
        })
        .cloned()
        .collect();
    let only_ours = set.keys().all(|key| names::is_ownership_tag(key));
    let shows = if only_ours {
        Shows::Nowhere
    } else {
        Shows::Attribute
    };
    (shows, set, unset)
}

/// Collects the differences of one component.
struct Found {
    component: ComponentId,
    at: Location,
    list: Vec<Difference>,
}

impl Found {
    fn new(component: ComponentId, at: &Location) -> Self {
        Self {
            component,
            at: at.clone(),
            list: Vec::new(),
        }
    }

    fn attribute(&mut self, what: &str, operation: Operation) {
        self.add(what, Shows::Attribute, Action::Call(operation));
    }

    fn component(&mut self, what: &str, operation: Operation) {
        self.add(what, Shows::Component, Action::Call(operation));
    }

    fn add(&mut self, what: &str, shows: Shows, repair: Action) {
        self.list.push(Difference {
            component: self.component.clone(),
            at: self.at.clone(),
            what: what.to_owned(),
            shows,
            repair,
        });
    }
}
