//! What an operation leaves: told before or as it happens, and found again by the same configuration.

use serde_json::{Value as Json, json};

use crate::configs::{HOME, kms_abroad, two_destinations, with};
use crate::existing;
use crate::random::surroundings;
use crate::terraform::Terraform;

const ROLE: &str = "arn:aws:iam::111111111111:role/service/Existing";

fn nothing() -> Vec<String> {
    Vec::new()
}

fn keys(terraform: &Terraform) -> Vec<String> {
    let aws = terraform.cloud.aws.state();
    let alive = aws.keys.iter().filter(|(_, key)| key.state == "Enabled");
    let ours = alive.filter(|(_, key)| key.tags.contains_key("replicated:owner"));
    ours.map(|(arn, _)| arn.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_failed_create_leaves_is_named_and_taken_by_the_same_configuration() {
    let encrypting = with(
        &with(
            &existing::config(),
            "destinations.archive.encryption",
            json!({ "sse_algorithm": "aws:kms" }),
        ),
        "destinations.archive.two_way",
        json!(true),
    );
    for aliased in [true, false] {
        let mut terraform = existing::world().await;
        terraform.cloud.refuse("PutBucketReplication their-target");
        let said = terraform.apply(&encrypting).await;
        assert_ne!(said.errors, nothing());
        assert!(terraform.state.is_null());
        let left = keys(&terraform);
        assert_eq!(left.len(), 1, "{said:?}");
        let stays = format!("destinations[\"archive\"]: Key {} stays", left[0]);
        let at = said.warnings.iter().position(|line| *line == stays);
        let told = &said.warning_details[at.unwrap()];
        for word in ["replicated:owner", "24 hours", "encryption.kms_key_arn"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        terraform.cloud.recover();
        if !aliased {
            terraform.cloud.aws.state().aliases.clear();
        }
        terraform.converge(&encrypting).await;
        assert_eq!(keys(&terraform), left);
    }
}

#[tokio::test(start_paused = true)]
async fn what_keeps_plain_http_out_is_told_to_go_when_a_bucket_is_kept() {
    let config = with(
        &kms_abroad(),
        "destinations.backup.require_tls",
        json!(true),
    );
    let retained = with(
        &config,
        "destinations.backup.retain_on_destroy",
        json!(true),
    );
    let warning =
        "destinations[\"backup\"].require_tls: Bucket acme-archive-backup will take plain HTTP";
    for (config, told) in [(config, false), (retained, true)] {
        let mut terraform = Terraform::new();
        terraform.converge(&config).await;
        let said = terraform.destroy().await;
        assert_eq!(said.errors, nothing());
        let times = said.warnings.iter().filter(|line| *line == warning).count();
        assert_eq!(times, usize::from(told), "{:?}", said.warnings);
    }
    // A destination that goes and is kept, too.
    let mut terraform = Terraform::new();
    let two = two_destinations();
    let two = with(&two, "destinations.backup.require_tls", json!(true));
    let two = with(&two, "destinations.backup.retain_on_destroy", json!(true));
    terraform.converge(&two).await;
    let one = crate::configs::without(&two, "destinations.backup");
    let plan = terraform.plan(&one).await;
    assert!(
        plan.said.warnings.contains(&warning.to_owned()),
        "{:?}",
        plan.said.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn our_policy_leaves_a_role_that_is_its_owners_to_write() {
    let by = |manages: bool| -> Json {
        let role = json!({ "existing_arn": ROLE, "manage_policy": manages });
        with(&kms_abroad(), "role", role)
    };
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    terraform.converge(&by(true)).await;
    let role = (HOME.to_owned(), "existing".to_owned());
    let policies = |terraform: &Terraform| {
        let aws = terraform.cloud.aws.state();
        aws.roles[&role]
            .policies
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(policies(&terraform), ["replication-acme-archive"]);
    {
        // Its owner grants the same by a policy of their own.
        let mut aws = terraform.cloud.aws.state();
        let policies = &mut aws.roles.get_mut(&role).unwrap().policies;
        let ours = policies["replication-acme-archive"].clone();
        policies.insert("theirs".to_owned(), ours);
        aws.writes.clear();
    }
    terraform.converge(&by(false)).await;
    assert_eq!(policies(&terraform), ["theirs"]);
    assert_eq!(
        terraform.cloud.aws.state().writes,
        ["DeleteRolePolicy Existing"]
    );
    terraform.converge(&by(true)).await;
    assert_eq!(policies(&terraform), ["replication-acme-archive", "theirs"]);
}

#[tokio::test(start_paused = true)]
async fn a_retained_bucket_that_is_taken_back_has_its_retired_keys_again() {
    let retained = with(
        &two_destinations(),
        "destinations.backup.retain_on_destroy",
        json!(true),
    );
    let moved = with(
        &retained,
        "destinations.backup.encryption",
        json!({ "key": { "multi_region": true } }),
    );
    let mut terraform = Terraform::new();
    terraform.converge(&retained).await;
    terraform.converge(&moved).await;
    let lines = |terraform: &Terraform| {
        let shown = terraform.at("/components");
        let lines = shown.as_object().unwrap().iter();
        let backup = lines
            .filter(|(name, _)| name.starts_with("destination/backup/") && name.contains("key"));
        backup
            .map(|(name, line)| format!("{name}: {line}"))
            .collect::<Vec<_>>()
    };
    let before = lines(&terraform);
    assert_eq!(before.len(), 2, "{before:?}");
    assert_eq!(terraform.destroy().await.errors, nothing());
    // The plan of a create cannot know them; the next refresh does.
    assert_eq!(terraform.apply(&moved).await.errors, nothing());
    assert_eq!(terraform.refresh().await.errors, nothing());
    assert_eq!(lines(&terraform), before);
    terraform.assert_settled(&moved).await;
    let given_up = with(
        &moved,
        "destinations.backup.retain_on_destroy",
        json!(false),
    );
    terraform.converge(&given_up).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
    assert_eq!(keys(&terraform), nothing());
}
