//! Sensitive values of other people's configurations: a plan hides them, and no output or error tells them.

use serde_json::json;
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(
    a_sensitive_name_is_not_shown,
    a_sensitive_map_of_destinations_is_hidden_as_a_whole,
    a_sensitive_value_that_is_refused_is_not_repeated,
    sensitive_tags_and_policies_are_hidden_where_they_are_written,
);

const SECRET: &str = "kept-from-sight";

async fn setup(client: Client) -> Outcome<Setup> {
    let mut setup = Setup::new(client).await?;
    setup.workspace.set("TF_VAR_secret", SECRET);
    Ok(setup)
}

const VARIABLE: &str = r#"
variable "secret" {
  type      = string
  sensitive = true
}
"#;

fn write(setup: &Setup, body: &str) -> Outcome {
    let resource = format!("resource \"replicated_bucket\" \"archive\" {{\n{body}\n}}\n");
    setup.main(&format!("{VARIABLE}{resource}"))
}

/// Plans and applies, and nothing that was said has the secret in it.
async fn applied_in_secret(setup: &Setup) -> Outcome<String> {
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let apply = setup.apply().await?;
    for run in [&plan, &apply] {
        assert!(!run.text().contains(SECRET), "{run}");
    }
    assert!(plan.text().contains("(sensitive value)"), "{plan}");
    Ok(plan.text())
}

async fn a_sensitive_name_is_not_shown(client: Client) -> Outcome {
    let setup = setup(client).await?;
    write(
        &setup,
        r#"
  source       = { bucket = "<bucket>" }
  destinations = { backup = { region = "eu-west-1" } }
  role         = { description = var.secret }
"#,
    )?;
    applied_in_secret(&setup).await?;
    let described = setup.state().await?["role"]["description"].clone();
    assert_eq!(described, json!(SECRET));
    // Changed by hand, and put back: still out of sight.
    let iam = setup.at_source().iam;
    let role = iam.update_role_description().role_name(setup.role_name());
    role.description("by hand").send().await?;
    applied_in_secret(&setup).await?;
    setup.destroy().await
}

async fn a_sensitive_map_of_destinations_is_hidden_as_a_whole(client: Client) -> Outcome {
    let setup = setup(client).await?;
    write(
        &setup,
        r#"
  source       = { bucket = "<bucket>" }
  destinations = sensitive({ backup = { region = "us-west-2", assume_role = { role_arn = "<role>" } } })
"#,
    )?;
    let plan = applied_in_secret(&setup).await?;
    assert!(
        plan.contains("+ destinations = (sensitive value)"),
        "{plan}"
    );
    setup.destroy().await
}

async fn a_sensitive_value_that_is_refused_is_not_repeated(client: Client) -> Outcome {
    let setup = setup(client).await?;
    for refused in [
        "destinations = { backup = { region = \"eu-west-1\", storage_class = var.secret } }",
        "destinations = { backup = { region = var.secret } }",
        "destinations = { backup = { region = \"eu-west-1\", policy = var.secret } }",
        "destinations = { backup = { region = \"eu-west-1\", encryption = { kms_key_arn = var.secret } } }",
        "destinations = { backup = { region = \"eu-west-1\", assume_role = { role_arn = var.secret } } }",
    ] {
        write(
            &setup,
            &format!("source = {{ bucket = \"<bucket>\" }}\n{refused}"),
        )?;
        let plan = setup.workspace.plan().await?.with_code(1)?;
        assert!(!plan.text().contains(SECRET), "{refused}: {plan}");
    }
    Ok(())
}

async fn sensitive_tags_and_policies_are_hidden_where_they_are_written(client: Client) -> Outcome {
    let setup = setup(client).await?;
    write(
        &setup,
        r#"
  source = {
    bucket = "<bucket>"
    tags   = { team = var.secret }
    policy = sensitive(jsonencode({
      Version   = "2012-10-17"
      Statement = [{
        Sid       = "Mine"
        Effect    = "Allow"
        Principal = { AWS = "<source>" }
        Action    = "s3:GetObject"
        Resource  = "arn:aws:s3:::<bucket>/*"
      }]
    }))
  }
  destinations = { backup = { region = "eu-west-1" } }
"#,
    )?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    // What the provider computes of them is not theirs: `tags_all` and `policy_json` are shown.
    for hidden in [
        "+ policy = (sensitive value)",
        "+ \"team\" = (sensitive value)",
    ] {
        assert!(plan.text().contains(hidden), "{plan}");
    }
    setup.apply().await?;
    setup.destroy().await
}
