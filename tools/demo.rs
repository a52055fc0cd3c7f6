//! `make demo`: the cross-account KMS example against an emulated AWS, told line by line.
//!
//! Usage: `demo PROVIDER [--keep]`. With `--keep` everything stays up, to be played with.
//! Neither the AWS configuration nor the Terraform configuration of the machine is read or written.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use aws_sdk_s3::primitives::ByteStream;
use support::emulator::{Account, Emulator};
use support::terraform::{Client, Workspace};
use support::{Outcome, python};

const BUCKET: &str = "acme-archive";
const REPLICA_BUCKET: &str = "acme-archive-backup";
const REGION: &str = "ap-southeast-2";
const BACKUP_REGION: &str = "us-west-2";
const OBJECT: &str = "letter.txt";

#[tokio::main]
async fn main() -> ExitCode {
    match demo().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "\n{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn demo() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let provider = arguments.next().ok_or("usage: demo PROVIDER [--keep]")?;
    let keep = arguments.next().as_deref() == Some("--keep");

    let mut step = Step::begin("An emulated AWS with two accounts")?;
    let emulator = Emulator::start()?;
    let source = emulator.account("111111111111");
    let backup = emulator.account("222222222222");
    source.create_deploy_role(&source).await?;
    backup.create_deploy_role(&source).await?;
    step.end(&format!("http://{}", emulator.address()))?;

    let client = match Client::on_path() {
        Some(client) => client,
        None => Client::from_python()?,
    };
    let mut workspace = Workspace::new(client.clone(), Path::new(&provider))?;
    let example =
        std::fs::read_to_string(python::repository().join("examples/cross-account-kms/main.tf"))?;
    workspace.write("main.tf", &example)?;
    workspace.use_aws(emulator.address(), &source.deploy_session().await?);

    step = Step::begin("terraform apply, examples/cross-account-kms")?;
    workspace.apply().await?.success()?;
    step.end(&client.to_string())?;
    for (component, object) in components(&workspace).await? {
        say(&format!("      {component:<32} {object}"))?;
    }

    step = Step::begin("An object put into the source bucket")?;
    put_object(&source).await?;
    step.end(&format!("s3://{BUCKET}/{OBJECT}"))?;
    show_both_sides(&source, &backup).await?;

    step = Step::begin("terraform plan, of what is there")?;
    workspace.plan().await?.success()?;
    step.end("no changes")?;

    if keep {
        return tell_how_to_play(workspace, emulator);
    }

    step = Step::begin("The object deleted on both sides, version by version")?;
    delete_versions(&source, REGION, BUCKET).await?;
    delete_versions(&backup, BACKUP_REGION, REPLICA_BUCKET).await?;
    step.end("without force_destroy only empty buckets are destroyed")?;

    step = Step::begin("terraform destroy")?;
    workspace.destroy().await?.success()?;
    let mut remains = source.clients(REGION).remains().await?;
    remains.extend(backup.clients(BACKUP_REGION).remains().await?);
    if !remains.is_empty() {
        return Err(format!("left behind: {}", remains.join(", ")).into());
    }
    step.end("nothing is left in either account")
}

async fn components(workspace: &Workspace) -> Outcome<Vec<(String, String)>> {
    let state = workspace.resource("replicated_bucket.archive").await?;
    let components = state["components"]
        .as_object()
        .ok_or("the resource has no components in state")?;
    Ok(components
        .iter()
        .map(|(name, object)| {
            let object = object.as_str().unwrap_or_default();
            (name.clone(), object.to_owned())
        })
        .collect())
}

async fn put_object(source: &Account) -> Outcome {
    source
        .clients(REGION)
        .s3
        .put_object()
        .bucket(BUCKET)
        .key(OBJECT)
        .body(ByteStream::from_static(b"Dear archive"))
        .send()
        .await?;
    Ok(())
}

async fn show_both_sides(source: &Account, backup: &Account) -> Outcome {
    let s3 = source.clients(REGION).s3;
    let original = s3.head_object().bucket(BUCKET).key(OBJECT).send().await?;
    let rules = s3.get_bucket_replication().bucket(BUCKET).send().await?;
    let key = rules
        .replication_configuration()
        .and_then(|configuration| configuration.rules().first())
        .and_then(|rule| rule.destination()?.encryption_configuration())
        .and_then(|encryption| encryption.replica_kms_key_id());
    let replica = backup
        .clients(BACKUP_REGION)
        .s3
        .head_object()
        .bucket(REPLICA_BUCKET)
        .key(OBJECT)
        .send()
        .await?;
    let lines = [
        (
            "source",
            "status",
            original.replication_status().map(|status| status.as_str()),
        ),
        ("source", "account", Some(source.id())),
        ("source", "key", original.ssekms_key_id()),
        (
            "replica",
            "status",
            replica.replication_status().map(|status| status.as_str()),
        ),
        ("replica", "account", Some(backup.id())),
        (
            "replica",
            "class",
            replica.storage_class().map(|class| class.as_str()),
        ),
        ("replica", "key of the rule", key),
    ];
    for (side, what, value) in lines {
        let value = value.ok_or_else(|| format!("the {side} has no {what}"))?;
        say(&format!("      {:<32} {value}", format!("{side}, {what}")))?;
    }
    if replica.ssekms_key_id() != key {
        say("      (The emulator leaves the source's key on a replica; AWS uses the rule's.)")?;
    }
    Ok(())
}

async fn delete_versions(account: &Account, region: &str, bucket: &str) -> Outcome {
    let s3 = account.clients(region).s3;
    let found = s3.list_object_versions().bucket(bucket).send().await?;
    for version in found.versions() {
        s3.delete_object()
            .bucket(bucket)
            .set_key(version.key().map(str::to_owned))
            .set_version_id(version.version_id().map(str::to_owned))
            .send()
            .await?;
    }
    Ok(())
}

/// Writes what a shell needs into a file beside the configuration, and says how to begin and to end.
fn tell_how_to_play(workspace: Workspace, emulator: Emulator) -> Outcome {
    let mut exports = String::new();
    for (name, value) in workspace.environment() {
        let name = name.to_string_lossy();
        if name.starts_with("AWS_") || name == "TF_CLI_CONFIG_FILE" {
            let value = value.to_string_lossy().replace('\'', r"'\''");
            exports.push_str(&format!("export {name}='{value}'\n"));
        }
    }
    workspace.write("environment.sh", &exports)?;
    let configuration = workspace.path().to_owned();
    let terraform = workspace.command_line();
    let directory = workspace.keep();
    let process = emulator.keep()?;
    say(&format!(
        "\nIt stays up. The session lasts twelve hours. To play:\n\n  \
           cd {configuration}\n  \
           . ./environment.sh\n  \
           {terraform} plan\n\n\
         To end it:\n\n  \
           kill {process}\n  \
           rm -r {directory}",
        configuration = configuration.display(),
        directory = directory.display(),
    ))
}

/// A line that says what is being done, and when it is done, how long it took.
struct Step {
    began: Instant,
}

impl Step {
    fn begin(title: &str) -> Outcome<Self> {
        let mut stdout = std::io::stdout();
        write!(stdout, "{title:<56}")?;
        stdout.flush()?;
        Ok(Self {
            began: Instant::now(),
        })
    }

    fn end(&self, result: &str) -> Outcome {
        say(&format!(
            "{:>5.1} s  {result}",
            self.began.elapsed().as_secs_f64()
        ))
    }
}

fn say(line: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
