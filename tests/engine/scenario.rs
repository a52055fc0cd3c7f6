//! Specs to start from, and the few lines with which a provider drives the middle.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use terraform_provider_replicated::execution::DocumentLocks;
use terraform_provider_replicated::execution::cloud::{CallError, Cloud};
use terraform_provider_replicated::execution::executor::{self, Outcome};
use terraform_provider_replicated::execution::observe::{self, Purpose};
use terraform_provider_replicated::replication::component::{ComponentId, Part, Side};
use terraform_provider_replicated::replication::desired::desire;
use terraform_provider_replicated::replication::diff::{Difference, diff};
use terraform_provider_replicated::replication::direction::superseded;
use terraform_provider_replicated::replication::existing::before;
use terraform_provider_replicated::replication::graph::StepGraph;
use terraform_provider_replicated::replication::ids::{
    AccountId, AssumeRole, BucketName, Location, Partition, Region, WayIn,
};
use terraform_provider_replicated::replication::ignored_tags::IgnoredTags;
use terraform_provider_replicated::replication::leftovers::BucketLeftovers;
use terraform_provider_replicated::replication::names;
use terraform_provider_replicated::replication::observed::Observed;
use terraform_provider_replicated::replication::operation::{
    LifecycleConfiguration, PublicAccessBlock, RuleFilter, Tags,
};
use terraform_provider_replicated::replication::ownership::{Claim, Trust, claims};
use terraform_provider_replicated::replication::plan::{Going, GoingDirection, plan};
use terraform_provider_replicated::replication::spec::{
    BucketSettings, BucketSpec, Custody, DestinationSpec, EncryptionSpec, KeyChoice, KeySpec,
    PolicySpec, RoleOwnership, RoleSpec, RuleSpec, Spec,
};
use terraform_provider_replicated::replication::teardown::plan_destroy;
use terraform_provider_replicated::replication::undo::{Before, undo};

use crate::fake::HOME;

/// Another account than the source's.
pub(crate) const ABROAD: &str = "222222222222";
/// The moment of the first create.
pub(crate) const FIRST: &str = "2026-11-21T08:00:00Z";
/// The moment of what is run after it.
pub(crate) const LATER: &str = "2026-11-21T09:00:00Z";

/// A place with the way into its account.
pub(crate) fn location(account: &str, region: &str) -> Location {
    let mut way_in = WayIn::default();
    if account != HOME {
        way_in.assume_role.push(AssumeRole {
            role_arn: format!("arn:aws:iam::{account}:role/Deploy"),
            ..AssumeRole::default()
        });
    }
    Location {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
        partition: Partition::parse("aws").unwrap(),
        way_in: Arc::new(way_in),
    }
}

/// A bucket with the defaults.
pub(crate) fn bucket(name: &str, location: Location) -> BucketSpec {
    BucketSpec {
        name: BucketName::parse(name).unwrap(),
        location,
        custody: Custody::Ours(BucketSettings {
            object_ownership: "BucketOwnerEnforced".to_owned(),
            public_access_block: PublicAccessBlock {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            },
            lifecycle: LifecycleConfiguration::default(),
            object_lock: None,
            bypass_governance_on_destroy: false,
            tags: Tags::new(),
            force_destroy: false,
            retain_on_destroy: false,
        }),
        encryption: EncryptionSpec {
            sse_algorithm: "AES256".to_owned(),
            bucket_key_enabled: false,
            blocked_encryption_types: Vec::new(),
            additional_keys: Vec::new(),
            key: None,
        },
        retired_keys: Vec::new(),
        leftovers: BucketLeftovers::default(),
        live_keys: BTreeMap::new(),
        policy: PolicySpec::default(),
    }
}

/// The settings of a bucket of ours.
pub(crate) fn settings(bucket: &mut BucketSpec) -> &mut BucketSettings {
    bucket.settings_mut().unwrap()
}

/// The same bucket with a key of ours.
pub(crate) fn with_key(mut bucket: BucketSpec) -> BucketSpec {
    bucket.encryption = EncryptionSpec {
        sse_algorithm: "aws:kms".to_owned(),
        bucket_key_enabled: true,
        blocked_encryption_types: Vec::new(),
        additional_keys: Vec::new(),
        key: Some(KeyChoice::Owned(KeySpec {
            arn: None,
            alias: names::default_alias(bucket.name.as_str()),
            description: names::default_key_description(bucket.name.as_str()),
            deletion_window_in_days: 30,
            enable_key_rotation: true,
            rotation_period_in_days: None,
            multi_region: false,
            enabled: true,
            policy: Vec::new(),
            tags: Tags::new(),
        })),
    };
    bucket
}

/// A destination with the defaults.
pub(crate) fn destination(key: &str, priority: i32, bucket: BucketSpec) -> DestinationSpec {
    DestinationSpec {
        bucket,
        rules: BTreeMap::from([(names::DEFAULT_RULE.to_owned(), rule(key, priority))]),
        two_way: None,
    }
}

/// A destination's only rule with the defaults.
pub(crate) fn rule(key: &str, priority: i32) -> RuleSpec {
    RuleSpec {
        id: names::rule_id(key, names::DEFAULT_RULE),
        priority,
        enabled: true,
        filter: RuleFilter::default(),
        storage_class: None,
        delete_marker_replication: false,
        replica_modification_sync: false,
        replication_time_control: false,
        metrics: false,
        owner_override: false,
        replicate_encrypted_objects: true,
        replica_kms_key: None,
    }
}

/// The only rule of a destination.
pub(crate) fn rule_of(destination: &mut DestinationSpec) -> &mut RuleSpec {
    destination.rules.get_mut(names::DEFAULT_RULE).unwrap()
}

/// A source and its destinations, with a role of ours.
pub(crate) fn spec(source: BucketSpec, destinations: Vec<(&str, DestinationSpec)>) -> Spec {
    let role = owned_role(source.name.as_str());
    Spec {
        source,
        destinations: destinations
            .into_iter()
            .map(|(key, d)| (key.to_owned(), d))
            .collect(),
        role,
        verification: None,
        ignored_tags: IgnoredTags::default(),
        keys_left: BTreeMap::new(),
    }
}

/// Two accounts, two regions, two keys: the example of the documentation.
pub(crate) fn kms_abroad() -> Spec {
    let source = with_key(bucket("acme-archive", location(HOME, "ap-southeast-2")));
    let backup = with_key(bucket("acme-archive-backup", location(ABROAD, "us-west-2")));
    let mut backup = destination("backup", 0, backup);
    rule_of(&mut backup).storage_class = Some("STANDARD_IA".to_owned());
    spec(source, vec![("backup", backup)])
}

/// The same, and back again.
pub(crate) fn two_way_abroad() -> Spec {
    let mut spec = kms_abroad();
    turn_two_way(backup(&mut spec));
    spec
}

/// Lets a destination replicate back.
pub(crate) fn turn_two_way(destination: &mut DestinationSpec) {
    let bucket = destination.bucket.name.to_string();
    for rule in destination.rules.values_mut() {
        rule.replica_modification_sync = true;
        rule.delete_marker_replication = true;
    }
    destination.two_way = Some(owned_role(&bucket));
}

/// Lets a destination only receive.
pub(crate) fn turn_one_way(destination: &mut DestinationSpec) {
    for rule in destination.rules.values_mut() {
        rule.replica_modification_sync = false;
        rule.delete_marker_replication = false;
    }
    destination.two_way = None;
}

/// The role of ours with which a bucket replicates.
fn owned_role(bucket: &str) -> RoleSpec {
    RoleSpec {
        name: names::default_role_name(bucket),
        path: "/".to_owned(),
        ownership: RoleOwnership::Owned {
            description: names::default_role_description(bucket),
            permissions_boundary: None,
            tags: Tags::new(),
        },
    }
}

/// One account, no keys.
pub(crate) fn plain_at_home() -> Spec {
    let source = bucket("acme-plain", location(HOME, "eu-west-1"));
    let backup = bucket("acme-plain-backup", location(HOME, "eu-central-1"));
    spec(source, vec![("backup", destination("backup", 0, backup))])
}

/// The destination that both specs have.
pub(crate) fn backup(spec: &mut Spec) -> &mut DestinationSpec {
    spec.destinations.get_mut("backup").unwrap()
}

/// The key of ours on a side.
pub(crate) fn key_of<'a>(spec: &'a mut Spec, side: &Side) -> &'a mut KeySpec {
    let bucket = match side {
        Side::Source => &mut spec.source,
        Side::Destination(key) => &mut spec.destinations.get_mut(key).unwrap().bucket,
    };
    match &mut bucket.encryption.key {
        Some(KeyChoice::Owned(key)) => key,
        other => panic!("{side} has no key of ours but {other:?}"),
    }
}

pub(crate) fn moment(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

/// Why a create did not come to its end.
#[derive(Debug)]
pub(crate) enum Failed {
    /// A part that is there already is not ours to take.
    Taken(Vec<Claim>),
    /// A call failed; what undoing it came to.
    Undone {
        errors: Vec<CallError>,
        undo: Outcome,
    },
}

/// A stop that nobody asks for.
pub(crate) fn no_stop() -> CancellationToken {
    CancellationToken::new()
}

/// Looks at everything of a spec.
pub(crate) async fn look(
    cloud: &dyn Cloud,
    spec: &Spec,
    purpose: Purpose,
    known: bool,
) -> Observed {
    let known = move |_: &ComponentId| known;
    observe::observe(cloud, spec, purpose, &known)
        .await
        .unwrap()
}

/// What a create would do now, and the spec with the keys that it found.
pub(crate) async fn plan_create(
    cloud: &dyn Cloud,
    spec: &Spec,
    now: &str,
) -> Result<(Spec, StepGraph), Vec<Claim>> {
    let seen = look(cloud, spec, Purpose::Create, false).await;
    let claims = claims(spec, &seen, &|_| false, Trust::Recent(moment(now)));
    if claims.iter().any(|claim| claim.verdict.is_err()) {
        return Err(claims);
    }
    let mut spec = spec.clone();
    spec.learn_keys(&seen);
    let graph = plan(&desire(&spec, None, now), &seen, &Going::default());
    Ok((spec, graph))
}

/// Creates, and undoes on failure. What comes back is the spec as state would remember it.
pub(crate) async fn create(cloud: &dyn Cloud, spec: &Spec, now: &str) -> Result<Spec, Failed> {
    let found = if spec.buckets().any(|(_, b)| b.existing().is_some()) {
        before(spec, &look(cloud, spec, Purpose::Create, false).await)
    } else {
        Before::new()
    };
    let (spec, graph) = plan_create(cloud, spec, now).await.map_err(Failed::Taken)?;
    let locks = DocumentLocks::default();
    let outcome = executor::run(cloud, &locks, &no_stop(), &graph).await;
    if outcome.is_success() {
        return Ok(remembered(cloud, &spec).await);
    }
    let back = undo(
        &spec.owner(),
        &graph,
        &outcome.to_take_back(&graph),
        &outcome.may_have_made(&graph),
        &found,
    );
    let undo = executor::run_undo(cloud, &locks, &no_stop(), &back).await;
    let errors = outcome.failed.into_iter().map(|(_, error)| error).collect();
    Err(Failed::Undone { errors, undo })
}

/// The spec with the ARNs of its keys.
async fn remembered(cloud: &dyn Cloud, spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    let seen = look(cloud, &spec, Purpose::Create, false).await;
    spec.learn_keys(&seen);
    spec
}

/// What differs from a spec in state.
pub(crate) async fn drift(cloud: &dyn Cloud, spec: &Spec) -> Vec<Difference> {
    let seen = look(cloud, spec, Purpose::Refresh, true).await;
    diff(&desire(spec, Some(spec), LATER), &seen)
}

/// `component: what` of everything that differs.
pub(crate) async fn drift_words(cloud: &dyn Cloud, spec: &Spec) -> Vec<String> {
    let differences = drift(cloud, spec).await;
    let words = differences.iter();
    words
        .map(|d| format!("{}: {}", d.component, d.what))
        .collect()
}

/// The steps of an update from one spec in state to another, and the wanted spec with the keys that were found.
pub(crate) async fn plan_update(cloud: &dyn Cloud, prior: &Spec, spec: &Spec) -> (Spec, StepGraph) {
    let before = |side: &Side| {
        let name = &spec.bucket(side)?.name;
        prior.buckets().map(|(_, b)| b).find(|b| b.name == *name)
    };
    // A destination or a key that is new is not known yet; a destination under another key is.
    let known = |component: &ComponentId| match component {
        ComponentId::RetiredKey(..) => true,
        ComponentId::Of(side, part) => before(side).is_some_and(|before| match part {
            Part::Key => before.owned_key().is_some_and(|key| key.arn.is_some()),
            Part::Replication => {
                let mut directions = prior.directions();
                directions.any(|direction| direction.bucket.name == before.name)
            }
            _ => true,
        }),
        ComponentId::Role(side)
        | ComponentId::RolePolicy(side)
        | ComponentId::ManagedPolicy(side, _) => {
            let wanted = spec.direction(side).map(|direction| direction.role_arn());
            let mut before = prior.directions();
            before.any(|direction| Some(direction.role_arn()) == wanted)
        }
    };
    let seen = observe::observe(cloud, spec, Purpose::Refresh, &known)
        .await
        .unwrap();
    let verdicts = claims(spec, &seen, &known, Trust::Tags);
    assert!(verdicts.iter().all(|c| c.verdict.is_ok()), "{verdicts:?}");
    let mut learned = spec.clone();
    learned.learn_keys(&seen);
    let mut going = Going::default();
    for (side, bucket) in prior.buckets() {
        let stays = spec.buckets().any(|(_, b)| b.name == bucket.name);
        if !stays {
            let seen = observe::observe_bucket(cloud, prior, &side, bucket, Purpose::Destroy, true)
                .await
                .unwrap();
            going.buckets.push((side, bucket.clone(), seen));
        } else if let Some(before) = bucket.owned_key() {
            let now = spec.buckets().find(|(_, b)| b.name == bucket.name);
            let alias = now.and_then(|(_, b)| Some(&b.owned_key()?.alias));
            if alias != Some(&before.alias) {
                let alias = before.alias.clone();
                going.aliases.push((side, bucket.clone(), alias));
            }
        }
    }
    for (direction, rules) in superseded(prior, spec) {
        let seen = observe::observe_role(cloud, &direction, Purpose::Destroy)
            .await
            .unwrap();
        going.directions.push(GoingDirection {
            spec: prior.clone(),
            from: direction.from,
            rules,
            role: seen.present().cloned(),
        });
    }
    let graph = plan(&desire(&learned, Some(prior), LATER), &seen, &going);
    (learned, graph)
}

/// Updates; panics where that fails. What comes back is the spec as state would remember it.
pub(crate) async fn update(cloud: &dyn Cloud, prior: &Spec, spec: &Spec) -> Spec {
    try_update(cloud, prior, spec).await.unwrap()
}

/// Updates without an undo, as an update does.
pub(crate) async fn try_update(
    cloud: &dyn Cloud,
    prior: &Spec,
    spec: &Spec,
) -> Result<Spec, Vec<CallError>> {
    let (spec, graph) = plan_update(cloud, prior, spec).await;
    let outcome = executor::run(cloud, &DocumentLocks::default(), &no_stop(), &graph).await;
    if outcome.is_success() {
        Ok(remembered(cloud, &spec).await)
    } else {
        Err(outcome.failed.into_iter().map(|(_, error)| error).collect())
    }
}

/// Brings AWS back to a spec in state.
pub(crate) async fn repair(cloud: &dyn Cloud, spec: &Spec) -> Spec {
    update(cloud, spec, spec).await
}

/// The steps of a destroy.
pub(crate) async fn plan_to_destroy(cloud: &dyn Cloud, spec: &Spec) -> StepGraph {
    let seen = look(cloud, spec, Purpose::Destroy, true).await;
    plan_destroy(spec, &seen, &[])
}

/// Destroys.
pub(crate) async fn destroy(cloud: &dyn Cloud, spec: &Spec) -> Outcome {
    let graph = plan_to_destroy(cloud, spec).await;
    executor::run(cloud, &DocumentLocks::default(), &no_stop(), &graph).await
}
