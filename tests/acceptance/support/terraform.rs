//! Both clients run, report their exit codes, and see nothing of the machine's own configuration.

use std::path::Path;

use support::Outcome;
use support::terraform::{Client, Workspace, interrupt_group, kill_group};

use crate::on_each_client;
use crate::setup::PROVIDER;

on_each_client!(
    it_tells_its_version,
    a_builtin_resource_is_applied_and_planned_empty,
    a_mistake_in_the_configuration_is_exit_code_1_with_its_text,
    the_environment_of_the_machine_stays_outside,
    a_killed_command_leaves_no_exit_code,
    an_interrupted_command_stops_by_itself,
);

fn workspace(client: Client) -> Outcome<Workspace> {
    Workspace::new(client, Path::new(PROVIDER))
}

async fn it_tells_its_version(client: Client) -> Outcome {
    let is_python = matches!(client, Client::Python(_));
    let run = workspace(client)?.run(&["version"]).await?.success()?;
    let expected = if is_python { "Terraform v1.15" } else { " v1." };
    assert!(run.stdout.contains(expected), "{run}");
    assert!(!run.text().contains("Warning"), "{run}");
    Ok(())
}

async fn a_builtin_resource_is_applied_and_planned_empty(client: Client) -> Outcome {
    let workspace = workspace(client)?;
    workspace.write(
        "main.tf",
        r#"resource "terraform_data" "x" { input = "a" }"#,
    )?;
    workspace.plan().await?.with_code(2)?;
    workspace.apply().await?.success()?;
    workspace.plan().await?.success()?;
    let state = workspace.resource("terraform_data.x").await?;
    assert_eq!(state["output"], "a");
    workspace.destroy().await?.success()?;
    assert!(workspace.resource("terraform_data.x").await?.is_null());
    Ok(())
}

async fn a_mistake_in_the_configuration_is_exit_code_1_with_its_text(client: Client) -> Outcome {
    let workspace = workspace(client)?;
    workspace.write("main.tf", r#"output "x" { value = local.missing }"#)?;
    let run = workspace.plan().await?.with_code(1)?;
    assert!(run.text().contains("undeclared local value"), "{run}");
    Ok(())
}

async fn the_environment_of_the_machine_stays_outside(client: Client) -> Outcome {
    let workspace = workspace(client)?;
    workspace.write(
        "main.tf",
        r#"resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "env > environment.txt"
  }
}
"#,
    )?;
    workspace.apply().await?.success()?;
    let seen = std::fs::read_to_string(workspace.path().join("environment.txt"))?;
    let home = seen.lines().find_map(|line| line.strip_prefix("HOME="));
    assert_ne!(home, std::env::var("HOME").ok().as_deref(), "{seen}");
    assert!(!seen.contains("CARGO_MANIFEST_DIR"), "{seen}");
    Ok(())
}

/// A command that says when it has begun and then takes very long. An interrupt is for Terraform: what it runs would end
/// before Terraform tells that it stops.
async fn long_command(workspace: &Workspace) -> Outcome<support::terraform::Running> {
    workspace.write(
        "main.tf",
        r#"resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "trap '' INT; echo > begun; exec sleep 600"
  }
}
"#,
    )?;
    let fifo = workspace.path().join("begun");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status()?;
    assert!(made.success());
    let running = workspace.start(&["apply", "-auto-approve", "-no-color"])?;
    // Opening a pipe for reading waits until the command opens it for writing.
    tokio::task::spawn_blocking(move || std::fs::read(fifo)).await??;
    Ok(running)
}

async fn a_killed_command_leaves_no_exit_code(client: Client) -> Outcome {
    let workspace = workspace(client)?;
    let running = long_command(&workspace).await?;
    kill_group(running.process_id().ok_or("it has ended")?)?;
    assert_eq!(running.finish().await?.code, None);
    Ok(())
}

async fn an_interrupted_command_stops_by_itself(client: Client) -> Outcome {
    let workspace = workspace(client)?;
    let running = long_command(&workspace).await?;
    interrupt_group(running.process_id().ok_or("it has ended")?)?;
    let run = running.finish().await?.with_code(1)?;
    assert!(run.text().contains("Gracefully shutting down"), "{run}");
    Ok(())
}
