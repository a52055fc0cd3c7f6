//! What an operation leaves: told before or as it happens, and found again by the same configuration.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::as_text;
use crate::configs::{HOME, kms_abroad, two_destinations, with};
use crate::existing;
use crate::faults::fault::Fault;
use crate::faults::trap::Position;
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

/// Makes the setup, fills its buckets, and has a destroy retain both; that was long ago.
async fn retained_long_ago(terraform: &mut Terraform, config: &Json) {
    terraform.converge(config).await;
    for bucket in terraform.cloud.aws.state().buckets.values_mut() {
        bucket.put_object("archived");
    }
    assert_eq!(terraform.destroy().await.errors, nothing());
    let mut aws = terraform.cloud.aws.state();
    assert_eq!((aws.buckets.len(), aws.keys.len()), (2, 2));
    let created = |tags: &mut BTreeMap<String, String>| {
        let long_ago = "2020-01-01T00:00:00Z".to_owned();
        tags.insert("replicated:created".to_owned(), long_ago);
    };
    aws.buckets.values_mut().for_each(|b| created(&mut b.tags));
    aws.keys.values_mut().for_each(|key| created(&mut key.tags));
}

/// The whole case, of which a destroy keeps both buckets.
fn retained() -> Json {
    let source = with(&kms_abroad(), "source.retain_on_destroy", json!(true));
    with(
        &source,
        "destinations.backup.retain_on_destroy",
        json!(true),
    )
}

/// How many buckets and keys carry the mark of what a destroy retained.
fn marked(terraform: &Terraform) -> (usize, usize) {
    let aws = terraform.cloud.aws.state();
    let is_marked = |tags: &BTreeMap<String, String>| tags.contains_key("replicated:retained");
    (
        aws.buckets.values().filter(|b| is_marked(&b.tags)).count(),
        aws.keys.values().filter(|key| is_marked(&key.tags)).count(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_to_take_back_what_was_retained_can_be_repeated() {
    let verified = with(&retained(), "verification", json!({ "enabled": true }));
    // Before any rule is there, after everything, and when the first mark is off already.
    for (config, refused) in [
        (retained(), "PutBucketReplication acme-archive"),
        (verified, "no write"),
        (retained(), "PutBucketTagging acme-archive-backup"),
    ] {
        let mut terraform = Terraform::new();
        retained_long_ago(&mut terraform, &config).await;
        let before = as_text::picture(&terraform.cloud.aws.state());
        assert_eq!(marked(&terraform), (2, 2));
        terraform.cloud.refuse(refused);
        if refused == "no write" {
            // No canary can be put.
            terraform.cloud.meddle(|write, aws| {
                if write.starts_with("PutBucketReplication") {
                    aws.buckets.get_mut("acme-archive").unwrap().is_shut = true;
                }
            });
        }
        let said = terraform.apply(&config).await;
        assert!(!said.is_fine(), "{refused}");
        assert!(terraform.state.is_null(), "{refused}: {said:?}");
        for part in ["bucket acme-archive\n", "under alias/acme-archive-backup\n"] {
            let detail = &said.details[0];
            assert!(detail.contains(part), "{refused}: {detail}");
        }
        terraform.cloud.meddle(|_, _| {});
        terraform.cloud.recover();
        {
            let mut aws = terraform.cloud.aws.state();
            aws.buckets.get_mut("acme-archive").unwrap().is_shut = false;
        }
        assert_eq!(
            as_text::picture(&terraform.cloud.aws.state()),
            before,
            "{refused}"
        );
        terraform.converge(&config).await;
        assert_eq!(marked(&terraform), (0, 0), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_stays_on_a_part_in_the_state_shows_and_goes() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let mark = || ("replicated:retained".to_owned(), "true".to_owned());
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets
            .values_mut()
            .for_each(|b| b.tags.extend([mark()]));
        aws.keys.values_mut().for_each(|k| k.tags.extend([mark()]));
    }
    assert!(!terraform.plan(&kms_abroad()).await.is_empty);
    let line = terraform.at("/components/source~1key").to_string();
    assert!(line.contains("(marked as retained by a destroy)"), "{line}");
    terraform.converge(&kms_abroad()).await;
    assert_eq!(marked(&terraform), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_create_had_taken_over_is_named_because_it_stays() {
    let mut terraform = Terraform::new();
    let cloud = terraform.cloud.clone();
    let killed_at = Position {
        call: format!("PutBucketReplication acme-archive in {HOME}"),
        nth: 1,
        writes: true,
    };
    cloud.trap.set(&killed_at, Fault::Killed);
    let config = kms_abroad();
    tokio::select! {
        biased;
        () = cloud.trap.died.notified() => {}
        _ = terraform.apply(&config) => panic!("it was not killed"),
    }
    cloud.trap.take();
    let mut terraform = Terraform::over(cloud);
    terraform.cloud.refuse("PutBucketReplication acme-archive");
    let said = terraform.apply(&kms_abroad()).await;
    assert!(terraform.state.is_null());
    let detail = &said.details[0];
    assert!(!detail.contains("nothing is left"), "{detail}");
    let aws = terraform.cloud.aws.state().clone();
    for bucket in aws.buckets.keys() {
        assert!(detail.contains(&format!("bucket {bucket}\n")), "{detail}");
    }
    assert_eq!((aws.buckets.len(), aws.roles.len()), (2, 1));
    let parts = aws
        .keys
        .keys()
        .chain(aws.roles.values().map(|r| &r.description.arn));
    for arn in parts {
        assert!(detail.contains(arn), "{arn}: {detail}");
    }
    terraform.cloud.recover();
    terraform.converge(&kms_abroad()).await;
}
