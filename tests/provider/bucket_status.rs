//! The data source `replicated_bucket_status`: what keeps objects from crossing is told, where it is, and nothing else.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    MeasuredRule, ObjectVersion, ReplicationMetric,
};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, HOME, document, kms_abroad, two_destinations, with};
use crate::existing;
use crate::fake::State;
use crate::imports::origins::{ORIGINS, UNREPLICATED, origin};
use crate::random::{existing_key, surroundings};
use crate::terraform::{Said, Terraform};

const NAME: &str = "replicated_bucket_status";
const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

/// The status of what is in the state.
async fn status(terraform: &Terraform, keys: &[&str]) -> Json {
    let config = json!({ "import_id": terraform.at("/import_id"), "keys": keys });
    let told = told(terraform, &config).await;
    told.unwrap_or_else(|said| panic!("{said:?}"))
}

async fn told(terraform: &Terraform, config: &Json) -> Result<Json, Said> {
    terraform.cloud.take_writes();
    let told = terraform.data(NAME, config).await;
    let writes = terraform.cloud.take_writes();
    assert!(writes.is_empty(), "a data source wrote");
    told
}

async fn applied(config: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    terraform.converge(config).await;
    terraform
}

#[tokio::test(start_paused = true)]
async fn a_setup_of_which_nothing_is_missing_is_wired() {
    let terraform = applied(&two_destinations()).await;
    let told = status(&terraform, &[]).await;
    assert_eq!(told["bucket"], SOURCE);
    assert_eq!(told["account_id"], HOME);
    assert_eq!(told["region"], "eu-west-1");
    assert_eq!(told["wired"], true);
    assert_eq!(told["problems"], json!([]));
    assert_eq!(told["objects"], json!({}));
    let rule = json!({
        "id": "replicated-backup",
        "enabled": true,
        "status": "ACTIVE",
        "metrics": false,
        "pending": null,
        "pending_bytes": null,
        "latency_seconds": null,
        "failed": null,
    });
    let backup = json!({
        "bucket": BACKUP,
        "account_id": ABROAD,
        "region": "us-west-2",
        "reachable": true,
        "wired": true,
        "problems": [],
        "verified_at": null,
        "rules": { "default": rule },
        "two_way_rules": null,
    });
    assert_eq!(told["destinations"]["backup"], backup);
    assert_eq!(told["destinations"]["near"]["account_id"], HOME);
    // It is found by the source's name alone, too, where there is a way into every account.
    let (account, way_in) = crate::updates::account(ABROAD);
    let mut other = Terraform::over(terraform.cloud.clone());
    other.settings.accounts.insert(account, way_in);
    let by_name = crate::bucket_status::told(&other, &json!({ "import_id": SOURCE })).await;
    let by_name = by_name.unwrap();
    assert_eq!(by_name["destinations"], told["destinations"]);
}

fn backup_policy(aws: &mut State, statements: &[Json]) {
    let policy = PolicyDocument::parse(&document(statements)).unwrap();
    aws.buckets.get_mut(BACKUP).unwrap().policy = Some(policy);
}

/// What somebody does, and the problem that it makes of the destination `backup`, or of both.
struct Damage {
    does: fn(&mut State),
    problem: &'static str,
    of_both: bool,
}

const DAMAGES: [Damage; 9] = [
    Damage {
        does: |aws| aws.buckets.get_mut(BACKUP).unwrap().versioning = Some("Suspended".to_owned()),
        problem: "destination/backup/bucket: versioning suspended",
        of_both: false,
    },
    Damage {
        does: |aws| aws.buckets.get_mut(BACKUP).unwrap().policy = None,
        problem: "destination/backup/bucket_policy: statements missing",
        of_both: false,
    },
    Damage {
        does: |aws| {
            let ours = aws.buckets[BACKUP].policy.clone().unwrap();
            let deny = json!({ "Sid": "Stop", "Effect": "Deny", "Principal": "*", "Action": "s3:ReplicateObject", "Resource": format!("arn:aws:s3:::{BACKUP}/*") });
            backup_policy(aws, &[deny]);
            let policy = aws
                .buckets
                .get_mut(BACKUP)
                .unwrap()
                .policy
                .as_mut()
                .unwrap();
            policy.statements.extend(ours.statements);
        },
        problem: "destination/backup/bucket_policy: statement Stop denies s3:ReplicateObject",
        of_both: false,
    },
    Damage {
        does: |aws| {
            let mut keys = aws.keys.values_mut();
            let key = keys.find(|key| key.tags["replicated:component"].contains("backup"));
            key.unwrap().state = "Disabled".to_owned();
        },
        problem: "destination/backup/key: disabled",
        of_both: false,
    },
    Damage {
        does: |aws| drop(aws.buckets.remove(BACKUP)),
        problem: "destination/backup/bucket: missing",
        of_both: false,
    },
    Damage {
        does: |aws| aws.buckets.get_mut(SOURCE).unwrap().versioning = None,
        problem: "source/bucket: versioning off",
        of_both: true,
    },
    Damage {
        does: |aws| {
            for role in aws.roles.values_mut() {
                let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
                role.description.trust_policy = trust.to_owned();
            }
        },
        problem: "role: trust policy changed",
        of_both: true,
    },
    Damage {
        does: |aws| {
            for role in aws.roles.values_mut() {
                let policy = role.policies.get_mut("replication").unwrap();
                let grants = &mut policy.statements;
                grants.retain(|s| !s.actions_named().iter().any(|a| a == "s3:ReplicateObject"));
            }
        },
        problem: "role/policy: does not grant",
        of_both: true,
    },
    Damage {
        does: |aws| aws.roles.clear(),
        problem: "role: missing",
        of_both: true,
    },
];

#[tokio::test(start_paused = true)]
async fn whatever_keeps_objects_from_crossing_is_told_where_it_is() {
    for damage in DAMAGES {
        let mut terraform = Terraform::new();
        terraform.converge(&two_destinations()).await;
        (damage.does)(&mut terraform.cloud.aws.state());
        let told = status(&terraform, &[]).await;
        assert_eq!(told["wired"], false, "{}", damage.problem);
        for (key, concerned) in [("backup", true), ("near", damage.of_both)] {
            let destination = &told["destinations"][key];
            let problems = destination["problems"].as_array().unwrap();
            let mut texts = problems.iter().map(|problem| problem.as_str().unwrap());
            let is_told = texts.any(|text| text.starts_with(damage.problem));
            assert_eq!(is_told, concerned, "{}: {destination}", damage.problem);
            assert_eq!(destination["wired"], !concerned, "{destination}");
            let word = if concerned { "BROKEN" } else { "ACTIVE" };
            assert_eq!(destination["rules"]["default"]["status"], word);
        }
        // The next apply mends what is ours to mend.
        for bucket in terraform.cloud.aws.state().buckets.values_mut() {
            if let Some(policy) = &mut bucket.policy {
                policy.statements.retain(|s| s.name() != Some("Stop"));
            }
        }
        terraform.converge(&two_destinations()).await;
        let told = status(&terraform, &[]).await;
        assert_eq!(told["problems"], json!([]), "{}", damage.problem);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_at_home_that_is_not_left_to_its_account_is_told() {
    let key = existing_key((HOME, "eu-west-1"), 0);
    let config = with(
        &kms_abroad(),
        "source.encryption",
        json!({ "kms_key_arn": key }),
    );
    let terraform = applied(&config).await;
    assert_eq!(status(&terraform, &[]).await["problems"], json!([]));
    let admin = json!({ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111111111111:role/Admin" }, "Action": "kms:*", "Resource": "*" });
    terraform
        .cloud
        .aws
        .state()
        .keys
        .get_mut(&key)
        .unwrap()
        .policy = PolicyDocument::parse(&document(&[admin])).unwrap();
    let problem = format!("source/key: the policy of {key} does not allow kms:Decrypt");
    let told = status(&terraform, &[]).await;
    assert_eq!(told["problems"], json!([problem]));
    assert_eq!(told["destinations"]["backup"]["wired"], false);
}

#[tokio::test(start_paused = true)]
async fn of_a_bucket_that_is_gone_nothing_more_is_told() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    terraform.cloud.aws.state().buckets.remove(BACKUP);
    let told = status(&terraform, &["a"]).await;
    assert_eq!(
        told["problems"],
        json!(["destination/backup/bucket: missing"])
    );
    let copy = &told["objects"]["a"]["destinations"]["backup"];
    assert_eq!(copy["present"], false);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_there_yet_or_not_any_more_is_missing_and_no_error() {
    let id = "111111111111/acme-archive@eu-west-1,arn:aws:iam::222222222222:role/Deploy";
    let config = json!({ "import_id": id, "keys": ["a"] });
    let mut terraform = Terraform::new();
    for is_made in [false, true] {
        if is_made {
            terraform.converge(&kms_abroad()).await;
            assert_eq!(terraform.at("/import_id"), id);
            terraform.cloud.aws.state().buckets.remove(SOURCE);
        }
        let told = told(&terraform, &config).await.unwrap();
        assert_eq!(told["wired"], false);
        assert_eq!(told["problems"], json!(["source/bucket: missing"]));
        assert_eq!(told["destinations"], json!({}));
        assert_eq!(told["objects"]["a"]["source"]["present"], false);
    }
}

#[tokio::test(start_paused = true)]
async fn what_objects_cross_with_all_the_same_is_no_problem() {
    let terraform = applied(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.aliases.clear();
        for bucket in aws.buckets.values_mut() {
            bucket.public_access_block = None;
            bucket.tags.clear();
        }
        for role in aws.roles.values_mut() {
            role.description.description = "?".to_owned();
            if let Some(policy) = role.policies.get_mut("replication") {
                let more = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" });
                let more = PolicyDocument::parse(&document(&[more])).unwrap();
                policy.statements.extend(more.statements);
            }
        }
    }
    let told = status(&terraform, &[]).await;
    assert_eq!(told["problems"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn without_rules_there_are_no_destinations_and_the_setup_is_not_wired() {
    let terraform = applied(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.get_mut(SOURCE).unwrap().replication = None;
    }
    let told = status(&terraform, &["a"]).await;
    assert_eq!(told["wired"], false);
    assert_eq!(told["problems"], json!(["source/replication: missing"]));
    assert_eq!(told["destinations"], json!({}));
    assert_eq!(told["objects"]["a"]["source"]["present"], false);
}

#[tokio::test(start_paused = true)]
async fn a_setup_of_others_that_works_has_no_problems() {
    for name in ORIGINS {
        let (terraform, _) = origin(name).await;
        let told = told(&terraform, &json!({ "import_id": SOURCE }))
            .await
            .unwrap_or_else(|said| panic!("{name}: {said:?}"));
        let (wired, problems) = match name {
            "an account that lets nobody in" => (json!(null), json!([])),
            UNREPLICATED => (json!(false), json!(["source/replication: missing"])),
            _ => (json!(true), json!([])),
        };
        assert_eq!(told["problems"], problems, "{name}");
        assert_eq!(told["wired"], wired, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_setup_is_looked_at_as_its_owners_leave_it() {
    let mut terraform = existing::world().await;
    terraform
        .cloud
        .aws
        .state()
        .buckets
        .get_mut(existing::SOURCE)
        .unwrap()
        .replication = None;
    terraform.converge(&existing::config()).await;
    let told = status(&terraform, &[]).await;
    assert_eq!(told["problems"], json!([]));
    {
        let mut aws = terraform.cloud.aws.state();
        let target = aws.buckets.get_mut(existing::TARGET).unwrap();
        target.versioning = Some("Suspended".to_owned());
    }
    let told = status(&terraform, &[]).await;
    assert_eq!(
        told["destinations"]["archive"]["problems"],
        json!(["destination/archive/bucket: versioning suspended"])
    );
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_cannot_be_entered_is_neither_wired_nor_broken() {
    let terraform = applied(&kms_abroad()).await;
    terraform.cloud.close(ABROAD);
    let told = status(&terraform, &["a"]).await;
    assert_eq!(told["wired"], json!(null));
    let backup = &told["destinations"]["backup"];
    assert_eq!(backup["reachable"], false);
    assert_eq!(backup["wired"], json!(null));
    assert_eq!(backup["problems"], json!([]));
    let copy = &told["objects"]["a"]["destinations"]["backup"];
    assert_eq!(copy["present"], json!(null));
}

fn measured(
    terraform: &Terraform,
    region: &str,
    rule_id: &str,
    metric: ReplicationMetric,
    points: &[(i64, i64)],
) {
    let rule = MeasuredRule {
        source_bucket: SOURCE.to_owned(),
        destination_bucket: BACKUP.to_owned(),
        rule_id: rule_id.to_owned(),
    };
    let mut aws = terraform.cloud.aws.state();
    aws.measurements
        .insert((region.to_owned(), rule, metric), points.to_vec());
}

fn with_rules() -> Json {
    with(
        &kms_abroad(),
        "destinations.backup.rules",
        json!({
            "counted": { "filter": { "prefix": "a/" }, "metrics": true },
            "quick": { "filter": { "prefix": "b/" }, "replication_time_control": true },
            "paused": { "filter": { "prefix": "c/" }, "metrics": true, "enabled": false },
            "uncounted": { "filter": { "prefix": "d/" } },
        }),
    )
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_measured_where_objects_arrive_and_what_failed_where_they_leave() {
    use ReplicationMetric::{BytesPending, Latency, OperationsFailed, OperationsPending};
    let terraform = applied(&with_rules()).await;
    let (near, far) = ("eu-west-1", "us-west-2");
    for (region, rule, metric, points) in [
        // The last minute counts, but only of the last hour.
        (far, "counted", OperationsPending, &[(90, 7), (30, 4)][..]),
        (far, "counted", BytesPending, &[(30, 4096)]),
        (far, "counted", Latency, &[(3700, 12)]),
        // All failures of a day count together.
        (
            near,
            "counted",
            OperationsFailed,
            &[(80_000, 2), (60, 1), (90_000, 100)],
        ),
        // S3 publishes none of these here.
        (near, "quick", OperationsPending, &[(30, 9)]),
        (far, "quick", OperationsFailed, &[(30, 9)]),
        (near, "paused", OperationsFailed, &[(30, 1)]),
        (near, "uncounted", OperationsFailed, &[(30, 1)]),
    ] {
        let id = format!("replicated-backup/{rule}");
        measured(&terraform, region, &id, metric, points);
    }
    terraform.cloud.take_queries();
    let told = status(&terraform, &[]).await;
    let rules = &told["destinations"]["backup"]["rules"];
    let of = |rule: &str| {
        let rule = &rules[rule];
        json!([
            rule["status"],
            rule["metrics"],
            rule["pending"],
            rule["pending_bytes"],
            rule["latency_seconds"],
            rule["failed"],
        ])
    };
    assert_eq!(of("counted"), json!(["FAILING", true, 4, 4096, null, 3]));
    assert_eq!(of("quick"), json!(["ACTIVE", true, null, null, null, null]));
    assert_eq!(of("paused"), json!(["DISABLED", true, null, null, null, 1]));
    assert_eq!(
        of("uncounted"),
        json!(["ACTIVE", false, null, null, null, null])
    );
    assert_eq!(told["wired"], true);
    // In the source's account, and nothing of the rule without metrics.
    let asked = terraform.cloud.take_queries();
    let asked: Vec<_> = asked
        .iter()
        .filter(|(_, query)| query.starts_with("GetMetricData"))
        .collect();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(
        asked.iter().all(|(account, _)| account == HOME),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_without_metrics_asks_nothing_of_cloud_watch_and_one_that_is_refused_them_says_so()
{
    let terraform = applied(&kms_abroad()).await;
    let question = format!("GetMetricData {SOURCE}");
    terraform.cloud.refuse(&question);
    status(&terraform, &[]).await;
    terraform.cloud.recover();
    let terraform = applied(&with_rules()).await;
    terraform.cloud.refuse(&question);
    let config = json!({ "import_id": terraform.at("/import_id") });
    let refused = told(&terraform, &config).await.unwrap_err();
    assert_eq!(refused.errors, [format!("Cannot read {SOURCE}")]);
    assert!(refused.details[0].contains("GetMetricData"), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn objects_are_looked_for_on_every_side() {
    let terraform = applied(&two_destinations()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        for bucket in [SOURCE, BACKUP] {
            aws.buckets.get_mut(bucket).unwrap().put_object("a/b c");
        }
        let source = aws.buckets.get_mut(SOURCE).unwrap();
        source
            .replication_statuses
            .insert("a/b c".to_owned(), "PENDING".to_owned());
        source.put_object("gone");
        source.versions.push(ObjectVersion {
            key: "gone".to_owned(),
            version_id: "marker".to_owned(),
            delete_marker: true,
            last_modified: None,
        });
        aws.buckets
            .get_mut(BACKUP)
            .unwrap()
            .replication_statuses
            .insert("a/b c".to_owned(), "REPLICA".to_owned());
        let source = aws.buckets.get_mut(SOURCE).unwrap();
        source.put_object("sse-c");
        source.sse_c.insert("sse-c".to_owned());
    }
    terraform.cloud.take_queries();
    let told = status(&terraform, &["a/b c", "gone", "never", "never", "sse-c"]).await;
    let untold = json!({ "present": null, "version_id": null, "replication_status": null });
    let missing = json!({ "present": false, "version_id": null, "replication_status": null });
    let everywhere = |source: Json, backup: Json| json!({ "source": source, "destinations": { "backup": backup, "near": missing } });
    let there =
        |status: &str| json!({ "present": true, "version_id": "v0", "replication_status": status });
    assert_eq!(
        told["objects"],
        json!({
            "a/b c": everywhere(there("PENDING"), there("REPLICA")),
            "gone": everywhere(missing.clone(), missing.clone()),
            "never": everywhere(missing.clone(), missing.clone()),
            "sse-c": everywhere(untold, missing.clone()),
        })
    );
    let asked = terraform.cloud.take_queries();
    let heads = asked
        .iter()
        .filter(|(_, query)| query.starts_with("HeadObject"));
    assert_eq!(
        heads.count(),
        12,
        "each object once on each side: {asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn with_two_way_the_rules_back_are_told_and_what_they_lack() {
    let two_way = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    let two_way = with(&two_way, "destinations.backup.metrics", json!(true));
    let terraform = applied(&two_way).await;
    let rule = MeasuredRule {
        source_bucket: BACKUP.to_owned(),
        destination_bucket: SOURCE.to_owned(),
        rule_id: "replicated-backup".to_owned(),
    };
    let failed = ReplicationMetric::OperationsFailed;
    let place = ("us-west-2".to_owned(), rule, failed);
    let measured = vec![(60, 5)];
    terraform
        .cloud
        .aws
        .state()
        .measurements
        .insert(place, measured);
    let told = status(&terraform, &[]).await;
    let backup = &told["destinations"]["backup"];
    assert_eq!(backup["rules"]["default"]["status"], "ACTIVE");
    assert_eq!(backup["two_way_rules"]["default"]["status"], "FAILING");
    assert_eq!(backup["two_way_rules"]["default"]["failed"], 5);
    terraform
        .cloud
        .aws
        .state()
        .roles
        .retain(|(account, _), _| account != ABROAD);
    let told = status(&terraform, &[]).await;
    let backup = &told["destinations"]["backup"];
    let problems = backup["problems"].to_string();
    assert!(
        problems.contains("destination/backup/role: missing"),
        "{problems}"
    );
    assert_eq!(backup["wired"], false);
    assert_eq!(backup["two_way_rules"]["default"]["status"], "BROKEN");
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_is_broken_breaks_no_other_destination() {
    let two_way = with(
        &two_destinations(),
        "destinations.backup.two_way",
        json!(true),
    );
    let terraform = applied(&two_way).await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.get_mut(SOURCE).unwrap().policy = None;
        let back = aws.buckets.get_mut(BACKUP).unwrap();
        back.replication.as_mut().unwrap().rules[0].enabled = false;
    }
    let told = status(&terraform, &[]).await;
    assert_eq!(told["wired"], false);
    let (backup, near) = (
        &told["destinations"]["backup"],
        &told["destinations"]["near"],
    );
    assert_eq!(
        (&near["wired"], &near["problems"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(backup["wired"], false);
    assert_eq!(backup["rules"]["default"]["status"], "ACTIVE");
    assert_eq!(backup["two_way_rules"]["default"]["status"], "BROKEN");
    let problems = backup["problems"].to_string();
    for problem in ["source/bucket_policy: ", "rule replicated-backup paused"] {
        assert!(problems.contains(problem), "{problems}");
    }
}

#[tokio::test(start_paused = true)]
async fn whether_a_role_grants_what_may_not_be_read_cannot_be_told() {
    let terraform = applied(&kms_abroad()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        for role in aws.roles.values_mut() {
            role.policies.clear();
            role.attached
                .push("arn:aws:iam::111111111111:policy/theirs".to_owned());
        }
    }
    terraform
        .cloud
        .refuse("GetPolicy arn:aws:iam::111111111111:policy/theirs");
    let told = status(&terraform, &[]).await;
    assert_eq!(told["wired"], json!(null));
    assert_eq!(told["problems"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_import_id_or_no_key_is_refused_at_its_place() {
    let terraform = Terraform::new();
    let fine = json!({ "import_id": "111111111111/acme-archive@eu-west-1", "keys": ["a"] });
    for (path, value, error) in [
        (
            "import_id",
            json!("Acme"),
            "import_id: Invalid attribute value",
        ),
        ("keys", json!([""]), "keys: Invalid attribute value"),
        ("keys", json!([null]), "keys: Invalid attribute value"),
        (
            "keys",
            json!(["k".repeat(1025)]),
            "keys: Invalid attribute value",
        ),
    ] {
        let said = terraform
            .validate_data(NAME, &with(&fine, path, value))
            .await;
        assert_eq!(said.errors, [error]);
    }
    for (path, value) in [
        ("keys", json!([])),
        ("keys", json!(crate::configs::UNKNOWN)),
        ("keys", json!([crate::configs::UNKNOWN])),
        ("import_id", json!(crate::configs::UNKNOWN)),
    ] {
        let said = terraform
            .validate_data(NAME, &with(&fine, path, value))
            .await;
        assert!(said.is_fine(), "{said:?}");
    }
}
