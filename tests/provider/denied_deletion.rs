//! What keeps a bucket although it may be emptied: a statement in its policy, and MFA Delete. It is said before anything
//! is touched.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, document, kms_abroad, two_destinations, with, without};
use crate::terraform::Terraform;

const BACKUP: &str = "acme-archive-backup";
const AT_BACKUP: &str = "destinations[\"backup\"]";

fn nothing() -> Vec<String> {
    Vec::new()
}

fn forced(config: &Json) -> Json {
    with(config, "destinations.backup.force_destroy", json!(true))
}

/// A statement that denies an action on the bucket or on its objects to everybody but a role, if there is one.
fn keep(action: &str, but: Option<&str>) -> Json {
    let resource = match action {
        "s3:DeleteBucket" => format!("arn:aws:s3:::{BACKUP}"),
        _ => format!("arn:aws:s3:::{BACKUP}/*"),
    };
    let mut statement = json!({
        "Sid": "Keep",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
    });
    if let Some(role) = but {
        let arn = format!("arn:aws:iam::{ABROAD}:role/{role}");
        statement["Condition"] = json!({ "ArnNotEquals": { "aws:PrincipalArn": arn } });
    }
    statement
}

/// Somebody else adds a statement to the policy of the destination's bucket.
fn add(terraform: &Terraform, statement: Json) {
    let theirs = PolicyDocument::parse(&document(&[statement])).unwrap();
    let mut state = terraform.cloud.aws.state();
    let policy = &mut state.buckets.get_mut(BACKUP).unwrap().policy;
    policy
        .as_mut()
        .unwrap()
        .statements
        .extend(theirs.statements);
}

fn put_object(terraform: &Terraform) {
    let mut state = terraform.cloud.aws.state();
    state.buckets.get_mut(BACKUP).unwrap().put_object("deed");
    state.writes.clear();
}

async fn applied(config: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    terraform.cloud.aws.state().writes.clear();
    terraform
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_the_policy_denies_does_not_begin() {
    for (action, filled) in [
        ("s3:DeleteBucket", false),
        ("s3:DeleteBucket", true),
        ("s3:DeleteObjectVersion", true),
        ("s3:Delete*", true),
    ] {
        let mut terraform = applied(&forced(&kms_abroad())).await;
        add(&terraform, keep(action, None));
        if filled {
            put_object(&terraform);
        }
        let said = terraform.destroy().await;
        let error = format!("{AT_BACKUP}: Its policy keeps bucket {BACKUP}");
        assert_eq!(said.errors, [error], "{action}");
        let denied = action.replace('*', "ObjectVersion");
        let caller = format!("arn:aws:iam::{ABROAD}:role/Deploy");
        for told in [&denied, "statement Keep", &caller, "Nothing was changed"] {
            assert!(said.details[0].contains(told), "{told}: {:?}", said.details);
        }
        assert_eq!(terraform.cloud.aws.state().writes, nothing(), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_goes_on_where_the_policy_denies_it_to_others_or_denies_what_is_not_done() {
    let elsewhere = json!({
        "Sid": "Keep",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteBucket",
        "Resource": format!("arn:aws:s3:::{BACKUP}"),
        "Condition": { "NotIpAddress": { "aws:SourceIp": "192.0.2.0/24" } },
    });
    for (statement, filled) in [
        (keep("s3:DeleteBucket", Some("Deploy")), true),
        (keep("s3:DeleteObjectVersion", Some("Deploy")), true),
        // There is no object to delete.
        (keep("s3:DeleteObjectVersion", None), false),
        // Nobody knows where the call comes from.
        (elsewhere, true),
    ] {
        let mut terraform = applied(&forced(&kms_abroad())).await;
        add(&terraform, statement.clone());
        if filled {
            put_object(&terraform);
        }
        assert_eq!(terraform.destroy().await.errors, nothing(), "{statement}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_of_the_users_own_policy_counts_until_an_apply_takes_it_out_or_the_bucket_stays()
 {
    let config = with(
        &kms_abroad(),
        "destinations.backup.policy",
        json!(document(&[keep("s3:DeleteBucket", None)])),
    );
    let ways_out = [
        without(&config, "destinations.backup.policy"),
        with(
            &config,
            "destinations.backup.retain_on_destroy",
            json!(true),
        ),
    ];
    for way_out in ways_out {
        let mut terraform = applied(&config).await;
        let error = format!("{AT_BACKUP}: Its policy keeps bucket {BACKUP}");
        assert_eq!(terraform.destroy().await.errors, [error]);
        assert_eq!(terraform.cloud.aws.state().writes, nothing());
        terraform.converge(&way_out).await;
        assert_eq!(terraform.destroy().await.errors, nothing());
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_an_update_drops_and_cannot_delete_is_refused_at_plan() {
    let both = forced(&two_destinations());
    let mut terraform = applied(&both).await;
    put_object(&terraform);
    add(&terraform, keep("s3:DeleteObjectVersion", None));
    let one = without(&both, "destinations.backup");
    let plan = terraform.plan(&one).await;
    let error = format!("{AT_BACKUP}: Its policy keeps bucket {BACKUP}");
    assert_eq!(plan.said.errors, [error]);
    assert_eq!(terraform.cloud.aws.state().writes, nothing());
}

#[tokio::test(start_paused = true)]
async fn versions_under_mfa_delete_keep_a_bucket_and_an_empty_one_goes() {
    for filled in [true, false] {
        let mut terraform = applied(&forced(&kms_abroad())).await;
        if filled {
            put_object(&terraform);
        }
        let state = &terraform.cloud.aws;
        state.state().buckets.get_mut(BACKUP).unwrap().mfa_delete = true;
        let said = terraform.destroy().await;
        if !filled {
            assert_eq!(said.errors, nothing());
            continue;
        }
        let error = format!("{AT_BACKUP}: MFA Delete keeps bucket {BACKUP}");
        assert_eq!(said.errors, [error]);
        assert!(said.details[0].contains("root user"), "{:?}", said.details);
        assert_eq!(terraform.cloud.aws.state().writes, nothing());
    }
}
