//! Canaries: small objects that show whether rules replicate.
//!
//! Each enabled rule gets one that it applies to. Where it has to arrive, and as what, follows from all rules of the
//! bucket: of those with one destination bucket the highest priority wins. A canary is known by its key, whatever run
//! left it, and nothing else is ever taken for one.

use std::collections::{BTreeMap, BTreeSet};

use super::component::Side;
use super::direction::{Arrival, Direction};
use super::ids::Location;
use super::names;
use super::operation::{
    Input, NewObject, ObjectDescription, ReplicationConfiguration, ReplicationRule, RuleFilter,
    Tags,
};
use super::rules::rules;
use super::spec::Spec;

/// What the keys of canaries begin with behind the rule's own prefix, where nobody says otherwise.
pub const DEFAULT_KEY_PREFIX: &str = ".replicated-verification/";
/// How many characters the key of a canary has behind its prefix at the most.
pub const NAME_LENGTH: usize = 64;
/// The metadata that says whose canary an object is.
const OWNER: &str = "replicated-canary";
/// What the name of every canary begins with.
const NAME: &str = "canary-";
const HASH: usize = 16;
/// The class of a canary, and of a replica that gets none of its own.
const STANDARD: &str = "STANDARD";
/// The only encryption that every rule replicates.
const PLAIN: &str = "AES256";

/// A canary of one rule, before it is written: each attempt has a key of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// The rule's ID.
    pub rule: String,
    /// The side that it leaves.
    pub from: Side,
    /// Where the rule leads.
    pub to: Side,
    /// The bucket that it is written to.
    pub bucket: String,
    /// Where that is.
    pub at: Location,
    /// What its key begins with: the rule's prefix, and that of canaries.
    pub prefix: String,
    /// The tags that the rule asks for.
    pub tags: Tags,
    /// Its encryption, where the rule passes over objects with the bucket's default.
    pub sse_algorithm: Option<String>,
    /// Where it has to arrive.
    pub replicas: Vec<Replica>,
}

/// What a canary has to arrive as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The side.
    pub side: Side,
    /// Its bucket.
    pub bucket: String,
    /// Where that is.
    pub at: Location,
    /// The storage class.
    pub storage_class: String,
    /// ARN of the key that it is under; none where the rule says none for such an object.
    pub kms_key_arn: Option<String>,
    /// Whose the replica is, by the owner of the canary; none where that cannot be told.
    pub same_owner: Option<bool>,
}

/// What was seen of a replica.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplicaSeen {
    /// The replica.
    pub object: ObjectDescription,
    /// Its tags, where they matter.
    pub tags: Option<Tags>,
    /// The canonical IDs of the canary's owner and its own, where they matter.
    pub owners: Option<(String, String)>,
}

/// Tells the canaries of one run from those of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryRun {
    owner: String,
    id: String,
}

/// The canaries that a setup needs: one for each enabled rule of each direction.
pub fn canaries(spec: &Spec, key_prefix: &str) -> Vec<Canary> {
    let mut canaries = Vec::new();
    for direction in spec.directions() {
        let all = rules(&direction);
        for to in &direction.to {
            let own = to.rules.iter().filter(|rule| rule.enabled);
            for rule in own {
                let written = all.iter().find(|written| written.id == rule.id);
                canaries.extend(written.map(|rule| canary(&direction, to, rule, &all, key_prefix)));
            }
        }
    }
    canaries
}

fn canary(
    direction: &Direction<'_>,
    to: &Arrival<'_>,
    rule: &ReplicationRule,
    all: &[ReplicationRule],
    key_prefix: &str,
) -> Canary {
    let filter = rule.filter.clone().unwrap_or_default();
    let encrypts = direction.bucket.encryption.key.is_some();
    let is_plain = encrypts && rule.sse_kms_encrypted_objects != Some(true);
    let object = RuleFilter {
        prefix: Some(format!("{}{key_prefix}", filter.prefix())),
        tags: filter.tags.clone(),
    };
    let applies = |rule: &&ReplicationRule| {
        let passes = rule.filter.as_ref().is_some_and(|f| f.covers(&object));
        let takes_key = !encrypts || is_plain || rule.sse_kms_encrypted_objects == Some(true);
        rule.enabled && passes && takes_key
    };
    let replica = |to: &Arrival<'_>| {
        let arn = to.bucket.arn();
        let leading = all.iter().filter(applies).filter(|r| r.bucket_arn == arn);
        leading
            .max_by_key(|rule| rule.priority)
            .map(|rule| expected(direction, to, rule, encrypts && !is_plain))
    };
    Canary {
        rule: rule.id.clone(),
        from: direction.from.clone(),
        to: to.side.clone(),
        bucket: direction.bucket.name.to_string(),
        at: direction.bucket.location.clone(),
        prefix: object.prefix().to_owned(),
        sse_algorithm: is_plain.then(|| PLAIN.to_owned()),
        replicas: direction.to.iter().filter_map(replica).collect(),
        tags: object.tags,
    }
}

/// What a canary arrives as by a rule; one that is not under a key itself does not arrive under one.
fn expected(
    direction: &Direction<'_>,
    to: &Arrival<'_>,
    rule: &ReplicationRule,
    is_under_key: bool,
) -> Replica {
    let key = rule.replica_kms_key.as_ref().filter(|_| is_under_key);
    let same_account = direction.bucket.location.account == to.bucket.location.account;
    let ownership = to.bucket.settings().map(|s| s.object_ownership.as_str());
    let same_owner = match ownership {
        _ if same_account => None,
        _ if rule.owner_override => Some(false),
        Some("BucketOwnerEnforced") => Some(false),
        Some(_) => Some(true),
        None => None,
    };
    let class = rule.storage_class.as_deref().unwrap_or(STANDARD);
    Replica {
        side: to.side.clone(),
        bucket: to.bucket.name.to_string(),
        at: to.bucket.location.clone(),
        storage_class: class.to_owned(),
        kms_key_arn: key.and_then(Input::known).cloned(),
        same_owner,
    }
}

/// Rules of others that a canary would leave by as well, to where nobody of us could remove it.
pub fn rules_of_others<'a>(
    canary: &Canary,
    configuration: &'a ReplicationConfiguration,
    ours: &BTreeSet<String>,
) -> Vec<&'a ReplicationRule> {
    let object = RuleFilter {
        prefix: Some(canary.prefix.clone()),
        tags: canary.tags.clone(),
    };
    let applies = |rule: &&ReplicationRule| {
        let passes = match &rule.filter {
            Some(filter) => filter.covers(&object),
            None => {
                let prefix = rule.v1_prefix.as_deref().unwrap_or_default();
                canary.prefix.starts_with(prefix)
            }
        };
        rule.enabled && passes && !ours.contains(&rule.id)
    };
    configuration.rules.iter().filter(applies).collect()
}

impl Canary {
    /// Every place that it may be in, each once: its own bucket first.
    pub fn places(&self) -> impl Iterator<Item = (&Location, &str)> {
        let replicas = self.replicas.iter();
        std::iter::once((&self.at, self.bucket.as_str()))
            .chain(replicas.map(|replica| (&replica.at, replica.bucket.as_str())))
    }

    /// What the keys of all of them begin with that an owner ever sends for this rule.
    pub fn keys_begin(&self, owner: &str) -> String {
        format!("{}{}", self.prefix, name_of_owner(owner))
    }

    /// The object of an attempt.
    pub fn object(&self, run: &CanaryRun, number: usize) -> NewObject {
        NewObject {
            key: format!("{}{}{number}", self.prefix, run.name()),
            content: format!("Shows that rule {} replicates.\n", self.rule),
            tags: self.tags.clone(),
            metadata: BTreeMap::from([(OWNER.to_owned(), run.owner.clone())]),
            sse_algorithm: self.sse_algorithm.clone(),
        }
    }
}

impl Replica {
    /// What of a replica is not as it should be, in words that follow "the replica".
    /// `original` is what was seen of the canary itself.
    pub fn differences(
        &self,
        canary: &Canary,
        run: &CanaryRun,
        original: &ObjectDescription,
        seen: &ReplicaSeen,
    ) -> Vec<String> {
        let mut told = Vec::new();
        let object = &seen.object;
        let class = object.storage_class.as_deref().unwrap_or(STANDARD);
        if class != self.storage_class {
            told.push(format!(
                "has storage class {class}, and should have {}",
                self.storage_class
            ));
        }
        if !is_replica(object.replication_status.as_deref()) {
            told.push("is not marked as one".to_owned());
        }
        // Of an object under no key S3 makes a replica under none. Emulators copy it as it is, under its own key.
        if let (Some(key), Some(own)) = (&self.kms_key_arn, &original.kms_key_arn)
            && let under = object.kms_key_arn.as_ref()
            && under != Some(key)
            && under != Some(own)
        {
            let under = under.map_or("no key", String::as_str);
            told.push(format!("is under {under}, and should be under {key}"));
        }
        if object.metadata.get(OWNER) != Some(&run.owner) {
            told.push("has lost its metadata".to_owned());
        }
        let lacks = |tags: &Tags| canary.tags.iter().any(|(k, v)| tags.get(k) != Some(v));
        if seen.tags.as_ref().is_some_and(lacks) {
            told.push("has lost its tags".to_owned());
        }
        match (&seen.owners, self.same_owner) {
            (Some((source, replica)), Some(true)) if source != replica => {
                told.push("belongs to the destination's account, not the source's".to_owned());
            }
            (Some((source, replica)), Some(false)) if source == replica => {
                told.push("belongs to the source's account, not the destination's".to_owned());
            }
            _ => {}
        }
        told
    }
}

/// Whether S3 says this status of a replica. Where replicas' metadata are synchronised, one shows how that goes, also
/// that it failed: the replica itself is there all the same.
fn is_replica(status: Option<&str>) -> bool {
    matches!(status, Some("REPLICA" | "PENDING" | "COMPLETED" | "FAILED"))
}

impl CanaryRun {
    /// A run for an owner; `id` is drawn for it. What of it is no letter or digit does not count.
    pub fn new(owner: &str, id: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            id: names::hash(id, HASH),
        }
    }

    /// What every key of this run holds behind the prefix.
    pub fn name(&self) -> String {
        format!("{}{}-", name_of_owner(&self.owner), self.id)
    }

    /// Whether the object under a key is a canary of this run.
    pub fn has(&self, key: &str) -> bool {
        is_canary(&self.owner, key) && key.contains(&self.name())
    }

    /// Whether the object under a key was left by another run of the same owner.
    pub fn is_leftover(&self, key: &str) -> bool {
        is_canary(&self.owner, key) && !self.has(key)
    }

    /// Whether an object says of itself that it is a canary of this owner.
    pub fn owns(&self, object: &ObjectDescription) -> bool {
        object.metadata.get(OWNER) == Some(&self.owner)
    }

    /// What the keys of all canaries of the owner hold behind the prefix.
    pub fn any_name(&self) -> String {
        name_of_owner(&self.owner)
    }
}

/// Whether a key is that of a canary of this owner, whichever run wrote it under whichever prefix.
pub fn is_canary(owner: &str, key: &str) -> bool {
    let name = name_of_owner(owner);
    let Some((_, rest)) = key.rsplit_once(&name) else {
        return false;
    };
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    rest.split_once('-').is_some_and(|(run, number)| {
        run.len() == HASH
            && run.chars().all(is_hex)
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
    })
}

fn name_of_owner(owner: &str) -> String {
    format!("{NAME}{}-", names::hash(owner, HASH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "111111111111/acme-archive";

    #[test]
    fn a_canary_is_known_by_its_key_and_nothing_else_is_taken_for_one() {
        let run = CanaryRun::new(OURS, "now");
        let key = format!("logs/{DEFAULT_KEY_PREFIX}{}12", run.name());
        assert!(is_canary(OURS, &key) && run.has(&key) && !run.is_leftover(&key));
        let other = CanaryRun::new(OURS, "later");
        assert!(other.is_leftover(&key) && !other.has(&key));
        for no in [
            "",
            DEFAULT_KEY_PREFIX,
            &format!("{DEFAULT_KEY_PREFIX}readme"),
            &format!("{DEFAULT_KEY_PREFIX}{}", run.name()),
            &format!("{DEFAULT_KEY_PREFIX}{}12.txt", run.name()),
            &format!("{DEFAULT_KEY_PREFIX}{}x-1", run.any_name()),
        ] {
            assert!(!is_canary(OURS, no), "{no}");
        }
        assert!(!is_canary("111111111111/acme-archive-2", &key));
    }

    #[test]
    fn no_name_of_a_canary_is_longer_than_is_told() {
        let run = CanaryRun::new(OURS, "now");
        assert!(format!("{}999999", run.name()).len() <= NAME_LENGTH);
    }

    #[test]
    fn an_object_of_another_owner_is_no_canary_of_ours() {
        let run = CanaryRun::new(OURS, "now");
        let object = |owner: &str| ObjectDescription {
            metadata: BTreeMap::from([(OWNER.to_owned(), owner.to_owned())]),
            ..ObjectDescription::default()
        };
        assert!(run.owns(&object(OURS)));
        assert!(!run.owns(&object("222222222222/other")));
        assert!(!run.owns(&ObjectDescription::default()));
    }
}
