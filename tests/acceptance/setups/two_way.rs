//! Two accounts, both directions, in one apply.

use support::Outcome;
use support::evaluator::Picture;
use support::terraform::Client;

use super::Example;
use crate::on_each_client;

on_each_client!(objects_cross_in_both_directions);

const HOME: &str = "ap-southeast-2";
const DR: &str = "us-west-2";

/// The bucket to which another replicates.
fn goes_to<'a>(picture: &'a Picture, bucket: &str) -> Option<&'a str> {
    let rules = &picture.buckets[bucket].replication.as_ref()?.rules;
    rules.first().map(|rule| rule.bucket.as_str())
}

async fn objects_cross_in_both_directions(client: Client) -> Outcome {
    let mut example = Example::new(client, "two-way").await?;
    example.set("dr_role_arn", example.away.deploy_role_arn());
    example.tells_its_create(&example.apply().await?)?;
    example.verifies(2).await?;
    let dr = format!("{}-dr", example.bucket);
    let picture = example.picture().await?;
    assert_eq!(goes_to(&picture, &example.bucket), Some(dr.as_str()));
    assert_eq!(goes_to(&picture, &dr), Some(example.bucket.as_str()));

    let (home, away) = (example.home.clients(HOME), example.away.clients(DR));
    for (clients, bucket) in [(&home, &example.bucket), (&away, &dr)] {
        for rule in clients.rules(bucket).await? {
            let criteria = rule.source_selection_criteria();
            let synchronised = criteria.and_then(|found| found.replica_modifications());
            let status = synchronised.map(|found| found.status().as_str());
            assert_eq!(status, Some("Enabled"), "{rule:?}");
        }
    }
    home.put_text(&example.bucket, "letter.txt", "Dear archive")
        .await?;
    assert_eq!(away.text(&dr, "letter.txt").await?, "Dear archive");
    away.put_text(&dr, "answer.txt", "Dear writer").await?;
    assert_eq!(
        home.text(&example.bucket, "answer.txt").await?,
        "Dear writer"
    );
    // A deletion crosses as well; that of a version does not.
    home.s3
        .delete_object()
        .bucket(&example.bucket)
        .key("answer.txt")
        .send()
        .await?;
    assert!(away.text(&dr, "answer.txt").await.is_err());
    home.empty_bucket(&example.bucket).await?;
    assert_eq!(away.text(&dr, "letter.txt").await?, "Dear archive");

    // One direction is taken away, and the other goes on.
    example.change("{ two_way = true }", "{ two_way = false }")?;
    example.apply().await?;
    let picture = example.picture().await?;
    assert_eq!(goes_to(&picture, &dr), None);
    away.put_text(&dr, "note.txt", "Only here").await?;
    assert!(home.text(&example.bucket, "note.txt").await.is_err());
    home.put_text(&example.bucket, "receipt.txt", "Dear archive")
        .await?;
    assert_eq!(away.text(&dr, "receipt.txt").await?, "Dear archive");
    example.change("{ two_way = false }", "{ two_way = true }")?;
    example.apply().await?;

    example.make_changes().await?;

    let taken = away.iam.delete_role_policy().policy_name("replication");
    taken.role_name(format!("replication-{dr}")).send().await?;
    example.tells_its_drift().await?;
    example.empty().await?;
    example.destroy().await
}
