//! What others made comes under this provider in one apply: by ID, by identity, with a configuration by hand and with
//! the one that Terraform writes. The plan changes what it must, nothing goes, and objects cross from then on.
//!
//! A sample of `tests/provider/imports`, which has every origin in every form: here all setups are imported at once, so
//! that a few runs of Terraform show them.

mod origins;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::Outcome;
use support::closing::say;
use support::emulator::Clients;
use support::evaluator::{Picture, evaluate};
use support::terraform::Client;

use self::origins::{Origin, all, at_home};
use crate::drift::shown;
use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

on_each_client!(what_others_made_is_imported_without_loss_and_replicates needs Generation);

const ACCOUNT_BLOCK: &str = r#"
account {
  account_id = "<destination>"
  assume_role { role_arn = "<role>" }
}"#;

/// How a bucket is named in an import block.
#[derive(Clone, Copy)]
enum Form {
    Id,
    Identity,
}

impl Origin {
    fn address(&self) -> String {
        format!("replicated_bucket.{}", self.name)
    }

    fn import_block(&self, form: Form) -> String {
        let (address, bucket) = (self.address(), &self.bucket);
        let which = match form {
            Form::Id => format!(r#"id = "{bucket}@{SOURCE_REGION}""#),
            Form::Identity => format!(r#"identity = {{ bucket = "{bucket}" }}"#),
        };
        format!("import {{\n  to = {address}\n  {which}\n}}\n")
    }

    fn resource(&self) -> String {
        let (name, body) = (self.name, &self.body);
        format!("resource \"replicated_bucket\" \"{name}\" {{{body}}}\n")
    }

    /// Clients where objects arrive.
    fn there(&self, setup: &Setup) -> Clients {
        match self.is_abroad {
            true => setup.at_destination(),
            false => at_home(setup),
        }
    }

    /// Sees to it that an object crosses which is written now, and that those of before are there.
    async fn assert_replicates(&self, setup: &Setup) -> Outcome {
        let (here, there) = (setup.at_source(), self.there(setup));
        here.put_text(&self.bucket, self.key, "Dear archive")
            .await?;
        let arrived = there.text(&self.backup, self.key).await;
        let arrived = arrived.map_err(|error| format!("{}: {error}", self.name))?;
        assert_eq!(arrived, "Dear archive");
        assert_eq!(here.text(&self.bucket, "before.txt").await?, "Long ago");
        if self.name != "alone" {
            assert_eq!(there.text(&self.backup, "before.txt").await?, "Long ago");
        }
        Ok(())
    }
}

/// What is planned imports each bucket and changes what it must; nothing is made anew or destroyed.
fn check(plan: &Value, origins: &[Origin]) -> Outcome {
    let changes = plan["resource_changes"].as_array();
    let changes = changes.ok_or("a plan without changes")?;
    assert_eq!(changes.len(), origins.len());
    for origin in origins {
        let address = origin.address();
        let of_it = changes.iter().find(|change| change["address"] == address);
        let change = &of_it.ok_or("it is not in the plan")?["change"];
        assert!(!change["importing"].is_null(), "{address}");
        assert_eq!(change["actions"], json!(["update"]), "{address}");
        let expected: BTreeSet<String> = origin.changes.iter().map(|&path| path.into()).collect();
        // What is still to be made has parts that nobody knows.
        let mut found = shown(change);
        found.retain(|path| !path.starts_with("destinations.backup.") || origin.is_generated);
        assert_eq!(found, expected, "{address}");
    }
    Ok(())
}

async fn what_others_made_is_imported_without_loss_and_replicates(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.provider(ACCOUNT_BLOCK)?;
    let origins = all(&setup).await?;
    let by_hand: String = origins.iter().map(Origin::resource).collect();
    let imports = |form: Form| -> String {
        let blocks = origins.iter().map(|origin| origin.import_block(form));
        blocks.collect()
    };
    for form in [Form::Id, Form::Identity] {
        setup.main(&format!("{}{by_hand}", imports(form)))?;
        check(&setup.workspace.plan_json().await?, &origins)?;
    }

    // Where a bucket is to replicate to nobody can generate.
    let alone = origins.last().ok_or("no origin")?;
    setup.main(&alone.import_block(Form::Id))?;
    let generate = ["plan", "-no-color", "-generate-config-out=alone.tf"];
    let refused = setup.workspace.run(&generate).await?.with_code(1)?;
    let told = "Write where the bucket is to replicate to, such as `destinations = {";
    assert!(refused.text().contains(told), "{refused}");
    std::fs::remove_file(setup.workspace.path().join("alone.tf"))?;

    setup.main(&format!("{}{}", imports(Form::Identity), alone.resource()))?;
    let generate = [
        "plan",
        "-no-color",
        "-out=tfplan",
        "-generate-config-out=generated.tf",
    ];
    let run = setup.workspace.run(&generate).await?.success()?;
    let warning = "The role's policy replication will be replaced";
    assert_eq!(run.text().matches(warning).count(), 1, "{run}");
    let show = ["show", "-json", "tfplan"];
    let planned = setup.workspace.run(&show).await?.success()?;
    check(&serde_json::from_str(&planned.stdout)?, &origins)?;
    // Terraform does not apply a stored plan whose configuration it has just written.
    let applied = setup.workspace.apply().await?.success()?;
    let count = origins.len();
    let told = format!("{count} imported, 0 added, {count} changed, 0 destroyed");
    assert!(applied.text().contains(&told), "{applied}");
    setup.workspace.plan().await?.success()?;

    for origin in &origins {
        origin.assert_replicates(&setup).await?;
    }
    let evaluated = evaluated(&setup).await?;

    // What a person writes comes to the same.
    std::fs::remove_file(setup.workspace.path().join("generated.tf"))?;
    setup.main(&by_hand)?;
    setup.workspace.plan().await?.success()?;
    let line = format!(
        "imports: under Terraform: {count} origins by ID, by identity and generated: nothing destroyed, an object crossed in each, {evaluated}"
    );
    say(&line);
    Ok(())
}

/// Sees to it that S3 may do all that it needs by what this resource grants alone: whatever else the roles were given
/// may go.
async fn evaluated(setup: &Setup) -> Outcome<String> {
    let regions = [SOURCE_REGION, DESTINATION_REGION];
    let mut picture = Picture::read(&[&setup.source, &setup.destination], &regions).await?;
    for role in picture.roles.values_mut() {
        assert!(role.ours);
        role.policies.retain(|name, _| name == "replication");
    }
    let evaluation = evaluate(&picture)?;
    assert_eq!(
        evaluation.findings(),
        Vec::<String>::new(),
        "\n{evaluation}"
    );
    Ok(evaluation.summary())
}
