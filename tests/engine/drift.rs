//! What people change by hand is found, mended, and not found again.

use terraform_provider_replicated::replication::operation::PublicAccessBlock;
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::fake::{FakeCloud, State};
use crate::picture::picture;
use crate::scenario::{
    FIRST, backup, create, drift_words, kms_abroad, plan_update, repair, rule_of, settings,
};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

/// Changes AWS by hand; a plan has to say `expected`, and mending leaves everything as it was.
async fn check(change: impl FnOnce(&mut State), expected: &[&str]) {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let before = picture(&cloud.state());
    change(&mut cloud.state());
    assert_eq!(drift_words(&cloud, &spec).await, expected);
    let spec = repair(&cloud, &spec).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    let state = cloud.state();
    assert_eq!(state.audit(), Vec::<String>::new());
    assert_eq!(state.overlaps, Vec::<String>::new());
    let (before, after) = (before.lines(), picture(&state));
    let after: Vec<&str> = after.lines().collect();
    assert_eq!(before.collect::<Vec<_>>(), after);
}

fn source_key(state: &mut State) -> &mut crate::fake::Key {
    let mut keys = state.keys.values_mut();
    keys.find(|key| key.description.ends_with(SOURCE)).unwrap()
}

fn backup_key(state: &mut State) -> &mut crate::fake::Key {
    let mut keys = state.keys.values_mut();
    keys.find(|key| key.description.ends_with(BACKUP)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn bucket_settings() {
    let bucket = |name| {
        move |state: &mut State, change: fn(&mut crate::fake::Bucket)| {
            change(state.buckets.get_mut(name).unwrap());
        }
    };
    let (source, target) = (bucket(SOURCE), bucket(BACKUP));
    check(
        |s| target(s, |b| b.versioning = Some("Suspended".to_owned())),
        &["destination/backup/bucket: versioning suspended"],
    )
    .await;
    check(
        |s| {
            source(s, |b| {
                b.public_access_block = Some(PublicAccessBlock {
                    block_public_acls: false,
                    ..b.public_access_block.unwrap()
                });
            });
        },
        &["source/bucket: public access block"],
    )
    .await;
    check(
        |s| source(s, |b| b.public_access_block = None),
        &["source/bucket: public access block"],
    )
    .await;
    check(
        |s| source(s, |b| b.ownership = "ObjectWriter".to_owned()),
        &["source/bucket: object ownership"],
    )
    .await;
    check(
        |s| {
            target(s, |b| {
                b.encryption.sse_algorithm = "AES256".to_owned();
                b.encryption.kms_key = None;
                b.encryption.bucket_key_enabled = false;
            });
        },
        &["destination/backup/bucket: default encryption"],
    )
    .await;
    check(
        |s| {
            source(s, |b| {
                b.tags.insert("mine".to_owned(), "too".to_owned());
            });
        },
        &["source/bucket: tags differ"],
    )
    .await;
    check(
        |s| source(s, |b| b.tags.clear()),
        &["source/bucket: tags differ"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn tags_that_aws_itself_has_put_there_stay() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let system = "aws:cloudformation:stack-name";
    let tags = |state: &mut State| state.buckets[SOURCE].tags.clone();
    cloud
        .state()
        .buckets
        .get_mut(SOURCE)
        .unwrap()
        .tags
        .insert(system.to_owned(), "x".to_owned());
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    settings(&mut spec.source)
        .tags
        .insert("team".to_owned(), "storage".to_owned());
    repair(&cloud, &spec).await;
    assert!(tags(&mut cloud.state()).contains_key(system));
    assert!(tags(&mut cloud.state()).contains_key("team"));
}

#[tokio::test(start_paused = true)]
async fn policies() {
    check(
        |s| s.buckets.get_mut(BACKUP).unwrap().policy = None,
        &["destination/backup/bucket_policy: statements missing"],
    )
    .await;
    check(
        |s| {
            let policy = s.buckets.get_mut(BACKUP).unwrap().policy.as_mut();
            policy.unwrap().statements.pop();
        },
        &["destination/backup/bucket_policy: statements changed"],
    )
    .await;
    check(
        |s| backup_key(s).policy.statements.truncate(1),
        &["destination/backup/key: statements missing"],
    )
    .await;
    check(
        |s| {
            let role = s.roles.values_mut().next().unwrap();
            role.policies.clear();
        },
        &["role/policy: missing"],
    )
    .await;
    check(
        |s| {
            let role = s.roles.values_mut().next().unwrap();
            let policy = role.policies.values_mut().next().unwrap();
            policy.statements.pop();
        },
        &["role/policy: changed"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn rules() {
    fn rules(
        state: &mut State,
    ) -> &mut terraform_provider_replicated::replication::operation::ReplicationConfiguration {
        let source = state.buckets.get_mut(SOURCE).unwrap();
        source.replication.as_mut().unwrap()
    }
    check(
        |s| s.buckets.get_mut(SOURCE).unwrap().replication = None,
        &["source/replication: missing"],
    )
    .await;
    check(
        |s| rules(s).rules[0].enabled = false,
        &["source/replication: rule changed: replicated-backup"],
    )
    .await;
    check(
        |s| {
            let mut other = rules(s).rules[0].clone();
            other.id = "by-hand".to_owned();
            rules(s).rules.push(other);
        },
        &["source/replication: unknown rule: by-hand"],
    )
    .await;
    check(
        |s| rules(s).rules[0].id = "by-hand".to_owned(),
        &["source/replication: rule missing: replicated-backup; unknown rule: by-hand"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn keys() {
    check(
        |s| source_key(s).state = "Disabled".to_owned(),
        &["source/key: disabled"],
    )
    .await;
    check(
        |s| {
            let key = backup_key(s);
            key.state = "PendingDeletion".to_owned();
            key.window_days = Some(30);
        },
        &[
            "destination/backup/key: deletion scheduled for 2026-12-21T00:00:00Z",
            "destination/backup/key: deletion scheduled for 2026-12-21T00:00:00Z",
            // KMS does not tell the rotation of such a key.
            "destination/backup/key: rotation",
        ],
    )
    .await;
    check(|s| source_key(s).rotation = None, &["source/key: rotation"]).await;
    check(
        |s| source_key(s).rotation = Some(90),
        &["source/key: rotation"],
    )
    .await;
    check(|s| source_key(s).tags.clear(), &["source/key: tags differ"]).await;
    check(
        |s| {
            let tags = &mut source_key(s).tags;
            tags.insert("mine".to_owned(), "too".to_owned());
        },
        &["source/key: tags differ"],
    )
    .await;
    check(
        |s| s.aliases.retain(|(_, _, name), _| !name.ends_with(SOURCE)),
        &["source/alias: missing"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_for_good_is_made_again_and_used_everywhere_in_one_go() {
    check(
        |s| {
            let arn = s.keys.iter().find(|(_, k)| k.description.ends_with(BACKUP));
            let arn = arn.unwrap().0.clone();
            s.keys.remove(&arn);
            s.aliases.retain(|_, target| *target != arn);
        },
        &[
            "destination/backup/key: missing",
            "destination/backup/key: rotation",
            "destination/backup/alias: missing",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_role() {
    check(
        |s| {
            let role = &mut s.roles.values_mut().next().unwrap().description;
            role.trust_policy = PolicyDocument::new(Vec::new()).render().unwrap();
        },
        &["role: trust policy changed"],
    )
    .await;
    check(
        |s| s.roles.clear(),
        &[
            "role: missing",
            "role/policy: missing",
            "destination/backup/bucket_policy: statements name a role that is gone",
            "destination/backup/key: statements name a role that is gone",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_somebody_made_again_has_its_grants_rewritten() {
    check(
        |s| {
            let role = s.roles.values_mut().next().unwrap();
            role.description.unique_id = "AROAANOTHER".to_owned();
        },
        &[
            "destination/backup/bucket_policy: statements name a role that is gone",
            "destination/backup/key: statements name a role that is gone",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whole_buckets() {
    check(
        |s| {
            s.buckets.remove(BACKUP);
        },
        &[
            "destination/backup/bucket: missing",
            "destination/backup/bucket: versioning off",
            "destination/backup/bucket: public access block",
            "destination/backup/bucket: default encryption",
            "destination/backup/bucket_policy: statements missing",
        ],
    )
    .await;
    check(
        |s| {
            s.buckets.remove(SOURCE);
        },
        &[
            "source/bucket: missing",
            "source/bucket: versioning off",
            "source/bucket: public access block",
            "source/bucket: default encryption",
            "source/replication: missing",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn everything_gone_is_made_again() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let before = picture(&cloud.state());
    *cloud.state() = State::default();
    let (_, graph) = plan_update(&cloud, &spec, &spec).await;
    insta::assert_snapshot!(graph);
    let spec = repair(&cloud, &spec).await;
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    assert_eq!(picture(&cloud.state()), before);
    assert_eq!(cloud.state().ungranted, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_others_wrote_into_our_documents_is_no_drift_and_stays() {
    let cloud = FakeCloud::new();
    let mut spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let foreign = PolicyDocument::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow",
        "Principal":{"AWS":"333333333333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-archive-backup/*"}]}"#,
    );
    let foreign = foreign.unwrap().statements.remove(0);
    {
        let mut state = cloud.state();
        let policy = state.buckets.get_mut(BACKUP).unwrap().policy.as_mut();
        policy.unwrap().statements.insert(0, foreign.clone());
    }
    assert_eq!(drift_words(&cloud, &spec).await, Vec::<String>::new());
    rule_of(backup(&mut spec)).delete_marker_replication = true;
    repair(&cloud, &spec).await;
    let state = cloud.state();
    let policy = state.buckets[BACKUP].policy.clone().unwrap();
    assert_eq!(policy.statements.len(), 3);
    assert_eq!(policy.statements[0], foreign);
}
