//! Another account, another region, customer managed keys on both sides; by itself and as a module.

use support::Outcome;
use support::evaluator::evaluate;
use support::terraform::Client;

use super::Example;
use crate::on_each_client;

on_each_client!(
    objects_cross_under_another_class_and_another_key,
    a_module_serves_two_callers_with_provider_aliases,
    a_grant_that_somebody_takes_away_is_missed,
);

const HOME: &str = "ap-southeast-2";
const AWAY: &str = "us-west-2";

async fn objects_cross_under_another_class_and_another_key(client: Client) -> Outcome {
    let mut example = Example::new(client, "cross-account-kms").await?;
    example.set("backup_role_arn", example.away.deploy_role_arn());
    example.tells_its_create(&example.apply().await?)?;
    example.verifies(1).await?;
    let (home, away) = (example.home.clients(HOME), example.away.clients(AWAY));
    let copy = format!("{}-backup", example.bucket);
    home.put_text(&example.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(away.text(&copy, "letter.txt").await?, "Dear archive");
    let class = |key: &'static str| {
        let head = away.s3.head_object().bucket(&copy).key(key);
        async move {
            let head = head.send().await?;
            Outcome::Ok(head.storage_class().map(|class| class.as_str().to_owned()))
        }
    };
    assert_eq!(class("letter.txt").await?.as_deref(), Some("STANDARD_IA"));

    example.make_changes().await?;
    example.empty().await?;
    example.destroy().await
}

async fn a_module_serves_two_callers_with_provider_aliases(client: Client) -> Outcome {
    let mut example = Example::new(client, "cross-account-kms").await?;
    example.workspace.enter("two-callers");
    example.set("backup_role_arn", example.away.deploy_role_arn());
    example.set("home_role_arn", example.home.deploy_role_arn());
    example
        .workspace
        .run(&["get", "-no-color"])
        .await?
        .success()?;
    example.apply().await?;

    let picture = example.picture().await?;
    let names: Vec<&String> = picture.buckets.keys().collect();
    let expected = [
        "archive",
        "archive-backup",
        "letters",
        "letters-home",
        "letters-near",
    ];
    assert_eq!(
        names,
        expected
            .map(|name| format!("{}-{name}", example.bucket))
            .each_ref()
    );
    for (name, account, region) in [
        ("archive", &example.home, HOME),
        ("archive-backup", &example.away, AWAY),
        ("letters", &example.away, "eu-central-1"),
        ("letters-near", &example.away, "eu-west-1"),
        ("letters-home", &example.home, HOME),
    ] {
        let bucket = &picture.buckets[&format!("{}-{name}", example.bucket)];
        assert_eq!(
            (bucket.account.as_str(), bucket.region.as_str()),
            (account.id(), region),
            "{name}"
        );
    }

    let (home, away) = (example.home.clients(HOME), example.away.clients(AWAY));
    let archive = format!("{}-archive", example.bucket);
    home.put_text(&archive, "letter.txt", "Dear archive")
        .await?;
    let copy = format!("{archive}-backup");
    assert_eq!(away.text(&copy, "letter.txt").await?, "Dear archive");
    let letters = format!("{}-letters", example.bucket);
    let frankfurt = example.away.clients("eu-central-1");
    frankfurt
        .put_text(&letters, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(
        frankfurt.replication_status(&letters, "letter.txt").await?,
        "COMPLETED"
    );

    for (name, bucket) in &picture.buckets {
        let account = if bucket.account == example.home.id() {
            &example.home
        } else {
            &example.away
        };
        account.clients(&bucket.region).empty_bucket(name).await?;
    }
    example.destroy().await
}

async fn a_grant_that_somebody_takes_away_is_missed(client: Client) -> Outcome {
    let mut example = Example::new(client, "cross-account-kms").await?;
    example.set("backup_role_arn", example.away.deploy_role_arn());
    example.apply().await?;
    let copy = format!("{}-backup", example.bucket);
    let away = example.away.clients(AWAY);
    away.s3.delete_bucket_policy().bucket(&copy).send().await?;

    let findings = evaluate(&example.picture().await?)?.findings();
    let missing = format!("the policy of bucket {copy} does not allow it");
    for action in [
        "ReplicateObject",
        "ReplicateTags",
        "GetBucketVersioning",
        "ListBucket",
    ] {
        let asked = findings.iter().filter(|finding| finding.contains(action));
        assert!(asked.clone().count() == 1, "{action}: {findings:#?}");
        assert!(
            asked.clone().all(|finding| finding.ends_with(&missing)),
            "{findings:#?}"
        );
    }
    assert_eq!(findings.len(), 4);

    // The plan knows, too, and the next apply mends it.
    example.tells_its_drift().await?;
    example.apply().await?;
    Ok(())
}
