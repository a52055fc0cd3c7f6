//! Sources of several blocks and of several configurations, and one archive that is somebody else's.

use aws_sdk_s3::types::ReplicationRuleStatus;
use support::Outcome;
use support::terraform::Client;

use super::Example;
use super::texts::edit_rules;
use crate::{on_each_client, theirs};

on_each_client!(sources_of_several_configurations_share_an_archive);

const HOME: &str = "ap-southeast-2";
const ARCHIVE: &str = "us-west-2";

async fn sources_of_several_configurations_share_an_archive(client: Client) -> Outcome {
    let mut ours = Example::new(client.clone(), "many-to-one").await?;
    let mut teams = ours.another(client).await?;
    let (home, away) = (ours.home.clients(HOME), ours.away.clients(ARCHIVE));
    let archive = format!("{}-archive", ours.bucket);
    theirs::create(&away, ARCHIVE, &archive).await?;
    theirs::enable_versioning(&away, &archive).await?;
    let policy = theirs::policy(ours.away.id(), &archive);
    away.put_bucket_policy(&archive, &policy).await?;
    let before = theirs::seen(&away, &archive).await?;
    for example in [&mut ours, &mut teams] {
        example.set("archive", &archive);
        let role = example.away.deploy_role_arn();
        example.set("archive_role_arn", role);
    }
    teams.set("services", r#"["mail"]"#);

    // Four statements of two processes and three resources, in one policy, at the same time.
    let (first, second) = tokio::join!(ours.workspace.apply(), teams.workspace.apply());
    ours.tells_its_create(&first?.success()?)?;
    second?.success()?;
    // AWS has no conditional write for policies: what one process wrote between the other's read and write may be
    // gone, and is drift that its own next apply mends.
    teams.workspace.apply().await?.success()?;
    ours.apply().await?;
    teams.apply().await?;
    ours.verifies(2).await?;
    teams.verifies(1).await?;
    for (example, service) in [(&ours, "payments"), (&ours, "search"), (&teams, "mail")] {
        let source = format!("{}-{service}", example.bucket);
        let log = format!("{service}/today.log");
        home.put_text(&source, &log, service).await?;
        assert_eq!(away.text(&archive, &log).await?, service);
        home.put_text(&source, "scratch.log", service).await?;
    }
    assert!(away.text(&archive, "scratch.log").await.is_err());

    // A service comes and calls nothing of the others but reads; then all are changed.
    ours.set("services", r#"["payments", "search", "shop"]"#);
    ours.proxy.take_log();
    ours.apply().await?;
    let log = ours.proxy.log();
    let elsewhere = log.writes().find(|call| {
        let line = call.to_string();
        line.contains("payments") || line.contains("search")
    });
    assert_eq!(elsewhere, None, "{log}");
    ours.theirs = vec![archive.clone()];
    ours.other_key = away.create_key().await?;
    let key_policy = away.key_policy(&ours.other_key).await?;
    ours.make_changes().await?;

    let payments = format!("{}-payments", ours.bucket);
    edit_rules(&home, &payments, |rules| {
        for rule in rules {
            rule.status = ReplicationRuleStatus::Disabled;
        }
    })
    .await?;
    ours.tells_its_drift().await?;

    // One configuration goes, and the other one goes on.
    let mail = format!("{}-mail", teams.bucket);
    ours.theirs.push(mail.clone());
    ours.empty().await?;
    ours.workspace.destroy().await?.success()?;
    assert_eq!(away.key_policy(&ours.other_key).await?, key_policy);
    teams.settled().await?;
    let left = away.bucket_policy(&archive).await?;
    let left = left["Statement"].as_array().ok_or("no statements")?;
    assert!(left.contains(&policy["Statement"][0]), "{left:?}");
    let role = format!("role/replication-{}", ours.bucket);
    assert!(
        !left.iter().any(|s| s.to_string().contains(&role)),
        "{left:?}"
    );
    home.put_text(&mail, "mail/later.log", "later").await?;
    assert_eq!(away.text(&archive, "mail/later.log").await?, "later");

    home.empty_bucket(&mail).await?;
    teams.workspace.destroy().await?.success()?;
    let key = ours.other_key.rsplit('/').next().unwrap_or_default();
    let kept = [format!("bucket {archive}"), format!("key {key}")];
    assert_eq!(teams.remains().await?, kept);
    let mut after = theirs::seen(&away, &archive).await?;
    let objects = after["objects"].as_array_mut().ok_or("no objects")?;
    objects.retain(|object| object[0] == "before.txt");
    assert_eq!(after, before);
    assert_eq!(away.text(&archive, "payments/today.log").await?, "payments");
    Ok(())
}
