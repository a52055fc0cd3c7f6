//! Buckets that belong to somebody else: only what replication needs is written, and nothing of theirs is lost.

mod adoption;
pub mod first_plan;
mod imports;
mod left;
mod locked;
mod priorities;
mod refusals;
mod two_way;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::execution::cloud::Cloud as _;
use terraform_provider_replicated::replication::ids::{
    AccountId, AssumeRole, Location, Region, WayIn,
};
use terraform_provider_replicated::replication::operation::{
    BucketEncryption, Input, Operation, ReplicationConfiguration, ReplicationRule, RuleFilter, Tags,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, HOME, UNKNOWN, deploy, with, without};
use crate::fake::{Bucket, State};
use crate::random::surroundings;
use crate::terraform::{SOMEBODYS_KEY, Terraform, differences};

pub const SOURCE: &str = "their-source";
pub const TARGET: &str = "their-target";
pub const THEIR_ROLE: &str = "arn:aws:iam::111111111111:role/service/Existing";
const THEIR_STATEMENT: &str = r#"{"Version":"2012-10-17","Id":"theirs","Statement":[{"Sid":"Team","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::their-target/*"}]}"#;

/// A source and a destination in another account that are there already, and hold objects.
pub fn config() -> Json {
    json!({
        "source": { "bucket": SOURCE, "existing": true },
        "destinations": {
            "archive": {
                "bucket": TARGET,
                "existing": true,
                "region": "us-west-2",
                "assume_role": deploy(ABROAD),
            },
        },
    })
}

/// A bucket of somebody else's, with versioning and an object.
pub async fn stands(terraform: &Terraform, account: &str, region: &str, name: &str) {
    let region = Region::parse(region).unwrap();
    let way_in = WayIn {
        assume_role: (account != HOME)
            .then(|| AssumeRole {
                role_arn: format!("arn:aws:iam::{account}:role/Deploy"),
                ..AssumeRole::default()
            })
            .into_iter()
            .collect(),
        ..WayIn::default()
    };
    let at = Location {
        account: AccountId::parse(account).unwrap(),
        partition: region.partition(),
        region,
        way_in: Arc::new(way_in),
    };
    let bucket = || name.to_owned();
    for operation in [
        Operation::CreateBucket {
            bucket: bucket(),
            object_ownership: "ObjectWriter".to_owned(),
            object_lock: false,
            tags: Tags::from([("team".to_owned(), "theirs".to_owned())]),
        },
        Operation::EnableBucketVersioning { bucket: bucket() },
    ] {
        let aws = &terraform.cloud.aws;
        aws.perform(&at, &operation).await.unwrap();
    }
    let mut aws = terraform.cloud.aws.state();
    aws.buckets.get_mut(name).unwrap().put_object("theirs");
    aws.writes.clear();
}

pub fn plain() -> BucketEncryption {
    BucketEncryption {
        sse_algorithm: "AES256".to_owned(),
        kms_key: None,
        bucket_key_enabled: false,
        blocked_encryption_types: Vec::new(),
    }
}

fn their_rule(id: &str, priority: i32) -> ReplicationRule {
    ReplicationRule {
        id: id.to_owned(),
        priority: Some(priority),
        enabled: true,
        filter: Some(RuleFilter {
            prefix: Some("logs/".to_owned()),
            tags: Tags::new(),
        }),
        v1_prefix: None,
        delete_marker_replication: Some(true),
        sse_kms_encrypted_objects: None,
        replica_modifications: None,
        bucket_arn: "arn:aws:s3:::their-elsewhere".to_owned(),
        account: Some(HOME.to_owned()),
        storage_class: Some("GLACIER".to_owned()),
        owner_override: false,
        replica_kms_key: None,
        replication_time: None,
        metrics: None,
    }
}

fn their_rules() -> ReplicationConfiguration {
    ReplicationConfiguration {
        role: THEIR_ROLE.to_owned(),
        rules: vec![their_rule("theirs", 0), their_rule("theirs-too", 2)],
    }
}

/// Both buckets are there, with what their owners put in and around them.
pub async fn world() -> Terraform {
    let terraform = Terraform::new();
    surroundings(&terraform);
    stands(&terraform, HOME, "eu-west-1", SOURCE).await;
    stands(&terraform, HOME, "eu-west-1", "their-elsewhere").await;
    stands(&terraform, ABROAD, "us-west-2", TARGET).await;
    let mut aws = terraform.cloud.aws.state();
    bucket(&mut aws, TARGET).policy = Some(PolicyDocument::parse(THEIR_STATEMENT).unwrap());
    let role = (HOME.to_owned(), "existing".to_owned());
    let anything = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::their-source","arn:aws:s3:::their-source/*","arn:aws:s3:::their-elsewhere/*"]}}"#;
    let policies = &mut aws.roles.get_mut(&role).unwrap().policies;
    policies.insert(
        "theirs".to_owned(),
        PolicyDocument::parse(anything).unwrap(),
    );
    drop(aws);
    terraform
}

pub fn bucket<'a>(aws: &'a mut State, name: &str) -> &'a mut Bucket {
    aws.buckets.get_mut(name).unwrap()
}

/// What their owners see of the two buckets.
fn theirs(terraform: &Terraform) -> String {
    let aws = terraform.cloud.aws.state();
    let seen = [SOURCE, TARGET].map(|name| {
        let mut bucket = aws.buckets[name].clone();
        // What only the fake remembers.
        bucket.versioned = None;
        bucket.replication_before = None;
        bucket.policy_before = None;
        bucket.keys_used.clear();
        // Two worlds may be made in two seconds.
        for version in &mut bucket.versions {
            version.last_modified = None;
        }
        bucket
    });
    format!("{seen:#?}")
}

/// Every role that is there, with its account.
fn roles(terraform: &Terraform) -> Vec<(String, String)> {
    terraform.cloud.aws.state().roles.keys().cloned().collect()
}

fn ids(terraform: &Terraform) -> Vec<String> {
    let aws = terraform.cloud.aws.state();
    let rules = aws.buckets[SOURCE].replication.iter();
    rules
        .flat_map(|configuration| configuration.rules.iter().map(|rule| rule.id.clone()))
        .collect()
}

/// The configuration where the source has rules of somebody else's.
pub async fn beside_rules() -> (Terraform, Json) {
    let terraform = world().await;
    bucket(&mut terraform.cloud.aws.state(), SOURCE).replication = Some(their_rules());
    let config = with(&config(), "role", json!({ "existing_arn": THEIR_ROLE }));
    (terraform, config)
}

/// A plan is refused with exactly this, and nothing is written.
async fn refused(terraform: &mut Terraform, config: &Json, error: &str) {
    let plan = terraform.plan(config).await;
    assert_eq!(plan.said.errors, [error]);
    assert_eq!(
        terraform.cloud.aws.state().writes,
        Vec::<String>::new(),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_replication_needs_is_written_and_a_destroy_leaves_their_buckets_as_they_were() {
    let mut terraform = world().await;
    let before = theirs(&terraform);
    let theirs_alone = roles(&terraform);
    terraform.converge(&config()).await;
    let writes = terraform.cloud.aws.state().writes.clone();
    assert_eq!(
        writes,
        [
            "CreateRole replication-their-source",
            "PutRolePolicy replication-their-source",
            "PutBucketPolicy their-target",
            "PutBucketReplication their-source",
        ]
    );
    assert_eq!(terraform.at("/source/force_destroy"), Json::Null);
    assert_eq!(terraform.at("/source/object_ownership"), Json::Null);
    assert_eq!(terraform.at("/source/public_access_block"), Json::Null);
    assert_eq!(
        terraform.at("/destinations/archive/encryption/sse_algorithm"),
        json!("AES256")
    );
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(theirs(&terraform), before);
    assert_eq!(roles(&terraform), theirs_alone);
}

#[tokio::test(start_paused = true)]
async fn rules_of_others_stay_beside_ours_and_keep_their_numbers() {
    let (mut terraform, config) = beside_rules().await;
    let before = theirs(&terraform);
    terraform.converge(&config).await;
    assert_eq!(
        ids(&terraform),
        ["theirs", "theirs-too", "replicated-archive"]
    );
    assert_eq!(terraform.at("/destinations/archive/priority"), json!(1));
    {
        // A rule that comes and one that changes are no business of ours.
        let mut aws = terraform.cloud.aws.state();
        let rules = bucket(&mut aws, SOURCE).replication.as_mut().unwrap();
        rules.rules[0].enabled = false;
        rules.rules.push(their_rule("theirs-as-well", 7));
    }
    terraform.assert_settled(&config).await;
    let paused = with(&config, "destinations.archive.enabled", json!(false));
    terraform.converge(&paused).await;
    assert_eq!(
        ids(&terraform),
        [
            "theirs",
            "theirs-too",
            "theirs-as-well",
            "replicated-archive"
        ]
    );
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    let left = aws.buckets[SOURCE].replication.clone().unwrap();
    assert_eq!(left.role, THEIR_ROLE);
    assert_eq!(
        left.rules,
        [
            ReplicationRule {
                enabled: false,
                ..their_rule("theirs", 0)
            },
            their_rule("theirs-too", 2),
            their_rule("theirs-as-well", 7),
        ]
    );
    drop(aws);
    {
        let mut aws = terraform.cloud.aws.state();
        bucket(&mut aws, SOURCE).replication = Some(their_rules());
    }
    assert_eq!(theirs(&terraform), before);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_made_in_an_account_that_is_out_of_reach() {
    let mut terraform = world().await;
    let key = format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000");
    let config = json!({
        "source": { "bucket": "acme-archive", "encryption": { "sse_algorithm": "aws:kms" } },
        "destinations": {
            "archive": {
                "bucket": TARGET,
                "existing": true,
                "reachable": false,
                "account_id": ABROAD,
                "region": "us-west-2",
                "encryption": { "kms_key_arn": key },
            },
        },
    });
    terraform.cloud.close(ABROAD);
    let said = terraform.apply(&config).await;
    assert_eq!(said.errors, Vec::<String>::new());
    let shown = |terraform: &Terraform, name: &str| {
        let value = terraform.at(&format!("/destinations/archive/{name}"));
        value.as_str().map(str::to_owned)
    };
    let bucket_policy = shown(&terraform, "required_bucket_policy_json").unwrap();
    assert!(
        bucket_policy.contains("s3:ReplicateObject"),
        "{bucket_policy}"
    );
    let key_policy = shown(&terraform, "required_key_policy_json").unwrap();
    assert!(key_policy.contains("kms:Encrypt"), "{key_policy}");
    assert_eq!(shown(&terraform, "policy_json"), None);
    {
        // The owner adds what is told.
        let mut aws = terraform.cloud.aws.state();
        let added = PolicyDocument::parse(&bucket_policy).unwrap();
        bucket(&mut aws, TARGET).policy = Some(added);
        let rules = &aws.buckets["acme-archive"]
            .replication
            .as_ref()
            .unwrap()
            .rules;
        assert_eq!(rules[0].account.as_deref(), Some(ABROAD));
        assert_eq!(rules[0].replica_kms_key, Some(Input::Known(key)));
    }
    terraform
        .converge(&with(
            &config,
            "destinations.archive.storage_class",
            json!("GLACIER"),
        ))
        .await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert!(terraform.cloud.aws.state().buckets.contains_key(TARGET));
    let asked = terraform.cloud.take_queries();
    assert!(
        asked.iter().all(|(account, _)| account == HOME),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_call_is_made_in_an_account_that_may_be_out_of_reach() {
    let mut terraform = world().await;
    let config = json!({
        "source": { "bucket": "acme-archive" },
        "destinations": {
            "archive": {
                "bucket": TARGET,
                "existing": true,
                "reachable": false,
                "account_id": ABROAD,
                "region": "us-west-2",
            },
        },
    });
    let unknown = with(&config, "destinations.archive.reachable", json!(UNKNOWN));
    terraform.cloud.close(ABROAD);
    let said = terraform.apply_later(&unknown, &config).await;
    assert_eq!(said.errors, Vec::<String>::new());
    let asked = terraform.cloud.take_queries();
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|(account, _)| account == HOME),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_adopted_and_released_in_place() {
    let mut terraform = world().await;
    terraform.converge(&config()).await;
    let ours = with(
        &without(&config(), "destinations.archive.existing"),
        "destinations.archive.tags",
        json!({ "team": "ours" }),
    );
    terraform.converge(&ours).await;
    {
        let aws = terraform.cloud.aws.state();
        let target = &aws.buckets[TARGET];
        assert_eq!(target.ownership, "BucketOwnerEnforced");
        assert_eq!(target.tags["team"], "ours");
        assert!(target.tags.contains_key("replicated:owner"));
        assert_eq!(target.versions.len(), 1);
        assert!(target.public_access_block.is_some());
    }
    terraform.converge(&config()).await;
    {
        let aws = terraform.cloud.aws.state();
        let target = &aws.buckets[TARGET];
        assert_eq!(target.ownership, "BucketOwnerEnforced");
        assert_eq!(
            target.tags,
            Tags::from([("team".to_owned(), "ours".to_owned())])
        );
        assert_eq!(target.versions.len(), 1);
    }
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.buckets[TARGET].versions.len(), 1);
    assert!(
        aws.writes
            .iter()
            .all(|write| !write.contains("DeleteBucket "))
    );
}

#[tokio::test(start_paused = true)]
async fn a_released_bucket_of_ours_keeps_its_key_and_alias() {
    let mut terraform = Terraform::new();
    let ours = crate::configs::kms_abroad();
    terraform.converge(&ours).await;
    let key = terraform.at("/destinations/backup/kms_key_arn");
    let released = with(
        &with(&ours, "destinations.backup.existing", json!(true)),
        "destinations.backup.bucket",
        json!("acme-archive-backup"),
    );
    terraform.converge(&released).await;
    assert_eq!(terraform.at("/destinations/backup/kms_key_arn"), key);
    let said = terraform.destroy().await;
    assert_eq!(said.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert!(aws.buckets.contains_key("acme-archive-backup"));
    assert!(!aws.buckets.contains_key("acme-archive"));
    assert_eq!(aws.keys[key.as_str().unwrap()].state, "Enabled");
    assert_eq!(aws.aliases.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn drift_of_our_part_in_their_buckets_shows_and_is_mended() {
    let (mut terraform, config) = beside_rules().await;
    terraform.converge(&config).await;
    let shows = async |terraform: &mut Terraform, expected: &str| {
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors, Vec::<String>::new());
        let shown = differences(&terraform.state, &plan.planned);
        assert!(
            shown.iter().any(|line| line.contains(expected)),
            "{shown:?}"
        );
        terraform.converge(&config).await;
    };
    let ours = |change: &dyn Fn(&mut Vec<ReplicationRule>)| {
        let mut aws = terraform.cloud.aws.state();
        change(&mut bucket(&mut aws, SOURCE).replication.as_mut().unwrap().rules);
    };
    ours(&|rules| rules.retain(|rule| rule.id != "replicated-archive"));
    shows(&mut terraform, "(rule missing: replicated-archive)").await;
    {
        let mut aws = terraform.cloud.aws.state();
        let rules = &mut bucket(&mut aws, SOURCE).replication.as_mut().unwrap().rules;
        rules.last_mut().unwrap().enabled = false;
    }
    shows(
        &mut terraform,
        "destinations.archive.enabled: false -> true",
    )
    .await;
    bucket(&mut terraform.cloud.aws.state(), SOURCE).replication = None;
    shows(
        &mut terraform,
        "source/replication: replicated-archive (missing)",
    )
    .await;
    bucket(&mut terraform.cloud.aws.state(), TARGET).policy = None;
    shows(&mut terraform, "(statements missing)").await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_create_leaves_their_buckets_as_they_were() {
    let (terraform, config) = beside_rules().await;
    let enabling = with(
        &with(
            &config,
            "source.encryption",
            json!({ "sse_algorithm": "aws:kms" }),
        ),
        "source.enable_encryption",
        json!(true),
    );
    let before = theirs(&terraform);
    drop(terraform);
    for failing in [
        "CreateAlias alias/their-source",
        "PutBucketPolicy their-target",
        "PutRolePolicy Existing",
        "PutBucketReplication their-source",
    ] {
        let (mut terraform, _) = beside_rules().await;
        terraform.cloud.refuse(failing);
        let said = terraform.apply(&enabling).await;
        assert_ne!(said.errors, Vec::<String>::new(), "{failing}");
        assert!(terraform.state.is_null(), "{failing}: {:?}", said.errors);
        assert_eq!(theirs(&terraform), before, "{failing}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_blocks_share_one_existing_destination() {
    let mut first = world().await;
    let mut second = Terraform::over(first.cloud.clone());
    let other = |config: &Json| with(config, "source", json!({ "bucket": "acme-second" }));
    let (one, two) = (config(), other(&config()));
    let (a, b) = futures::join!(first.apply(&one), second.apply(&two));
    assert_eq!((a.errors, b.errors), (Vec::new(), Vec::new()));
    first.assert_settled(&one).await;
    second.assert_settled(&two).await;
    assert_eq!(first.destroy().await.errors, Vec::<String>::new());
    second.assert_settled(&two).await;
    assert_eq!(second.destroy().await.errors, Vec::<String>::new());
    let aws = first.cloud.aws.state();
    let left = aws.buckets[TARGET].policy.as_ref().unwrap();
    assert_eq!(left, &PolicyDocument::parse(THEIR_STATEMENT).unwrap());
}

#[tokio::test(start_paused = true)]
async fn unknown_values_plan_and_apply() {
    for path in [
        "source.existing",
        "source.bucket",
        "source.enable_versioning",
        "source.enable_encryption",
        "destinations.archive.existing",
        "destinations.archive.bucket",
        "destinations.archive.enable_versioning",
        "destinations.archive.manage_bucket_policy",
        "destinations.archive.reachable",
        "destinations.archive",
        "destinations",
    ] {
        let mut terraform = world().await;
        let known = [
            ("source.enable_versioning", json!(true)),
            ("source.enable_encryption", json!(false)),
            ("destinations.archive.enable_versioning", json!(true)),
            ("destinations.archive.manage_bucket_policy", json!(true)),
            ("destinations.archive.reachable", json!(true)),
        ];
        let known = known.iter().fold(config(), |config, (path, value)| {
            with(&config, path, value.clone())
        });
        let unknown = with(&known, path, json!(UNKNOWN));
        let said = terraform.apply_later(&unknown, &known).await;
        assert_eq!(said.errors, Vec::<String>::new(), "{path}");
        terraform.assert_settled(&known).await;
    }
}
