//! A destination that replicates back, as Terraform sees it.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, HOME, UNKNOWN, document, kms_abroad, two_destinations, with};
use crate::fake::State;
use crate::terraform::{SOMEBODYS_KEY, Terraform, differences};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";
const TWO_WAY: &str = "destinations.backup.two_way";
const ROLE: &str = "destinations.backup.two_way_role";

fn two_way() -> Json {
    with(&kms_abroad(), TWO_WAY, json!(true))
}

/// The role with which the destination replicates back.
fn role_back(aws: &mut State) -> &mut crate::fake::Role {
    let id = (
        ABROAD.to_owned(),
        "replication-acme-archive-backup".to_owned(),
    );
    aws.roles.get_mut(&id).unwrap()
}

fn is_replicated_back(terraform: &Terraform) -> bool {
    let aws = terraform.cloud.aws.state();
    aws.buckets[BACKUP].replication.is_some()
}

#[tokio::test(start_paused = true)]
async fn two_way_comes_in_one_apply_goes_comes_again_and_is_destroyed() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_way()).await;
    assert!(is_replicated_back(&terraform));
    assert_eq!(
        terraform.at("/destinations/backup/replication_role_arn"),
        json!(format!(
            "arn:aws:iam::{ABROAD}:role/replication-acme-archive-backup"
        ))
    );
    let role = terraform.at("/destinations/backup/two_way_role");
    assert_eq!(
        role["arn"],
        terraform.at("/destinations/backup/replication_role_arn")
    );
    assert!(
        role["unique_id"].is_string() && role["policy_json"].is_string(),
        "{role}"
    );
    assert_ne!(terraform.at("/source/policy_json"), Json::Null);

    terraform.converge(&kms_abroad()).await;
    assert!(!is_replicated_back(&terraform));
    assert_eq!(
        terraform.at("/destinations/backup/two_way_role"),
        Json::Null
    );
    assert_eq!(terraform.at("/source/policy_json"), Json::Null);
    assert_eq!(terraform.cloud.aws.state().roles.len(), 1);

    terraform.converge(&two_way()).await;
    assert!(is_replicated_back(&terraform));
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert!(aws.buckets.is_empty() && aws.roles.is_empty());
    assert_eq!(aws.ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn two_way_replicates_delete_markers_and_metadata_both_ways_unless_told_otherwise() {
    let mut terraform = Terraform::new();
    terraform.converge(&two_way()).await;
    let rules = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        [SOURCE, BACKUP].map(|bucket| {
            let rules = &aws.buckets[bucket].replication.as_ref().unwrap().rules;
            (
                rules[0].delete_marker_replication,
                rules[0].replica_modifications,
            )
        })
    };
    assert_eq!(rules(&terraform), [(Some(true), Some(true)); 2]);
    let off = with(
        &two_way(),
        "destinations.backup.delete_marker_replication",
        json!(false),
    );
    terraform.converge(&off).await;
    assert_eq!(rules(&terraform), [(Some(false), Some(true)); 2]);
}

#[tokio::test(start_paused = true)]
async fn every_rule_is_mirrored_with_its_filter_and_tags_keep_delete_markers_out() {
    let mut terraform = Terraform::new();
    let rules = json!({
        "logs": {
            "filter": { "prefix": "logs/" },
            "storage_class": "GLACIER",
            "replication_time_control": true,
        },
        "kept": { "filter": { "tags": { "keep": "yes" } }, "metrics": true },
        "paused": { "filter": { "prefix": "paused/" }, "enabled": false },
    });
    let config = with(&two_way(), "destinations.backup.rules", rules);
    terraform.converge(&config).await;
    let aws = terraform.cloud.aws.state();
    let [there, back] = [SOURCE, BACKUP].map(|bucket| {
        let rules = aws.buckets[bucket].replication.clone().unwrap().rules;
        assert_eq!(rules.len(), 3);
        rules
    });
    for (there, back) in there.iter().zip(&back) {
        let (mut there, back) = (there.clone(), back.clone());
        assert_eq!(back.storage_class, None);
        assert_eq!(there.replica_modifications, Some(true));
        assert_eq!(
            there.delete_marker_replication,
            Some(there.filter.as_ref().unwrap().tags.is_empty())
        );
        there.bucket_arn.clone_from(&back.bucket_arn);
        there.account.clone_from(&back.account);
        there.replica_kms_key.clone_from(&back.replica_kms_key);
        there.storage_class = None;
        assert_eq!(there, back);
    }
    let in_time: Vec<_> = back.iter().map(|rule| rule.replication_time).collect();
    assert_eq!(in_time, [None, Some((true, 15)), None]);
    assert_eq!(aws.ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_role_back_without_a_way_back_is_refused_also_when_that_shows_only_at_apply() {
    let mut terraform = Terraform::new();
    let refused = r#"destinations["backup"].two_way_role: Only with two_way"#;
    let alone = with(&kms_abroad(), ROLE, json!({ "path": "/back/" }));
    assert_eq!(terraform.validate(&alone).await.errors, [refused]);
    let unknown = with(&alone, TWO_WAY, json!(UNKNOWN));
    assert!(terraform.plan(&unknown).await.said.is_fine());
    let off = with(&alone, TWO_WAY, json!(false));
    let said = terraform.apply_later(&unknown, &off).await;
    assert_eq!(said.errors, [refused]);
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_is_checked_of_both_roles() {
    let terraform = Terraform::new();
    let role = json!({ "name": "one", "name_prefix": "two", "manage_policy": true });
    let said = terraform.validate(&with(&two_way(), ROLE, role)).await;
    assert_eq!(
        said.errors,
        [
            r#"destinations["backup"].two_way_role.name_prefix: Two names for one role"#,
            r#"destinations["backup"].two_way_role.manage_policy: Only with an existing role"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_existing_role_back_is_looked_for_in_the_destinations_account() {
    let mut terraform = Terraform::new();
    let of = |account: &str| {
        let arn = format!("arn:aws:iam::{account}:role/theirs");
        with(&two_way(), ROLE, json!({ "existing_arn": arn }))
    };
    let path = r#"destinations["backup"].two_way_role.existing_arn"#;
    let plan = terraform.plan(&of(HOME)).await;
    assert_eq!(
        plan.said.errors,
        [format!("{path}: The role is in another account")]
    );
    let plan = terraform.plan(&of(ABROAD)).await;
    assert_eq!(
        plan.said.errors,
        [format!("{path}: The existing role does not exist")]
    );
    terraform.converge(&kms_abroad()).await;
    let plan = terraform.plan(&of(ABROAD)).await;
    assert_eq!(
        plan.said.errors,
        [format!("{path}: The existing role does not exist")]
    );
}

#[tokio::test(start_paused = true)]
async fn two_directions_do_not_share_a_role_of_ours() {
    let mut terraform = Terraform::new();
    let config = json!({
        "source": { "bucket": SOURCE },
        "role": { "name": "copier" },
        "destinations": { "near": {
            "region": "us-east-1", "two_way": true, "two_way_role": { "name": "Copier" },
        } },
    });
    let plan = terraform.plan(&config).await;
    assert_eq!(
        plan.said.errors,
        [r#"destinations["near"].two_way_role.name: One role for two directions"#]
    );
}

#[tokio::test(start_paused = true)]
async fn several_ways_back_are_a_warning() {
    let mut terraform = Terraform::new();
    let both = with(&two_destinations(), TWO_WAY, json!(true));
    assert_eq!(
        terraform.plan(&both).await.said.warnings,
        Vec::<String>::new()
    );
    let both = with(&both, "destinations.near.two_way", json!(true));
    assert_eq!(
        terraform.plan(&both).await.said.warnings,
        [r#"destinations["near"].two_way: Replicas are not replicated on"#]
    );
    terraform.converge(&both).await;
    assert_eq!(terraform.cloud.aws.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn objects_under_a_key_that_find_none_on_their_way_back_are_a_warning() {
    let mut terraform = Terraform::new();
    let config = with(
        &two_way(),
        "source.encryption",
        json!({ "sse_algorithm": "AES256" }),
    );
    let config = with(
        &config,
        "destinations.backup.encryption",
        json!({ "sse_algorithm": "aws:kms" }),
    );
    let warnings = terraform.plan(&config).await.said.warnings;
    let told = r#"destinations["backup"].two_way: Objects under KMS are not replicated back"#;
    assert!(warnings.contains(&told.to_owned()), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn an_existing_key_must_let_every_new_role_in() {
    let mut terraform = Terraform::new();
    crate::random::surroundings(&terraform);
    let arn = format!("arn:aws:kms:eu-west-1:{HOME}:{SOMEBODYS_KEY}000000000000");
    let key = json!({ "kms_key_arn": arn });
    let config = with(&kms_abroad(), "source.encryption", key);
    terraform.converge(&config).await;
    let told = ["source.encryption.kms_key_arn: The key's policy must let the role in"];
    let lets_in = |principals: &[&str]| {
        let statements: Vec<_> = principals
            .iter()
            .map(|principal| {
                json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "kms:*", "Resource": "*" })
            })
            .collect();
        PolicyDocument::parse(&document(&statements)).unwrap()
    };
    let set = |terraform: &Terraform, policy: PolicyDocument| {
        let mut aws = terraform.cloud.aws.state();
        std::mem::replace(&mut aws.keys.get_mut(&arn).unwrap().policy, policy)
    };
    let anyone = set(&terraform, lets_in(&[HOME]));
    let plan = terraform.plan(&with(&config, TWO_WAY, json!(true))).await;
    assert_eq!(plan.said.warnings, told);
    set(&terraform, anyone);
    terraform
        .converge(&with(&config, TWO_WAY, json!(true)))
        .await;
    let renamed = with(&config, TWO_WAY, json!(true));
    let renamed = with(
        &renamed,
        "destinations.backup.two_way_role",
        json!({ "name": "copier" }),
    );
    let role = terraform.at("/destinations/backup/replication_role_arn");
    set(&terraform, lets_in(&[HOME, role.as_str().unwrap()]));
    assert_eq!(terraform.plan(&renamed).await.said.warnings, told);
}

#[tokio::test(start_paused = true)]
async fn existing_keys_of_both_sides_let_both_roles_in_where_their_policies_are_ours_to_complete() {
    let mut terraform = Terraform::new();
    let key = |account: &str, region: &str| {
        format!("arn:aws:kms:{region}:{account}:{SOMEBODYS_KEY}000000000007")
    };
    let keys = [key(HOME, "eu-west-1"), key(ABROAD, "us-west-2")];
    let mut one_way = kms_abroad();
    for (side, key) in ["/source", "/destinations/backup"].iter().zip(&keys) {
        crate::rules::closed_key(&terraform, key, "theirs");
        let side = one_way.pointer_mut(side).unwrap();
        side["encryption"] = json!({ "sse_algorithm": "aws:kms", "kms_key_arn": key });
        side["manage_key_policy"] = json!(true);
    }
    let sizes = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        keys.each_ref()
            .map(|key| aws.keys[key].policy.statements.len())
    };
    let before = sizes(&terraform);
    assert_eq!(before, [1, 1]);
    assert_eq!(terraform.converge(&one_way).await, Vec::<String>::new());
    assert_eq!(sizes(&terraform), [1, 2]);
    let both_ways = with(&one_way, TWO_WAY, json!(true));
    assert_eq!(terraform.converge(&both_ways).await, Vec::<String>::new());
    assert_eq!(sizes(&terraform), [2, 2]);
    terraform.converge(&one_way).await;
    assert_eq!(sizes(&terraform), [1, 2]);
    terraform.converge(&both_ways).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(sizes(&terraform), before);
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn one_key_may_serve_both_directions() {
    let mut terraform = Terraform::new();
    terraform.settings.accounts = [crate::updates::account(HOME)].into();
    let key = format!("arn:aws:kms:eu-west-1:{HOME}:{SOMEBODYS_KEY}000000000007");
    crate::rules::closed_key(&terraform, &key, "theirs");
    let mut config = two_way();
    config["destinations"]["backup"]["region"] = json!("eu-west-1");
    for side in ["/source", "/destinations/backup"] {
        let side = config.pointer_mut(side).unwrap();
        side["encryption"] = json!({ "sse_algorithm": "aws:kms", "kms_key_arn": key });
        side["manage_key_policy"] = json!(true);
    }
    assert_eq!(terraform.converge(&config).await, Vec::<String>::new());
    let statements = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        aws.keys[&key].policy.statements.len()
    };
    // The role back reads what it copies under the same key; the first role is of the key's own account.
    assert_eq!(statements(&terraform), 3);
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(statements(&terraform), 1);
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_replicates_for_somebody_else_is_refused_at_plan() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        let mut theirs = aws.buckets[SOURCE].replication.clone().unwrap();
        theirs.role = format!("arn:aws:iam::{ABROAD}:role/theirs");
        aws.buckets.get_mut(BACKUP).unwrap().replication = Some(theirs);
    }
    let plan = terraform.plan(&two_way()).await;
    assert_eq!(
        plan.said.errors,
        [
            r#"destinations["backup"].two_way: Replication of bucket acme-archive-backup is there already"#
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_person_changes_of_the_way_back_shows_and_is_mended() {
    type Damage = fn(&mut State);
    let damages: [(Damage, &[&str]); 5] = [
        (
            |aws| role_back(aws).description.description = "?".to_owned(),
            &[
                "destinations.backup.two_way_role.description: ? -> S3 replication of bucket acme-archive-backup",
            ],
        ),
        (
            |aws| {
                let role = role_back(aws);
                role.description.permissions_boundary =
                    Some("arn:aws:iam::222222222222:policy/x".to_owned());
                role.description
                    .tags
                    .insert("by".to_owned(), "hand".to_owned());
            },
            &[
                "destinations.backup.two_way_role.permissions_boundary: arn:aws:iam::222222222222:policy/x -> null",
                "destinations.backup.two_way_role.tags: ",
                "destinations.backup.two_way_role.tags_all.by: hand -> null",
            ],
        ),
        (
            |aws| role_back(aws).policies.clear(),
            &["components.destination/backup/role/policy: replication (missing) -> replication"],
        ),
        (
            |aws| {
                let rules = &mut aws.buckets.get_mut(BACKUP).unwrap().replication;
                rules.as_mut().unwrap().rules[0].enabled = false;
            },
            &[
                "components.destination/backup/replication: replicated-backup (rule changed: replicated-backup) -> replicated-backup",
            ],
        ),
        (
            |aws| {
                aws.roles.retain(|(account, _), _| account == HOME);
                aws.buckets.get_mut(BACKUP).unwrap().replication = None;
            },
            &[
                "destinations.backup.two_way_role.unique_id: null -> (known after apply)",
                "components.destination/backup/replication: ",
                "components.destination/backup/role: ",
                "components.destination/backup/role/policy: ",
                "components.source/",
            ],
        ),
    ];
    for (damage, shown) in damages {
        let mut terraform = Terraform::new();
        terraform.converge(&two_way()).await;
        damage(&mut terraform.cloud.aws.state());
        let plan = terraform.plan(&two_way()).await;
        let found = differences(&terraform.state, &plan.planned);
        for expected in shown {
            assert!(
                found.iter().any(|line| line.starts_with(expected)),
                "{expected} is not in {found:?}"
            );
        }
        for line in &found {
            assert!(
                shown.iter().any(|expected| line.starts_with(expected)),
                "{line}"
            );
        }
        terraform.converge(&two_way()).await;
        assert_eq!(terraform.cloud.aws.state().audit(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_back_imports_with_its_role() {
    for config in [
        two_way(),
        with(
            &two_way(),
            ROLE,
            json!({ "name": "copier", "path": "/back/" }),
        ),
    ] {
        let mut first = Terraform::new();
        first.converge(&config).await;
        let mut second = Terraform::over(first.cloud.clone());
        let id = first.at("/import_id");
        let said = second.import(id.as_str().unwrap()).await;
        assert_eq!(said.errors, Vec::<String>::new());
        second.assert_settled(&config).await;
        assert_eq!(second.destroy().await.errors, Vec::<String>::new());
        assert!(second.cloud.aws.state().roles.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_replicates_elsewhere_as_well_imports_one_way() {
    let mut first = Terraform::new();
    first.converge(&two_way()).await;
    {
        let mut aws = first.cloud.aws.state();
        let rules = &mut aws.buckets.get_mut(BACKUP).unwrap().replication;
        let rules = &mut rules.as_mut().unwrap().rules;
        let mut onwards = rules[0].clone();
        onwards.id = "onwards".to_owned();
        onwards.bucket_arn = "arn:aws:s3:::somewhere-else".to_owned();
        rules.push(onwards);
    }
    let mut second = Terraform::over(first.cloud.clone());
    let id = first.at("/import_id");
    let said = second.import(id.as_str().unwrap()).await;
    assert_eq!(
        said.warnings,
        [
            r#"destinations["backup"]: Bucket acme-archive-backup replicates back, and elsewhere too"#
        ]
    );
    assert_eq!(second.at("/destinations/backup/two_way"), json!(false));
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_keeps_both_buckets_takes_the_whole_wiring_away() {
    let mut terraform = Terraform::new();
    let kept = ["source", "destinations.backup"];
    let kept = kept.iter().fold(two_way(), |config, side| {
        with(&config, &format!("{side}.retain_on_destroy"), json!(true))
    });
    terraform.converge(&kept).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    {
        let aws = terraform.cloud.aws.state();
        assert!(aws.roles.is_empty());
        for bucket in aws.buckets.values() {
            assert_eq!(bucket.replication, None);
            assert_eq!(bucket.policy, None);
        }
        for key in aws.keys.values() {
            assert_eq!(key.policy.statements.len(), 1);
        }
    }
    terraform.converge(&kept).await;
    assert!(is_replicated_back(&terraform));
}
