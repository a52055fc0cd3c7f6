//! Object Lock: a locked source with its locked copy, and what a destroy says to it.

use aws_sdk_s3::types::{ObjectLockLegalHold, ObjectLockLegalHoldStatus};
use support::Outcome;
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::Setup;

on_each_client!(a_locked_archive_is_made_changed_held_and_destroyed);

async fn a_locked_archive_is_made_changed_held_and_destroyed(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let lock = r#"object_lock = { mode = "GOVERNANCE", days = 1, bypass_governance_on_destroy = true }
    force_destroy = true"#;
    let locked = "object_lock = { enabled = true }\n    force_destroy = true";
    setup.configure(lock, "")?;
    refused(
        &setup,
        &["plan", "-json"],
        "The source is locked and this destination is not",
    )
    .await?;

    setup.configure(lock, locked)?;
    setup.apply().await?;
    assert_eq!(retention(&setup).await?, "GOVERNANCE 1");
    let grants = setup.grants().await?.to_string();
    assert!(grants.contains("s3:GetObjectRetention"), "{grants}");

    setup.configure(&lock.replace("days = 1", "days = 2"), locked)?;
    setup.apply().await?;
    assert_eq!(retention(&setup).await?, "GOVERNANCE 2");

    let at = setup.at_source();
    at.put_text(&setup.bucket, "deed", "held").await?;
    hold(&setup, ObjectLockLegalHoldStatus::On).await?;
    let destroy = ["destroy", "-auto-approve", "-json"];
    refused(&setup, &destroy, "is under a legal hold").await?;
    assert!(at.has_bucket(&setup.bucket).await?);
    hold(&setup, ObjectLockLegalHoldStatus::Off).await?;
    setup.destroy().await
}

/// Runs a command that has to fail with one error, which says this.
async fn refused(setup: &Setup, arguments: &[&str], says: &str) -> Outcome {
    let errors = setup.workspace.run(arguments).await?.errors();
    let [error] = &errors[..] else {
        return Err(format!("{arguments:?}: {errors:?}").into());
    };
    assert!(error.to_string().contains(says), "{error}");
    Ok(())
}

async fn retention(setup: &Setup) -> Outcome<String> {
    let get = setup.at_source().s3.get_object_lock_configuration();
    let answer = get.bucket(&setup.bucket).send().await?;
    let rule = answer.object_lock_configuration().and_then(|c| c.rule());
    let retention = rule.and_then(|rule| rule.default_retention());
    let retention = retention.ok_or("no default retention")?;
    let mode = retention.mode().map_or("-", |mode| mode.as_str());
    Ok(format!("{mode} {}", retention.days().unwrap_or(0)))
}

async fn hold(setup: &Setup, status: ObjectLockLegalHoldStatus) -> Outcome {
    let put = setup.at_source().s3.put_object_legal_hold();
    put.bucket(&setup.bucket)
        .key("deed")
        .legal_hold(ObjectLockLegalHold::builder().status(status).build())
        .send()
        .await?;
    Ok(())
}
