//! One source, a destination in each of several regions.

use support::Outcome;
use support::terraform::Client;

use super::Example;
use crate::on_each_client;

on_each_client!(
    objects_and_deletions_go_to_far_regions,
    a_destroy_keeps_every_version,
);

const HOME: &str = "ap-southeast-2";

async fn applied(client: Client) -> Outcome<Example> {
    let example = Example::new(client, "one-to-many-regions").await?;
    example.apply().await?;
    Ok(example)
}

async fn objects_and_deletions_go_to_far_regions(client: Client) -> Outcome {
    let example = Example::new(client, "one-to-many-regions").await?;
    example.tells_its_create(&example.apply().await?)?;
    let picture = example.picture().await?;
    let source = &picture.buckets[&example.bucket];
    let replication = source.replication.as_ref().ok_or("no rules")?;
    assert!(
        replication.role.contains(":role/service-role/"),
        "{}",
        replication.role
    );
    assert_eq!(replication.rules.len(), 2);
    for rule in &replication.rules {
        assert!(rule.kms_objects && rule.delete_markers, "{rule:?}");
        let destination = &picture.buckets[&rule.bucket];
        assert_eq!(rule.replica_key, destination.encryption.key);
        assert!(destination.encryption.bucket_key, "{destination:?}");
        assert_ne!(destination.encryption.key, source.encryption.key);
    }
    for region in [HOME, "eu-west-1", "us-west-2"] {
        let aliases = example.home.clients(region).remains().await?;
        let aliases = aliases.iter().filter(|line| line.starts_with("alias "));
        assert_eq!(aliases.count(), 1, "{region}");
    }

    // The emulator follows the first rule alone.
    let first = &picture.buckets[&replication.rules[0].bucket];
    let there = example.home.clients(&first.region);
    let copy = &replication.rules[0].bucket;
    let at_home = example.home.clients(HOME);
    for key in ["letter.txt", "note.txt"] {
        at_home
            .put_text(&example.bucket, key, "Dear archive")
            .await?;
        assert_eq!(there.text(copy, key).await?, "Dear archive");
    }
    let deleted = at_home.s3.delete_object().bucket(&example.bucket);
    deleted.key("letter.txt").send().await?;
    assert!(
        there.text(copy, "letter.txt").await.is_err(),
        "its delete marker crosses"
    );

    // The deletion of a version never crosses.
    at_home.empty_bucket(&example.bucket).await?;
    assert_eq!(there.text(copy, "note.txt").await?, "Dear archive");

    // A region that comes touches nothing else.
    example.proxy.take_log();
    example.make_some_changes(0..1).await?;
    let log = example.proxy.log();
    let come = format!("/{}-eu-central-1", example.bucket);
    let mut others = log.writes().filter(|call| {
        let scope = call.scope.as_ref();
        let at_buckets = scope.is_some_and(|scope| scope.service == "s3" || scope.service == "kms");
        at_buckets
            && !call.path.starts_with(&come)
            && scope.is_some_and(|scope| scope.region != "eu-central-1")
    });
    let rules = others.next().ok_or("the rules were not written")?;
    assert_eq!(rules.operation, "PutBucketReplication", "{log}");
    assert_eq!(others.next(), None, "{log}");
    example.make_some_changes(1..4).await?;

    let key = picture.buckets[copy].encryption.key.as_deref();
    let disable = there.kms.disable_key().set_key_id(key.map(str::to_owned));
    disable.send().await?;
    example.tells_its_drift().await?;
    example.workspace.destroy().await?.success()?;
    let remains = example.remains().await?;
    let kept = remains.iter().filter(|line| line.starts_with("bucket "));
    assert_eq!(kept.count(), 4);
    assert!(at_home.rules(&example.bucket).await?.is_empty());
    Ok(())
}

async fn a_destroy_keeps_every_version(client: Client) -> Outcome {
    let example = applied(client).await?;
    let at_home = example.home.clients(HOME);
    at_home
        .put_text(&example.bucket, "letter.txt", "Dear archive")
        .await?;
    example.workspace.destroy().await?.success()?;

    let remains = example.remains().await?;
    let kept = |kind: &str| remains.iter().filter(|line| line.starts_with(kind)).count();
    assert_eq!(
        (kept("bucket "), kept("key "), kept("alias "), kept("role ")),
        (3, 3, 3, 0)
    );
    assert_eq!(
        at_home.text(&example.bucket, "letter.txt").await?,
        "Dear archive"
    );
    assert_eq!(at_home.rules(&example.bucket).await?, []);

    // The same configuration takes everything back, and says so.
    let run = example.workspace.apply().await?.success()?;
    assert!(run.text().contains("a destroy retained it"), "{run}");
    example.apply().await?;
    at_home
        .put_text(&example.bucket, "note.txt", "Dear archive")
        .await?;
    let status = at_home
        .replication_status(&example.bucket, "note.txt")
        .await?;
    assert_eq!(status, "COMPLETED");
    Ok(())
}
