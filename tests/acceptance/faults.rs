//! When a call fails: a create is undone or told, an update leaves the truth, a read is never taken for
//! "absent", a destroy goes on where it stopped.

use aws_sdk_s3::primitives::ByteStream;
use support::Outcome;
use support::emulator::Account;
use support::proxy::{Action, Fault, Rule};
use support::terraform::{Client, Run, interrupt_group};

use crate::on_each_client;
use crate::setup::{RESOURCE, SOURCE_REGION, Setup, provider_file};

on_each_client!(
    a_denied_create_is_undone,
    a_create_that_is_out_of_time_is_undone,
    a_passing_failure_of_a_create_does_not_show,
    a_create_whose_answers_are_lost_makes_nothing_twice,
    an_interrupted_create_is_undone,
    an_object_put_during_a_failing_create_is_not_destroyed,
    a_lost_network_leaves_what_was_made_in_state,
    credentials_that_expire_during_a_create,
    credentials_that_expire_during_an_update,
    a_failed_update_leaves_the_truth_in_state,
    a_read_that_is_denied_is_not_absence,
    a_destroy_goes_on_where_it_stopped,
);

/// The calls of a create at which faults are played.
const CREATING: [&str; 4] = [
    "CreateBucket",
    "CreateKey",
    "CreateRole",
    "PutBucketReplication",
];

/// An answer of S3 that says no. KMS and IAM have their own forms.
fn denied(operation: &str) -> Fault {
    let body = match operation {
        "CreateKey" => r#"{"__type": "AccessDeniedException", "message": "not today"}"#,
        "CreateRole" => {
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not today</Message></Error>\
             <RequestId>r-1</RequestId></ErrorResponse>"
        }
        _ => "<Error><Code>AccessDenied</Code><Message>not today</Message></Error>",
    };
    Fault::Status(403, body.to_owned())
}

fn unavailable() -> Fault {
    Fault::Status(
        503,
        "<Error><Code>SlowDown</Code><Message>later</Message></Error>".to_owned(),
    )
}

/// Neither account holds anything, nor does the state.
async fn assert_nothing_is_left(setup: &Setup) -> Outcome {
    assert_eq!(setup.remains().await?, Vec::<String>::new());
    assert!(setup.workspace.resource(RESOURCE).await?.is_null());
    Ok(())
}

/// Every part that is at AWS is in the state.
pub(crate) async fn assert_state_has_what_is_left(setup: &Setup) -> Outcome {
    let state = setup.workspace.resource(RESOURCE).await?;
    let components = state["components"].to_string();
    for part in setup.remains().await? {
        let name = part.split(' ').nth(1).unwrap_or_default();
        assert!(components.contains(name), "{part} is not in {components}");
    }
    Ok(())
}

/// One bucket, key and alias on each side, and one role.
async fn assert_one_of_each(setup: &Setup) -> Outcome {
    for (clients, kinds) in [
        (setup.at_source(), vec!["alias", "bucket", "key", "role"]),
        (setup.at_destination(), vec!["alias", "bucket", "key"]),
    ] {
        let remains = clients.remains().await?;
        let found: Vec<_> = remains
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(found, kinds, "{remains:?}");
    }
    Ok(())
}

fn assert_says(run: &Run, fragments: &[&str]) {
    for fragment in fragments {
        assert!(
            run.text().contains(fragment),
            "{fragment:?} is missing in {run}"
        );
    }
}

async fn a_denied_create_is_undone(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    for operation in CREATING {
        setup
            .proxy
            .add_rule(Rule::on(&format!(" {operation}$"), denied(operation))?.nth(1));
        let run = setup.workspace.apply().await?.with_code(1)?;
        assert_says(
            &run,
            &[operation, "not today", "AccessDenied", setup.source.id()],
        );
        assert_says(
            &run,
            &["What this apply had made was taken away again; nothing is left."],
        );
        assert_nothing_is_left(&setup).await?;
        setup.proxy.clear_rules();
    }
    Ok(())
}

async fn a_create_that_is_out_of_time_is_undone(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    let file = setup.workspace.path().join("main.tf");
    let text = std::fs::read_to_string(&file)?;
    let timed = text.replacen(
        "  source =",
        "  timeouts = { create = \"3s\" }\n  source =",
        1,
    );
    setup.workspace.write("main.tf", &timed)?;
    let aborted = "<Error><Code>OperationAborted</Code><Message>not yet</Message></Error>";
    let fault = Fault::Status(409, aborted.to_owned());
    setup
        .proxy
        .add_rule(Rule::on(" PutBucketReplication$", fault)?);
    let run = setup.workspace.apply().await?.with_code(1)?;
    let says = [
        "Out of time",
        "within 3s (timeouts.create)",
        "s3:PutBucketReplication",
        "not yet",
        "taken away again",
    ];
    let text = run.text().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in says {
        assert!(text.contains(words), "{words}: {run}");
    }
    assert_nothing_is_left(&setup).await
}

async fn a_passing_failure_of_a_create_does_not_show(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    for operation in CREATING {
        setup
            .proxy
            .add_rule(Rule::on(&format!(" {operation}$"), unavailable())?.times(1));
    }
    setup.workspace.apply().await?.success()?;
    assert_one_of_each(&setup).await?;
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn a_create_whose_answers_are_lost_makes_nothing_twice(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    for operation in CREATING {
        setup
            .proxy
            .add_rule(Rule::on(&format!(" {operation}$"), Fault::CutAfter)?.times(1));
    }
    setup.workspace.apply().await?.success()?;
    assert_one_of_each(&setup).await?;
    setup.workspace.plan().await?.success()?;
    setup.workspace.destroy().await?.success()?;
    assert_nothing_is_left(&setup).await
}

async fn an_interrupted_create_is_undone(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    let running = setup
        .workspace
        .start(&["apply", "-auto-approve", "-no-color"])?;
    let process_id = running.process_id().ok_or("Terraform ended at once")?;
    let interrupt = Action::new(move || drop(interrupt_group(process_id)));
    setup
        .proxy
        .add_rule(Rule::on(" CreateKey$", Fault::RunAfter(interrupt))?.times(1));
    let run = running.finish().await?.with_code(1)?;
    assert_says(&run, &["Stopped", "nothing is left"]);
    assert_nothing_is_left(&setup).await
}

async fn an_object_put_during_a_failing_create_is_not_destroyed(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("force_destroy = true", "force_destroy = true")?;
    let (source, bucket) = (setup.source.clone(), setup.bucket.clone());
    let put = Action::new(move || put_letter_meanwhile(source.clone(), bucket.clone()));
    let rule = " PutBucketReplication$";
    setup
        .proxy
        .add_rule(Rule::on(rule, Fault::RunBefore(put))?.times(1));
    let refused = "<Error><Code>InvalidRequest</Code><Message>not today</Message></Error>";
    setup
        .proxy
        .add_rule(Rule::on(rule, Fault::Status(400, refused.to_owned()))?);

    let run = setup.workspace.apply().await?.with_code(1)?;

    setup.proxy.clear_rules();
    assert_says(
        &run,
        &[
            "not today",
            "BucketNotEmpty",
            "What is left",
            "never empties a bucket",
        ],
    );
    let state = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(state["source"]["bucket"], setup.bucket.as_str());
    let key = state["source"]["kms_key_id"]
        .as_str()
        .ok_or("the key is not in the state")?;
    let remains = setup.at_source().remains().await?;
    assert!(
        remains.contains(&format!("bucket {}", setup.bucket)),
        "{remains:?}"
    );
    assert!(
        remains.contains(&format!("key {key}")),
        "the object needs it: {remains:?}"
    );

    let run = setup.workspace.destroy().await?.with_code(1)?;
    assert_says(
        &run,
        &["holds objects", "a failed create left", "Empty it by hand"],
    );
    read_letter(&setup).await?;

    empty_source(&setup).await?;
    setup.workspace.destroy().await?.success()?;
    assert_nothing_is_left(&setup).await
}

/// Puts an object past the proxy, while the proxy waits.
fn put_letter_meanwhile(account: Account, bucket: String) {
    // The proxy's own thread may not block on its own runtime.
    let put = std::thread::spawn(move || -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let s3 = account.clients(SOURCE_REGION).s3;
        let letter = s3.put_object().bucket(bucket).key("letter.txt");
        let body = ByteStream::from_static(b"Dear archive");
        runtime.block_on(letter.body(body).send())?;
        Ok(())
    });
    // Whether the object is there, the case asks itself.
    drop(put.join());
}

async fn read_letter(setup: &Setup) -> Outcome {
    setup
        .at_source()
        .s3
        .head_object()
        .bucket(&setup.bucket)
        .key("letter.txt")
        .send()
        .await?;
    Ok(())
}

async fn empty_source(setup: &Setup) -> Outcome {
    let s3 = setup.at_source().s3;
    let found = s3
        .list_object_versions()
        .bucket(&setup.bucket)
        .send()
        .await?;
    for version in found.versions() {
        s3.delete_object()
            .bucket(&setup.bucket)
            .set_key(version.key().map(str::to_owned))
            .set_version_id(version.version_id().map(str::to_owned))
            .send()
            .await?;
    }
    Ok(())
}

async fn a_lost_network_leaves_what_was_made_in_state(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.workspace.write("provider.tf", &hasty_provider())?;
    setup.configure("", "")?;
    for operation in CREATING {
        setup
            .proxy
            .add_rule(Rule::on(&format!(" {operation}$"), Fault::Refuse)?.times(1));
        let run = setup.workspace.apply().await?.with_code(1)?;
        assert_says(&run, &["This may pass: run the same command again"]);
        setup.proxy.clear_rules();
        setup.proxy.reopen().await?;
        assert_state_has_what_is_left(&setup).await?;
        setup.workspace.destroy().await?.success()?;
        assert_nothing_is_left(&setup)
            .await
            .map_err(|error| format!("{operation}: {error}"))?;
    }
    Ok(())
}

/// A provider block that gives up soon.
pub(crate) fn hasty_provider() -> String {
    provider_file(&format!("region = \"{SOURCE_REGION}\"\n  max_retries = 1"))
}

/// Makes every credential expire at the first call that matches.
fn expire_at(setup: &Setup, call: &str) -> Outcome {
    let json = r#"{"__type": "ExpiredTokenException", "message": "the token has expired"}"#;
    let xml = "<Error><Code>ExpiredToken</Code><Message>the token has expired</Message></Error>";
    let query = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code>\
                 <Message>the token is invalid</Message></Error></ErrorResponse>";
    for (calls, status, body) in [
        (r"^\w+ /[^ ]", 400, xml),
        (r"^POST / \w*(Key|Alias|ResourceTags)", 400, json),
        ("^POST / ", 403, query),
    ] {
        let rule = Rule::on(calls, Fault::Status(status, body.to_owned()))?;
        setup.proxy.add_rule(rule.from(call)?);
    }
    Ok(())
}

async fn credentials_that_expire_during_a_create(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.configure("", "")?;
    for call in [" CreateKey$", " CreateRole$", " PutBucketReplication$"] {
        expire_at(&setup, call)?;
        let run = setup.workspace.apply().await?.with_code(1)?;
        assert_says(&run, &["AWS does not accept the credentials"]);
        setup.proxy.clear_rules();
        assert_state_has_what_is_left(&setup).await?;
        setup.workspace.destroy().await?.success()?;
        assert_nothing_is_left(&setup)
            .await
            .map_err(|error| format!("{call}: {error}"))?;
    }
    Ok(())
}

async fn credentials_that_expire_during_an_update(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    setup.configure("", r#"storage_class = "GLACIER_IR""#)?;
    expire_at(&setup, " PutBucketReplication$")?;
    let run = setup.workspace.apply().await?.with_code(1)?;
    assert_says(
        &run,
        &["AWS does not accept the credentials", "ExpiredToken"],
    );
    setup.proxy.clear_rules();
    setup.workspace.apply().await?.success()?;
    let log = setup.proxy.log();
    assert_eq!(
        log.of("PutBucketReplication")
            .last()
            .and_then(|call| call.status),
        Some(200)
    );
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn a_failed_update_leaves_the_truth_in_state(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    setup.workspace.write("provider.tf", &hasty_provider())?;
    setup.configure("", r#"storage_class = "STANDARD_IA""#)?;
    setup.workspace.apply().await?.success()?;
    setup.configure(
        r#"tags = { team = "a" }"#,
        r#"storage_class = "GLACIER_IR""#,
    )?;
    setup
        .proxy
        .add_rule(Rule::on(" PutBucketReplication$", unavailable())?);

    let run = setup.workspace.apply().await?.with_code(1)?;

    assert_says(
        &run,
        &[
            "s3:PutBucketReplication",
            "SlowDown",
            "the same command goes on from here",
        ],
    );
    let state = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(
        state["destinations"]["backup"]["storage_class"],
        "STANDARD_IA"
    );
    setup.proxy.clear_rules();
    setup.workspace.apply().await?.success()?;
    let state = setup.workspace.resource(RESOURCE).await?;
    assert_eq!(
        state["destinations"]["backup"]["storage_class"],
        "GLACIER_IR"
    );
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn a_read_that_is_denied_is_not_absence(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    let before = setup.workspace.resource(RESOURCE).await?;
    for operation in [
        "GetBucketPolicy",
        "DescribeKey",
        "GetRole",
        "GetBucketVersioning",
    ] {
        let fault = match operation {
            "DescribeKey" => denied("CreateKey"),
            "GetRole" => denied("CreateRole"),
            _ => denied(operation),
        };
        setup
            .proxy
            .add_rule(Rule::on(&format!(" {operation}$"), fault)?);
        setup.proxy.take_log();
        let run = setup.workspace.apply().await?.with_code(1)?;
        assert_says(
            &run,
            &[
                operation,
                "AccessDenied",
                "What cannot be read is not taken for absent",
            ],
        );
        assert!(!run.text().contains("will be"), "nothing is planned: {run}");
        let log = setup.proxy.log();
        assert_eq!(log.writes().count(), 0, "{log}");
        setup.proxy.clear_rules();
        assert_eq!(setup.workspace.resource(RESOURCE).await?, before);
    }
    setup.workspace.plan().await?.success()?;
    Ok(())
}

async fn a_destroy_goes_on_where_it_stopped(client: Client) -> Outcome {
    let setup = Setup::applied(client).await?;
    for operation in ["DeleteRole", "ScheduleKeyDeletion", "DeleteBucket"] {
        let fault = match operation {
            "DeleteRole" => denied("CreateRole"),
            "ScheduleKeyDeletion" => denied("CreateKey"),
            _ => denied(operation),
        };
        setup
            .proxy
            .add_rule(Rule::on(&format!(" {operation}$"), fault)?);
    }
    let run = setup.workspace.destroy().await?.with_code(1)?;
    assert_says(
        &run,
        &[
            "AccessDenied",
            "What is gone stays gone; destroy again to go on.",
        ],
    );
    assert!(!setup.workspace.resource(RESOURCE).await?.is_null());
    setup.proxy.clear_rules();
    setup.workspace.destroy().await?.success()?;
    assert_nothing_is_left(&setup).await
}
