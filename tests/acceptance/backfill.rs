//! Objects of before, under real Terraform: the action, its trigger, and the sub-command for clients without actions.
//!
//! The emulator has no jobs, so a strict S3 Control of ours plays them. It is reached by the real SDK as a proxy, because
//! nothing resolves the account's host name below an endpoint; roles and reports are the emulator's.

use std::collections::BTreeSet;
use std::process::Stdio;

use support::Outcome;
use support::closing::say;
use support::s3_control::{Play, S3Control};
use support::terraform::{Client, Run, Workspace, interrupt_group, kill_providers};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::on_each_client;
use crate::setup::{PROVIDER, SOURCE_REGION, Setup};
use crate::setups::Example;
use crate::theirs;

on_each_client!(
    objects_of_before_follow_when_the_rules_are_made_and_again_when_asked needs Actions,
    an_interrupted_action_cancels_its_job needs Actions,
    a_detached_action_leaves_its_job_to_the_next_run needs Actions,
    a_killed_action_is_finished_by_the_next_run_however_busy_s3_is needs Actions,
);

const OBJECTS: u64 = 10_000;

/// Sends S3 Control's calls, and no others, to a server of ours.
pub(crate) async fn control(workspace: &mut Workspace, play: Play) -> Outcome<S3Control> {
    let control = S3Control::start().await?;
    control.play(play);
    workspace.set("AWS_ENDPOINT_URL_S3_CONTROL", "http://control.invalid");
    workspace.set("HTTP_PROXY", control.url());
    workspace.set("NO_PROXY", "127.0.0.1");
    Ok(control)
}

async fn objects_of_before_follow_when_the_rules_are_made_and_again_when_asked(
    client: Client,
) -> Outcome {
    let mut example = Example::new(client, "moving-existing-objects").await?;
    let home = example.home.clients(SOURCE_REGION);
    let reports = format!("{}-reports", example.bucket);
    for bucket in [&example.bucket, &reports] {
        theirs::create(&home, SOURCE_REGION, bucket).await?;
    }
    home.put_text(&example.bucket, "before.txt", "Dear archive")
        .await?;
    let play = Play {
        objects: OBJECTS,
        ..Play::default()
    };
    let control = control(&mut example.workspace, play.clone()).await?;
    control.report_to(home.clone());

    let run = example.workspace.apply().await?.success()?;
    let text = run.text();
    let progress: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.contains("of 10,000 objects"))
        .collect();
    assert!(progress.len() > 3, "{text}");
    assert!(text.contains("a second, about"), "{text}");
    let done = format!(
        "Done: 10,000 objects of {} were replicated.",
        example.bucket
    );
    assert!(text.contains(&done), "{text}");
    assert_eq!(control.statuses(), ["Complete"]);
    example.workspace.plan().await?.success()?;
    let role = format!("backfill-{}", example.bucket);
    let left = home.iam.get_role().role_name(&role).send().await;
    let left = usize::from(left.is_ok());
    assert_eq!(left, 0, "the role of the job is still there");
    for line in run
        .stdout
        .lines()
        .filter(|line| line.starts_with("Action "))
    {
        say(&format!("  {}", line.trim()));
    }

    // Some fail: the report says why.
    control.play(Play {
        failing: vec![("DstPutObjectNotPermitted", 12)],
        ..play
    });
    let action = "-invoke=action.replicated_bucket_backfill.archive";
    let again = ["apply", "-auto-approve", "-no-color", action];
    example.set("reports", &reports);
    let run = example.workspace.run(&again).await?;
    assert_eq!(run.code, Some(1), "{run}");
    let said = run.text();
    for words in [
        "Of 10,000 objects, 9,988 crossed and 12 failed.",
        "12 objects: DstPutObjectNotPermitted (such as DstPutObjectNotPermitted/0) The destination's bucket policy does not grant it",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let reasons = said.lines().filter(|line| line.contains(" objects: Dst"));
    let reasons: BTreeSet<&str> = reasons.map(str::trim).collect();
    let reasons = reasons.len();

    // Nothing to do is success; by rules that are as new as these, S3 is asked once more.
    control.play(Play::default());
    let run = example.workspace.run(&again).await?.success()?;
    assert!(run.text().contains("Nothing to do: "), "{run}");
    assert_eq!(
        control.statuses(),
        ["Complete", "Complete", "Failed", "Failed"]
    );
    say(&format!(
        "backfill: {OBJECTS} objects, {} lines of progress, {reasons} reason told for what failed, {left} roles left",
        progress.len()
    ));
    Ok(())
}

async fn an_interrupted_action_cancels_its_job(client: Client) -> Outcome {
    let mut example = Example::new(client, "moving-existing-objects").await?;
    let home = example.home.clients(SOURCE_REGION);
    theirs::create(&home, SOURCE_REGION, &example.bucket).await?;
    let endless = Play {
        objects: OBJECTS,
        endless: true,
        ..Play::default()
    };
    let control = control(&mut example.workspace, endless).await?;
    let run = ended_at_work(&example, &control, interrupt_group).await?;
    assert_eq!(control.statuses(), ["Cancelled"], "{run}");
    assert!(run.text().contains("The backfill was cancelled"), "{run}");
    let role = format!("backfill-{}", example.bucket);
    assert!(home.iam.get_role().role_name(&role).send().await.is_err());
    Ok(())
}

/// Applies, and does something to the process as soon as its job works.
async fn ended_at_work(
    example: &Example,
    control: &S3Control,
    end: fn(u32) -> Outcome,
) -> Outcome<Run> {
    let apply = ["apply", "-auto-approve", "-no-color"];
    let running = example.workspace.start(&apply)?;
    let process_id = running.process_id().ok_or("it has ended")?;
    let mut ended = std::pin::pin!(running.finish());
    tokio::select! {
        () = control.until("Active") => end(process_id)?,
        run = &mut ended => return Err(format!("it ended before its job was active: {}", run?).into()),
    }
    let run = ended.await?;
    assert_ne!(run.code, Some(0), "{run}");
    Ok(run)
}

/// Runs the action once more, which goes on with the one job that there is and ends it.
async fn goes_on(example: &Example, control: &S3Control) -> Outcome {
    assert_eq!(control.statuses(), ["Active"]);
    let role = format!("backfill-{}", example.bucket);
    let home = example.home.clients(SOURCE_REGION);
    home.iam.get_role().role_name(&role).send().await?;
    let action = "-invoke=action.replicated_bucket_backfill.archive";
    let again = ["apply", "-auto-approve", "-no-color", action];
    let run = example.workspace.run(&again).await?.success()?;
    assert!(run.text().contains("Going on with job "), "{run}");
    assert!(run.text().contains("Done: 10,000 objects"), "{run}");
    assert_eq!(control.statuses(), ["Complete"]);
    assert!(home.iam.get_role().role_name(&role).send().await.is_err());
    Ok(())
}

async fn a_detached_action_leaves_its_job_to_the_next_run(client: Client) -> Outcome {
    let mut example = Example::new(client, "moving-existing-objects").await?;
    let home = example.home.clients(SOURCE_REGION);
    theirs::create(&home, SOURCE_REGION, &example.bucket).await?;
    example.change(
        "report_bucket = var.reports",
        "report_bucket = var.reports\n    detach        = true",
    )?;
    let play = Play {
        objects: OBJECTS,
        ..Play::default()
    };
    let control = control(&mut example.workspace, play).await?;
    let run = ended_at_work(&example, &control, interrupt_group).await?;
    assert!(
        run.text().contains("The backfill goes on by itself"),
        "{run}"
    );
    goes_on(&example, &control).await
}

async fn a_killed_action_is_finished_by_the_next_run_however_busy_s3_is(client: Client) -> Outcome {
    let mut example = Example::new(client, "moving-existing-objects").await?;
    let home = example.home.clients(SOURCE_REGION);
    theirs::create(&home, SOURCE_REGION, &example.bucket).await?;
    let play = Play {
        objects: OBJECTS,
        ..Play::default()
    };
    let control = control(&mut example.workspace, play).await?;
    let busy = || {
        for operation in ["ListJobs", "CreateJob", "DescribeJob"] {
            control.refuse(operation, 2, 400, "TooManyRequestsException");
        }
    };
    busy();
    ended_at_work(&example, &control, kill_providers).await?;
    busy();
    goes_on(&example, &control).await
}

/// The sub-command in the environment of a workspace.
pub(crate) fn command(setup: &Setup, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROVIDER);
    command
        .arg("backfill")
        .args(arguments)
        .current_dir(setup.workspace.path())
        .env_clear()
        .envs(setup.workspace.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn without_actions_the_sub_command_does_the_same() -> Outcome {
    let mut setup = Setup::new(Client::from_python()?).await?;
    setup.configure("", "")?;
    setup.apply().await?;
    let state = setup.state().await?;
    let import_id = state["import_id"].as_str().ok_or("no import ID")?;
    let play = Play {
        objects: OBJECTS,
        ..Play::default()
    };
    let control = control(&mut setup.workspace, play).await?;
    let region = format!("--region={SOURCE_REGION}");
    let done = command(&setup, &[import_id, &region, "--priority", "3"])
        .output()
        .await?;
    let text = String::from_utf8(done.stderr)?;
    assert_eq!(done.status.code(), Some(0), "{text}");
    assert!(done.stdout.is_empty());
    assert!(!text.contains('\r'), "it is no terminal: {text}");
    assert!(
        text.ends_with(&format!(
            "Done: 10,000 objects of {} were replicated.\n",
            setup.bucket
        )),
        "{text}"
    );
    let asked = control.take_asked();
    let host = format!("{}.control.invalid", setup.source.id());
    assert!(
        asked
            .iter()
            .all(|asked| asked.host == host && asked.region == SOURCE_REGION)
    );
    let created = asked.iter().find(|asked| asked.operation == "CreateJob");
    assert!(created.is_some_and(|asked| asked.body.contains("<Priority>3</Priority>")));

    // What the command line does not have, and what Terraform would refuse.
    let refused = command(&setup, &[import_id, "--prefx=a"]).output().await?;
    assert_eq!(refused.status.code(), Some(2));
    let refused = command(&setup, &[import_id, &region, "--created-after=soon"])
        .output()
        .await?;
    let text = String::from_utf8(refused.stderr)?;
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("at created_after"), "{text}");

    // Ctrl-C cancels.
    control.play(Play {
        objects: OBJECTS,
        endless: true,
        ..Play::default()
    });
    let mut running = command(&setup, &[import_id, &region]);
    let mut running = running.process_group(0).kill_on_drop(true).spawn()?;
    let lines = running.stderr.take().ok_or("no standard error")?;
    let mut lines = BufReader::new(lines).lines();
    let process_id = running.id().ok_or("it has ended")?;
    let mut said = String::new();
    while let Some(line) = lines.next_line().await? {
        if line.starts_with("Active: ") && !said.contains("Active: ") {
            interrupt_group(process_id)?;
        }
        said.push_str(&line);
        said.push('\n');
    }
    assert_eq!(running.wait().await?.code(), Some(1), "{said}");
    assert!(said.contains("Error: The backfill was cancelled"), "{said}");
    assert_eq!(control.statuses(), ["Complete", "Cancelled"]);
    let role = format!("backfill-{}", setup.bucket);
    let at_source = setup.at_source();
    assert!(
        at_source
            .iam
            .get_role()
            .role_name(&role)
            .send()
            .await
            .is_err()
    );
    setup.destroy().await
}
