//! The ways archives get lost, each by its name: what a person reads before he says yes, and what is there afterwards.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::ids::Region;
use terraform_provider_replicated::replication::operation::{Expiration, LifecycleRule, Moment};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{
    ABROAD, HOME, THIRD, deploy, document, kms_abroad, two_destinations, with, without,
};
use crate::existing::{self, beside_rules};
use crate::fake::{Bucket, State};
use crate::provider_block::tag_sets;
use crate::terraform::{Plan, Terraform, differences};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

fn nothing() -> Vec<String> {
    Vec::new()
}

fn bucket<'a>(aws: &'a mut State, name: &str) -> &'a mut Bucket {
    aws.buckets.get_mut(name).unwrap()
}

fn put(terraform: &Terraform, name: &str) {
    bucket(&mut terraform.cloud.aws.state(), name).put_object("deed");
}

fn holds(terraform: &Terraform, name: &str) -> usize {
    terraform.cloud.aws.state().buckets[name].versions.len()
}

/// What is there, with an object on each side.
async fn filled(config: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    put(&terraform, SOURCE);
    put(&terraform, BACKUP);
    terraform.cloud.take_writes();
    terraform
}

fn wrote(terraform: &Terraform) -> Vec<String> {
    let writes = terraform.cloud.take_writes();
    writes.into_iter().map(|write| write.what).collect()
}

/// A plan is refused with this, nothing is written, and both objects are there.
async fn refused(terraform: &mut Terraform, config: &Json, error: &str) -> Plan {
    let plan = terraform.plan(config).await;
    assert_eq!(plan.said.errors, [error]);
    assert_eq!(wrote(terraform), nothing());
    assert_eq!((holds(terraform, SOURCE), holds(terraform, BACKUP)), (1, 1));
    plan
}

/// The text of a plan's warning.
fn warning<'a>(plan: &'a Plan, line: &str) -> &'a str {
    let mut warnings = plan.said.warnings.iter().zip(&plan.said.warning_details);
    let found = warnings.find(|(warning, _)| *warning == line);
    found
        .unwrap_or_else(|| panic!("{:?}", plan.said.warnings))
        .1
}

/// Everything was made at this moment: a create takes over nothing that is older than a day.
fn made_at(terraform: &Terraform, moment: &str) {
    for tags in tag_sets(&mut terraform.cloud.aws.state()) {
        if let Some(created) = tags.get_mut("replicated:created") {
            *created = moment.to_owned();
        }
    }
}

fn under_key(config: &Json, key: &str) -> Json {
    let there = config["destinations"]["backup"].clone();
    with(
        &without(config, "destinations.backup"),
        &format!("destinations.{key}"),
        there,
    )
}

#[tokio::test(start_paused = true)]
async fn a_destinations_key_renamed() {
    let named = with(&kms_abroad(), "destinations.backup.bucket", json!(BACKUP));
    let forced = with(&named, "destinations.backup.force_destroy", json!(true));
    let mut terraform = filled(&forced).await;
    let renamed = under_key(&forced, "copy");
    let plan = terraform.plan(&renamed).await;
    assert_eq!(
        (&plan.said.errors, &plan.said.warnings),
        (&nothing(), &nothing())
    );
    terraform.converge(&renamed).await;
    let writes = wrote(&terraform);
    assert!(
        !writes.iter().any(|w| w.starts_with("Delete")),
        "{writes:?}"
    );
    assert_eq!(holds(&terraform, BACKUP), 1);

    // A default name follows from the key, so under another key it would be another bucket.
    let mut terraform = filled(&kms_abroad()).await;
    let error = "destinations[\"backup\"]: Bucket acme-archive-backup holds objects";
    let plan = refused(&mut terraform, &under_key(&kms_abroad(), "copy"), error).await;
    let way_out = "write bucket = \"acme-archive-backup\" there, and it keeps its bucket";
    assert!(
        plan.said.details[0].contains(way_out),
        "{:?}",
        plan.said.details
    );
    terraform.converge(&under_key(&named, "copy")).await;
    assert_eq!(holds(&terraform, BACKUP), 1);

    // Where that may be emptied, the plan says that it will be, and how it would stay.
    let forced = with(
        &kms_abroad(),
        "destinations.backup.force_destroy",
        json!(true),
    );
    let mut terraform = filled(&forced).await;
    let plan = terraform.plan(&under_key(&forced, "copy")).await;
    let told = warning(
        &plan,
        "destinations[\"backup\"]: Bucket acme-archive-backup will be deleted",
    );
    assert!(
        told.contains("with every object in it") && told.contains(way_out),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_providers_region_or_profile_changed_in_the_shell() {
    let third = json!({ "assume_role": deploy(THIRD) });
    let near = with(&kms_abroad(), "destinations.near", third);
    let mut terraform = filled(&near).await;
    for region in ["us-west-2", "ap-southeast-2"] {
        terraform.settings.region = Some(Region::parse(region).unwrap());
        terraform.assert_settled(&near).await;
        let tagged = with(&near, "tags", json!({ "region": region }));
        let plan = terraform.plan(&tagged).await;
        assert_eq!(
            (&plan.said.errors, &plan.replaced_by),
            (&nothing(), &nothing())
        );
        assert_eq!(plan.said.warnings, nothing());
        let said = terraform.carry_out(plan, &tagged).await;
        assert_eq!(said.errors, nothing());
        terraform.converge(&near).await;
    }
    for name in [SOURCE, "acme-archive-near"] {
        assert_eq!(
            terraform.cloud.aws.state().buckets[name].region,
            "eu-west-1"
        );
    }
    assert_eq!(
        (holds(&terraform, SOURCE), holds(&terraform, BACKUP)),
        (1, 1)
    );

    // A profile that leads to another account.
    wrote(&terraform);
    terraform.cloud.land_in(ABROAD);
    for config in [near.clone(), with(&near, "tags", json!({ "a": "b" }))] {
        let plan = terraform.plan(&config).await;
        assert_eq!(
            plan.said.errors,
            ["source.account_id: The way in leads to another account"]
        );
        assert_eq!(plan.replaced_by, nothing());
    }
    assert_ne!(terraform.destroy().await.errors, nothing());
    assert_eq!(wrote(&terraform), nothing());
    terraform.cloud.recover();
    terraform.assert_settled(&near).await;
}

#[tokio::test(start_paused = true)]
async fn the_source_renamed_with_force_destroy_on() {
    let forced = with(&kms_abroad(), "source.force_destroy", json!(true));
    let mut terraform = Terraform::new();
    terraform.converge(&forced).await;
    let renamed = with(&forced, "source.bucket", json!("acme-renamed"));
    let empty = terraform.plan(&renamed).await;
    assert_eq!(empty.said.errors, nothing());
    // An object comes in between plan and apply.
    put(&terraform, SOURCE);
    let said = terraform.carry_out(empty, &renamed).await;
    assert_eq!(said.errors, ["source: Bucket acme-archive holds objects"]);
    let plan = terraform.plan(&renamed).await;
    assert_eq!(
        plan.said.errors,
        ["source.bucket: Replacement would delete bucket acme-archive, which holds objects"]
    );
    let told = &plan.said.details[0];
    assert!(
        told.contains("never empties a bucket, whatever force_destroy says"),
        "{told}"
    );
    assert_eq!(holds(&terraform, SOURCE), 1);
    bucket(&mut terraform.cloud.aws.state(), SOURCE)
        .versions
        .clear();
    terraform.converge(&renamed).await;
    assert_eq!(terraform.at("/id"), json!("acme-renamed"));
    assert_eq!(terraform.cloud.aws.state().buckets.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_destination_removed_that_still_holds_objects() {
    let mut terraform = filled(&two_destinations()).await;
    let gone = without(&two_destinations(), "destinations.backup");
    let error = "destinations[\"backup\"]: Bucket acme-archive-backup holds objects";
    let plan = refused(&mut terraform, &gone, error).await;
    let told = &plan.said.details[0];
    assert!(told.contains("force_destroy"), "{told}");
    // It counts as it stands in the state, and the plan says what it does.
    let forced = with(
        &two_destinations(),
        "destinations.backup.force_destroy",
        json!(true),
    );
    terraform.converge(&forced).await;
    let plan = terraform.plan(&gone).await;
    let told = warning(
        &plan,
        "destinations[\"backup\"]: Bucket acme-archive-backup will be deleted",
    );
    assert!(
        told.contains("with every object in it, because force_destroy is set"),
        "{told}"
    );
    // Leave that was taken back again is no leave.
    terraform.converge(&two_destinations()).await;
    wrote(&terraform);
    refused(&mut terraform, &gone, error).await;
}

#[tokio::test(start_paused = true)]
async fn algorithm_or_key_changed_under_existing_objects() {
    let own = kms_abroad();
    let key = |account: &str, region: &str| {
        let arn =
            format!("arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-000000000000");
        json!({ "kms_key_arn": arn })
    };
    let plain = json!({ "sse_algorithm": "AES256" });
    for (path, encryption) in [
        ("source.encryption", plain.clone()),
        ("source.encryption", key(HOME, "eu-west-1")),
        ("source.encryption.key", json!({ "multi_region": true })),
        ("destinations.backup.encryption", plain),
        ("destinations.backup.encryption", key(ABROAD, "us-west-2")),
    ] {
        let mut terraform = Terraform::new();
        crate::random::surroundings(&terraform);
        terraform.converge(&own).await;
        put(&terraform, SOURCE);
        put(&terraform, BACKUP);
        let side = if path.starts_with("source") {
            "source"
        } else {
            "destinations/backup"
        };
        let old = terraform.at(&format!("/{side}/kms_key_arn"));
        let changed = with(&own, path, encryption);
        let plan = terraform.plan(&changed).await;
        assert_eq!(
            (&plan.said.errors, &plan.replaced_by),
            (&nothing(), &nothing())
        );
        let deletes = |line: &String| line.ends_with("will be deleted");
        assert!(!plan.said.warnings.iter().any(deletes), "{:?}", plan.said);
        // The audit behind this asks for kms:Decrypt on every key that objects are under.
        terraform.converge(&changed).await;
        assert_eq!(
            (holds(&terraform, SOURCE), holds(&terraform, BACKUP)),
            (1, 1)
        );
        let arn = old.as_str().unwrap();
        assert_eq!(
            terraform.cloud.aws.state().keys[arn].state,
            "Enabled",
            "{path}"
        );
        // A destroy that cannot delete the buckets does not begin, so the key stays as well.
        assert_ne!(terraform.destroy().await.errors, nothing());
        assert_eq!(
            terraform.cloud.aws.state().keys[arn].state,
            "Enabled",
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_workspace_with_the_same_names() {
    let mut first = Terraform::new();
    first.converge(&kms_abroad()).await;
    wrote(&first);
    // Young and empty, it may as well be what an interrupted create left: the plan says what that means.
    let mut second = Terraform::over(first.cloud.clone());
    let plan = second.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, nothing());
    let told = warning(&plan, "source.bucket: Taking over bucket acme-archive");
    assert!(
        told.contains("If another state or workspace has it, do not apply"),
        "{told}"
    );
    assert_eq!(wrote(&first), nothing());
    // With an object in it, or older than a day, it is somebody's.
    let taken = "source.bucket: Bucket acme-archive is there already";
    let import = "terraform import replicated_bucket.NAME 111111111111/acme-archive@eu-west-1";
    let refused = |plan: &Plan| {
        assert_eq!(plan.said.errors[0], taken);
        assert!(
            plan.said.details[0].contains(import),
            "{:?}",
            plan.said.details
        );
    };
    put(&first, SOURCE);
    refused(&second.plan(&kms_abroad()).await);
    bucket(&mut first.cloud.aws.state(), SOURCE)
        .versions
        .clear();
    made_at(&first, "2020-01-01T00:00:00Z");
    refused(&second.plan(&kms_abroad()).await);
    // What was empty at plan and is not at apply is refused as well.
    made_at(&first, &now());
    let plan = second.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, nothing());
    put(&first, SOURCE);
    let said = second.carry_out(plan, &kms_abroad()).await;
    assert_eq!(said.errors, [taken]);
    assert_eq!(wrote(&first), nothing());
    assert!(second.state.is_null());
    first.assert_settled(&kms_abroad()).await;
}

fn now() -> String {
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::now_utc().format(format).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_planted_bucket_key_or_role_with_our_tags() {
    let theirs = json!({
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{THIRD}:root") },
        "Action": ["s3:GetObject"],
        "Resource": "arn:aws:s3:::acme-archive-backup/*",
    });
    // Somebody makes what looks as if a create of ours had been interrupted: young, empty, with all of our tags.
    let planted = async || {
        let mut terraform = Terraform::new();
        terraform.converge(&kms_abroad()).await;
        {
            let mut aws = terraform.cloud.aws.state();
            let bucket = bucket(&mut aws, BACKUP);
            bucket.policy =
                Some(PolicyDocument::parse(&document(std::slice::from_ref(&theirs))).unwrap());
            let rule = LifecycleRule {
                enabled: true,
                expiration: Some(Expiration::At(Moment::Days(1))),
                ..LifecycleRule::default()
            };
            let lifecycle = bucket.lifecycle.get_or_insert_default();
            lifecycle.rules.insert("theirs".to_owned(), rule);
            for (arn, key) in &mut aws.keys {
                let account = arn.split(':').nth(4).unwrap();
                let open = json!({
                    "Sid": "Theirs",
                    "Effect": "Allow",
                    "Principal": { "AWS": [format!("arn:aws:iam::{account}:root"), format!("arn:aws:iam::{THIRD}:root")] },
                    "Action": "kms:*",
                    "Resource": "*",
                });
                key.policy = PolicyDocument::parse(&document(&[open])).unwrap();
            }
            for role in aws.roles.values_mut() {
                let trust = json!({
                    "Effect": "Allow",
                    "Principal": { "AWS": format!("arn:aws:iam::{THIRD}:root") },
                    "Action": "sts:AssumeRole",
                });
                role.description.trust_policy = document(&[trust]);
                role.attached
                    .push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            }
        }
        Terraform::over(terraform.cloud.clone())
    };
    let mut terraform = planted().await;
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, nothing());
    for line in [
        "source.bucket: Taking over bucket acme-archive",
        "destinations[\"backup\"].bucket: Taking over bucket acme-archive-backup",
        "role: Taking over role arn:aws:iam::111111111111:role/replication-acme-archive",
    ] {
        warning(&plan, line);
    }
    let statements = warning(
        &plan,
        "destinations[\"backup\"].bucket: The policy of bucket acme-archive-backup has statements of others",
    );
    assert!(
        statements.contains("s3:GetObject") && statements.contains(THIRD),
        "{statements}"
    );
    let further = warning(&plan, "role: The role has further policies");
    assert!(further.contains("AdministratorAccess"), "{further}");
    let said = terraform.carry_out(plan, &kms_abroad()).await;
    assert_eq!(said.errors, nothing());
    {
        let aws = terraform.cloud.aws.state();
        let rules = aws.buckets[BACKUP].lifecycle.as_ref();
        assert!(rules.is_none_or(|lifecycle| lifecycle.rules.is_empty()));
        assert!(
            aws.keys
                .values()
                .all(|key| !key.policy.to_string().contains(THIRD))
        );
        assert!(
            aws.roles
                .values()
                .all(|r| !r.description.trust_policy.contains(THIRD))
        );
        // No second key was made beside those.
        assert_eq!(aws.keys.len(), 2);
    }

    // Without a bucket that is there already nobody looks for a key by its tags.
    let mut terraform = planted().await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.clear();
        aws.roles.clear();
        aws.aliases.clear();
    }
    terraform.converge(&kms_abroad()).await;
    assert_eq!(terraform.cloud.aws.state().keys.len(), 4);

    // With other tags, or none, every part is refused by its name.
    let mut terraform = planted().await;
    for tags in tag_sets(&mut terraform.cloud.aws.state()) {
        tags.insert("replicated:owner".to_owned(), format!("{THIRD}/other"));
    }
    terraform.cloud.take_writes();
    let plan = terraform.plan(&kms_abroad()).await;
    let refused = |what: &str| {
        let told = plan.said.errors.iter();
        assert_eq!(
            told.filter(|line| line.contains(what)).count(),
            1,
            "{:?}",
            plan.said.errors
        );
    };
    refused("Bucket acme-archive is there already");
    refused("Bucket acme-archive-backup is there already");
    refused("under alias/acme-archive is there already");
    refused("under alias/acme-archive-backup is there already");
    refused("Role arn:aws:iam::111111111111:role/replication-acme-archive is there already");
    assert_eq!(wrote(&terraform), nothing());
}

#[tokio::test(start_paused = true)]
async fn a_source_deleted_by_hand() {
    let mut terraform = filled(&kms_abroad()).await;
    terraform.cloud.aws.state().buckets.remove(SOURCE);
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(
        (&plan.said.errors, &plan.replaced_by),
        (&nothing(), &nothing())
    );
    let told = warning(
        &plan,
        "source.bucket: Bucket acme-archive is made again, empty",
    );
    assert!(
        told.contains("in the destinations") && told.contains("copy it back"),
        "{told}"
    );
    let shown = differences(&terraform.state, &plan.planned);
    assert!(
        shown[0].starts_with("components.source/bucket: arn:aws:s3:::acme-archive (missing)"),
        "{shown:?}"
    );
    let said = terraform.carry_out(plan, &kms_abroad()).await;
    assert_eq!(said.errors, nothing());
    terraform.assert_settled(&kms_abroad()).await;
    assert_eq!(
        (holds(&terraform, SOURCE), holds(&terraform, BACKUP)),
        (0, 1)
    );
    assert_eq!(terraform.plan(&kms_abroad()).await.said.warnings, nothing());

    // Of a destination the same is told, with what to do about it.
    terraform.cloud.aws.state().buckets.remove(BACKUP);
    let plan = terraform.plan(&kms_abroad()).await;
    let line = "destinations[\"backup\"].bucket: Bucket acme-archive-backup is made again, empty";
    let told = warning(&plan, line);
    assert!(told.contains("S3 Batch Replication"), "{told}");
    assert_eq!(
        terraform.carry_out(plan, &kms_abroad()).await.errors,
        nothing()
    );

    // Nothing is made, and nothing is taken for gone, where somebody else has the name by now.
    put(&terraform, BACKUP);
    bucket(&mut terraform.cloud.aws.state(), SOURCE).account = THIRD.to_owned();
    wrote(&terraform);
    let before = terraform.shown();
    assert_ne!(terraform.plan(&kms_abroad()).await.said.errors, nothing());
    assert_ne!(terraform.destroy().await.errors, nothing());
    assert_eq!((wrote(&terraform), terraform.shown()), (nothing(), before));

    // With the source gone, a destroy does not take the only copy along.
    terraform.cloud.aws.state().buckets.remove(SOURCE);
    let said = terraform.destroy().await;
    assert_eq!(
        said.errors,
        ["destinations[\"backup\"]: Bucket acme-archive-backup holds objects"]
    );
    assert_eq!(holds(&terraform, BACKUP), 1);
}

#[tokio::test(start_paused = true)]
async fn an_undo_after_objects_arrived() {
    let mut terraform = Terraform::new();
    let forced = with(
        &kms_abroad(),
        "destinations.backup.force_destroy",
        json!(true),
    );
    terraform.cloud.aws.state().objects_arrive_in = Some(BACKUP.to_owned());
    terraform.cloud.refuse("PutBucketReplication acme-archive");
    let said = terraform.apply(&forced).await;
    assert!(!said.is_fine());
    assert!(terraform.tainted);
    assert_eq!(terraform.at("/destinations/backup/bucket"), json!(BACKUP));
    // What is left is listed, and the object and its key are among it.
    let left = said
        .warnings
        .iter()
        .position(|line| line == "components: What is left")
        .unwrap();
    let left = &said.warning_details[left];
    assert!(
        left.contains("destination/backup/bucket: ") && left.contains("destination/backup/key: "),
        "{left}"
    );
    assert_eq!(holds(&terraform, BACKUP), 1);
    let key = terraform.at("/destinations/backup/kms_key_arn");
    assert_eq!(
        terraform.cloud.aws.state().keys[key.as_str().unwrap()].state,
        "Enabled"
    );
    // A destroy of a remainder never empties a bucket, and neither does the apply that replaces it.
    terraform.cloud.recover();
    let kept = ["destinations[\"backup\"]: Bucket acme-archive-backup holds objects"];
    assert_eq!(terraform.destroy().await.errors, kept);
    let said = terraform.apply(&forced).await;
    let replaced = "destinations[\"backup\"].bucket: Replacement would delete bucket acme-archive-backup, which holds objects";
    assert_eq!(said.errors, [replaced]);
    assert!(
        said.details[0].contains("terraform untaint ADDRESS"),
        "{:?}",
        said.details
    );
    // Neither where that was empty when the plan looked.
    let object = std::mem::take(&mut bucket(&mut terraform.cloud.aws.state(), BACKUP).versions);
    let plan = terraform.plan(&forced).await;
    assert_eq!(plan.said.errors, nothing());
    bucket(&mut terraform.cloud.aws.state(), BACKUP).versions = object;
    assert_eq!(terraform.carry_out(plan, &forced).await.errors, kept);
    assert_eq!(holds(&terraform, BACKUP), 1);
    // The way out that the plan tells goes on with what is there.
    let (state, private) = (terraform.state.clone(), terraform.private.clone());
    let before = terraform.cloud.aws.state().clone();
    terraform.tainted = false;
    terraform.converge(&forced).await;
    assert_eq!(holds(&terraform, BACKUP), 1);
    *terraform.cloud.aws.state() = before;
    (terraform.state, terraform.private) = (state, private);
    bucket(&mut terraform.cloud.aws.state(), BACKUP)
        .versions
        .clear();
    assert!(terraform.destroy().await.is_fine());
    let aws = terraform.cloud.aws.state();
    assert!(aws.buckets.is_empty() && aws.roles.is_empty());
    assert!(aws.keys.values().all(|k| k.state == "PendingDeletion"));
}

#[tokio::test(start_paused = true)]
async fn a_mistyped_prefix_in_a_lifecycle_rule() {
    // Terraform drops a key that the schema does not know without a word, so of `prefx = "logs/"` this is left.
    let mut terraform = filled(&kms_abroad()).await;
    let path = "destinations.backup.lifecycle_rules";
    let at = "destinations[\"backup\"].lifecycle_rules[\"old\"]";
    for rule in [
        json!({ "expiration": { "days": 30 } }),
        json!({ "transitions": [{ "days": 30, "storage_class": "GLACIER" }] }),
        json!({ "expiration": { "days": 30 }, "noncurrent_version_expiration": { "noncurrent_days": 1 } }),
    ] {
        let mistyped = with(&kms_abroad(), path, json!({ "old": rule }));
        let plan = terraform.plan(&mistyped).await;
        assert_eq!(plan.said.errors.len(), 1, "{:?}", plan.said);
        assert!(plan.said.errors[0].starts_with(at), "{:?}", plan.said);
        assert!(
            plan.said.details[0].contains("whole_bucket"),
            "{:?}",
            plan.said
        );
    }
    assert_eq!(wrote(&terraform), nothing());
    // The same of a filter: one that ends up empty is not taken for the whole bucket.
    let filter = with(&kms_abroad(), "destinations.backup.filter", json!({}));
    let said = terraform.plan(&filter).await.said;
    assert!(
        said.errors[0].starts_with("destinations[\"backup\"].filter"),
        "{said:?}"
    );
    // Whoever means the whole bucket says so, and whoever says it right has it.
    for scope in [("prefix", json!("logs/")), ("whole_bucket", json!(true))] {
        let rule = json!({ "old": { "expiration": { "days": 30 }, scope.0: scope.1 } });
        terraform.converge(&with(&kms_abroad(), path, rule)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn object_lock_switched_off() {
    let path = "destinations.backup.object_lock";
    let locked = with(
        &kms_abroad(),
        path,
        json!({ "mode": "GOVERNANCE", "days": 30 }),
    );
    let mut terraform = filled(&locked).await;
    let error = "destinations[\"backup\"].object_lock: Object Lock cannot be switched off";
    for config in [
        kms_abroad(),
        with(&locked, path, json!({ "enabled": false })),
    ] {
        refused(&mut terraform, &config, error).await;
    }
    // Neither can a bucket be swapped for one without a lock as long as it keeps something.
    let elsewhere = with(
        &kms_abroad(),
        "destinations.backup.bucket",
        json!("acme-unlocked"),
    );
    let kept = "destinations[\"backup\"]: Bucket acme-archive-backup holds objects";
    refused(&mut terraform, &elsewhere, kept).await;
    let forced = with(&locked, "destinations.backup.force_destroy", json!(true));
    terraform.converge(&forced).await;
    wrote(&terraform);
    let kept = "destinations[\"backup\"]: Object Lock keeps bucket acme-archive-backup";
    refused(&mut terraform, &elsewhere, kept).await;
    let held = "source: Bucket acme-archive holds objects";
    assert_eq!(terraform.destroy().await.errors, [held, kept]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_role_or_v1_rule_on_an_existing_source() {
    let (mut terraform, fitting) = beside_rules().await;
    let before = terraform.cloud.aws.state().buckets[existing::SOURCE]
        .replication
        .clone();
    let plan = terraform.plan(&existing::config()).await;
    assert_eq!(
        plan.said.errors,
        ["role.existing_arn: The rules of bucket their-source have another role"]
    );
    assert!(
        plan.said.details[0].contains(existing::THEIR_ROLE),
        "{:?}",
        plan.said.details
    );
    // What fits at plan and not any more at apply is refused there, and nothing was written.
    let plan = terraform.plan(&fitting).await;
    assert_eq!(plan.said.errors, nothing());
    let first_version = |terraform: &Terraform| {
        let mut aws = terraform.cloud.aws.state();
        let rules = bucket(&mut aws, existing::SOURCE)
            .replication
            .as_mut()
            .unwrap();
        rules.rules[0].filter = None;
        rules.rules[0].v1_prefix = Some("logs/".to_owned());
    };
    first_version(&terraform);
    let error = "source.bucket: Rule theirs of bucket their-source is of the first version";
    let said = terraform.carry_out(plan, &fitting).await;
    assert_eq!(said.errors, [error]);
    let plan = terraform.plan(&fitting).await;
    assert_eq!(plan.said.errors, [error]);
    let text = &plan.said.details[0];
    for word in [
        "\"Filter\"",
        "logs/",
        "\"Priority\"",
        "\"DeleteMarkerReplication\"",
    ] {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
    assert_eq!(wrote(&terraform), nothing());
    bucket(&mut terraform.cloud.aws.state(), existing::SOURCE).replication = before.clone();
    terraform.converge(&fitting).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
    assert_eq!(
        terraform.cloud.aws.state().buckets[existing::SOURCE].replication,
        before
    );
}

#[tokio::test(start_paused = true)]
async fn two_blocks_on_one_source() {
    // Two new blocks of one run: no plan sees the other, and only one of them is made.
    let other = with(
        &kms_abroad(),
        "destinations",
        json!({ "near": { "region": "us-east-1" } }),
    );
    for at_once in [true, false] {
        let mut first = Terraform::new();
        let mut second = Terraform::over(first.cloud.clone());
        let plans = (first.plan(&kms_abroad()).await, second.plan(&other).await);
        assert!(plans.0.said.is_fine() && plans.1.said.is_fine());
        let process = first.server();
        first.process = Some(process.clone());
        second.process = Some(process);
        let (mine, config) = (kms_abroad(), other.clone());
        let (said, refused) = if at_once {
            futures::join!(
                first.carry_out(plans.0, &mine),
                second.carry_out(plans.1, &config)
            )
        } else {
            let said = first.carry_out(plans.0, &mine).await;
            (said, second.carry_out(plans.1, &config).await)
        };
        assert_eq!(said.errors, nothing());
        let error = "source.bucket: Two blocks have the source acme-archive";
        assert_eq!(refused.errors, [error]);
        assert!(second.state.is_null());
        first.process = None;
        first.assert_settled(&kms_abroad()).await;
        assert!(
            !first
                .cloud
                .aws
                .state()
                .buckets
                .contains_key("acme-archive-near")
        );
    }

    // A block beside one that is in the state is refused at plan, with what to write.
    let mut first = Terraform::new();
    first.converge(&kms_abroad()).await;
    let process = first.server();
    first.process = Some(process.clone());
    let mut second = Terraform::over(first.cloud.clone());
    second.process = Some(process);
    assert_eq!(first.refresh().await.errors, nothing());
    let plan = second.plan(&other).await;
    assert_eq!(
        plan.said.errors,
        ["source.bucket: Bucket acme-archive is in the state already"]
    );
    assert!(plan.said.details[0].contains("write the destinations of both into one"));

    // So is one on a source of somebody else's.
    let mut first = existing::world().await;
    first.converge(&existing::config()).await;
    let mut second = Terraform::over(first.cloud.clone());
    let elsewhere = with(
        &with(&existing::config(), "role", json!({ "name": "another" })),
        "destinations.archive.storage_class",
        json!("GLACIER"),
    );
    wrote(&first);
    assert_eq!(
        second.plan(&elsewhere).await.said.errors,
        ["source.bucket: Bucket their-source is the source of another replicated_bucket"]
    );
    assert_eq!(wrote(&first), nothing());
}
