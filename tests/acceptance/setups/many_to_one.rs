//! Sources of several blocks and of several configurations, and one archive that is somebody else's.

use support::Outcome;
use support::emulator::unique_name;
use support::terraform::Client;

use super::Example;
use crate::{on_each_client, theirs};

on_each_client!(sources_of_several_configurations_share_an_archive);

const HOME: &str = "ap-southeast-2";
const ARCHIVE: &str = "us-west-2";

async fn sources_of_several_configurations_share_an_archive(client: Client) -> Outcome {
    let mut ours = Example::new(client.clone(), "many-to-one").await?;
    let mut teams = ours.another(client).await?;
    let (home, away) = (ours.home.clients(HOME), ours.away.clients(ARCHIVE));
    let archive = unique_name("archive");
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
    first?.success()?;
    second?.success()?;
    ours.apply().await?;
    teams.apply().await?;
    for (example, service) in [(&ours, "payments"), (&ours, "search"), (&teams, "mail")] {
        let source = format!("{}-{service}", example.bucket);
        let log = format!("{service}/today.log");
        home.put_text(&source, &log, service).await?;
        assert_eq!(away.text(&archive, &log).await?, service);
        home.put_text(&source, "scratch.log", service).await?;
    }
    assert!(away.text(&archive, "scratch.log").await.is_err());

    // A service comes and calls nothing of the others but reads; then one is paused.
    ours.set("services", r#"["payments", "search", "shop"]"#);
    ours.proxy.take_log();
    ours.apply().await?;
    let log = ours.proxy.log();
    let elsewhere = log.writes().find(|call| {
        let line = call.to_string();
        line.contains("payments") || line.contains("search")
    });
    assert_eq!(elsewhere, None, "{log}");
    ours.change(
        "storage_class = \"GLACIER_IR\"",
        "storage_class = \"GLACIER_IR\"\nenabled = each.key != \"search\"",
    )?;
    ours.apply().await?;
    let search = format!("{}-search", ours.bucket);
    home.put_text(&search, "search/later.log", "later").await?;
    assert!(away.text(&archive, "search/later.log").await.is_err());

    // One configuration goes, and the other one goes on.
    for service in ["payments", "search", "shop"] {
        home.empty_bucket(&format!("{}-{service}", ours.bucket))
            .await?;
    }
    ours.workspace.destroy().await?.success()?;
    teams.apply().await?;
    let mail = format!("{}-mail", teams.bucket);
    home.put_text(&mail, "mail/later.log", "later").await?;
    assert_eq!(away.text(&archive, "mail/later.log").await?, "later");

    home.empty_bucket(&mail).await?;
    teams.workspace.destroy().await?.success()?;
    assert_eq!(teams.remains().await?, [format!("bucket {archive}")]);
    let mut after = theirs::seen(&away, &archive).await?;
    let objects = after["objects"].as_array_mut().ok_or("no objects")?;
    objects.retain(|object| object[0] == "before.txt");
    assert_eq!(after, before);
    assert_eq!(away.text(&archive, "payments/today.log").await?, "payments");
    Ok(())
}
