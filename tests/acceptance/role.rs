//! The replication role: its name and path, somebody else's role, and a role that is renamed.

use serde_json::{Value, json};
use support::Outcome;
use support::evaluator::{Picture, evaluate};
use support::terraform::Client;

use crate::on_each_client;
use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup};

on_each_client!(
    a_name_and_a_path_are_used,
    a_prefix_gives_the_same_name_every_time,
    an_existing_role_gets_one_policy_of_ours_and_keeps_everything_else,
    an_existing_role_that_is_left_alone_gets_no_call_that_writes,
    an_existing_role_that_is_not_there_is_refused_at_plan,
    a_renamed_role_takes_over_without_a_gap,
);

fn with_role(setup: &Setup, role: &str) -> Outcome {
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{
    backup = {{
      region      = "{DESTINATION_REGION}"
      assume_role = {{ role_arn = "<role>" }}
    }}
  }}
  role = {{ {role} }}
"#
    ))
}

/// The role that AWS has in the replication configuration.
async fn role_in_use(setup: &Setup) -> Outcome<String> {
    let get = setup.at_source().s3.get_bucket_replication();
    let answer = get.bucket(&setup.bucket).send().await?;
    let configuration = answer.replication_configuration().ok_or("no rules")?;
    Ok(configuration.role().to_owned())
}

async fn an_object_crosses(setup: &Setup, key: &str) -> Outcome {
    let source = setup.at_source();
    source.put_text(&setup.bucket, key, "Dear archive").await?;
    let status = source.replication_status(&setup.bucket, key).await?;
    assert_eq!(status, "COMPLETED");
    Ok(())
}

async fn a_name_and_a_path_are_used(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    with_role(&setup, r#"name = "postman", path = "/service-role/""#)?;
    setup.apply().await?;
    let arn = format!(
        "arn:aws:iam::{}:role/service-role/postman",
        setup.source.id()
    );
    let get = setup.at_source().iam.get_role().role_name("postman").send();
    assert_eq!(get.await?.role().map(|role| role.arn()), Some(arn.as_str()));
    assert_eq!(role_in_use(&setup).await?, arn);
    assert_eq!(setup.state().await?["role"]["arn"], arn.as_str());
    let policy = setup
        .at_destination()
        .bucket_policy(&setup.replica_bucket())
        .await?;
    assert!(policy.to_string().contains(&arn), "{policy}");
    an_object_crosses(&setup, "letter.txt").await
}

async fn a_prefix_gives_the_same_name_every_time(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    with_role(&setup, r#"name_prefix = "postman-""#)?;
    setup.apply().await?;
    let first = setup.state().await?["role"]["name"].take();
    assert!(
        first
            .as_str()
            .is_some_and(|name| name.starts_with("postman-")),
        "{first}"
    );
    assert!(
        role_in_use(&setup)
            .await?
            .ends_with(first.as_str().unwrap_or_default())
    );
    setup.destroy().await?;
    setup.apply().await?;
    assert_eq!(setup.state().await?["role"]["name"], first);
    Ok(())
}

/// A role of somebody else, with an inline policy of its own.
async fn foreign_role(setup: &Setup) -> Outcome<String> {
    let iam = setup.at_source().iam;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "s3.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    });
    let made = iam.create_role().role_name("shared").path("/teams/");
    let made = made
        .assume_role_policy_document(trust.to_string())
        .send()
        .await?;
    let put = iam
        .put_role_policy()
        .role_name("shared")
        .policy_name("theirs");
    put.policy_document(theirs().to_string()).send().await?;
    Ok(made.role().ok_or("no role")?.arn().to_owned())
}

fn theirs() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" }],
    })
}

async fn an_existing_role_gets_one_policy_of_ours_and_keeps_everything_else(
    client: Client,
) -> Outcome {
    let setup = Setup::new(client).await?;
    let arn = foreign_role(&setup).await?;
    with_role(&setup, &format!(r#"existing_arn = "{arn}""#))?;
    setup.apply().await?;
    assert_eq!(role_in_use(&setup).await?, arn);
    // Several resources may share the role, so the policy's name tells whose it is.
    let ours = format!("replication-{}", setup.bucket);
    let source = setup.at_source();
    assert_eq!(
        source.role_policies("shared").await?,
        [ours.as_str(), "theirs"]
    );
    let state = setup.state().await?;
    let document: Value =
        serde_json::from_str(state["role"]["policy_json"].as_str().ok_or("none")?)?;
    assert_eq!(source.role_policy("shared", &ours).await?, document);
    an_object_crosses(&setup, "letter.txt").await?;

    source.empty_bucket(&setup.bucket).await?;
    setup
        .at_destination()
        .empty_bucket(&setup.replica_bucket())
        .await?;
    setup.workspace.destroy().await?.success()?;
    assert_eq!(setup.remains().await?, ["role shared"]);
    assert_eq!(source.role_policies("shared").await?, ["theirs"]);
    assert_eq!(source.role_policy("shared", "theirs").await?, theirs());
    Ok(())
}

async fn an_existing_role_that_is_left_alone_gets_no_call_that_writes(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let arn = foreign_role(&setup).await?;
    with_role(
        &setup,
        &format!(r#"existing_arn = "{arn}", manage_policy = false"#),
    )?;
    let plan = setup.workspace.plan().await?.with_code(2)?;
    let text = plan.text();
    assert!(text.contains("The existing role must grant this"), "{plan}");
    assert!(text.contains("s3:GetObjectVersionForReplication"), "{plan}");
    setup.apply().await?;
    setup.workspace.destroy().await?.success()?;
    let log = setup.proxy.log();
    let written = log.writes().find(|call| {
        call.scope
            .as_ref()
            .is_some_and(|scope| scope.service == "iam")
    });
    assert_eq!(written, None, "{log}");
    assert_eq!(setup.at_source().role_policies("shared").await?, ["theirs"]);
    Ok(())
}

async fn an_existing_role_that_is_not_there_is_refused_at_plan(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    let arn = format!("arn:aws:iam::{}:role/nobody", setup.source.id());
    for manage_policy in [true, false] {
        let role = format!(r#"existing_arn = "{arn}", manage_policy = {manage_policy}"#);
        with_role(&setup, &role)?;
        let plan = setup.workspace.plan().await?.with_code(1)?;
        let text = plan.text();
        assert!(text.contains("The existing role does not exist"), "{plan}");
        assert!(text.contains(&arn), "{plan}");
    }
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{log}");
    Ok(())
}

async fn a_renamed_role_takes_over_without_a_gap(client: Client) -> Outcome {
    let setup = Setup::new(client).await?;
    with_role(&setup, r#"name = "first""#)?;
    setup.apply().await?;
    with_role(&setup, r#"name = "second""#)?;
    assert_eq!(setup.planned().await?["actions"], json!(["update"]));
    setup.proxy.take_log();
    setup.apply().await?;

    let log = setup.proxy.log();
    let writes: Vec<_> = log.writes().map(|call| call.operation.as_str()).collect();
    let at = |operation: &str| writes.iter().position(|write| *write == operation);
    assert!(at("CreateRole") < at("PutBucketReplication"), "{log}");
    assert!(at("PutBucketPolicy") < at("PutBucketReplication"), "{log}");
    assert!(at("PutKeyPolicy") < at("PutBucketReplication"), "{log}");
    assert!(at("PutBucketReplication") < at("DeleteRole"), "{log}");
    assert!(role_in_use(&setup).await?.ends_with(":role/second"));

    let there = setup.at_destination();
    let state = setup.state().await?;
    let key = state["destinations"]["backup"]["kms_key_arn"]
        .as_str()
        .ok_or("no key")?;
    for policy in [
        there
            .bucket_policy(&setup.replica_bucket())
            .await?
            .to_string(),
        there.key_policy(key).await?.to_string(),
    ] {
        assert!(policy.contains(":role/second"), "{policy}");
        assert!(!policy.contains(":role/first"), "{policy}");
    }
    let remains = setup.at_source().remains().await?;
    assert!(remains.contains(&"role second".to_owned()), "{remains:?}");
    assert!(!remains.contains(&"role first".to_owned()), "{remains:?}");
    an_object_crosses(&setup, "letter.txt").await
}

/// What is asked of many destinations here is the same for every client, and takes its time.
#[tokio::test]
async fn a_policy_that_is_too_long_for_one_document_goes_on_in_managed_ones() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    setup.resource(&format!(
        r#"
  source = {{
    bucket     = "<bucket>"
    encryption = {{ sse_algorithm = "aws:kms" }}
  }}
  destinations = {{ for number in range(40) : format("records-of-department-%02d", number) => {{
    region      = "{DESTINATION_REGION}"
    assume_role = {{ role_arn = "<role>" }}
  }} }}
"#
    ))?;
    setup.apply().await?;
    let role = setup.role_name();
    let managed = format!("arn:aws:iam::{}:policy/{role}-1", setup.source.id());
    assert_eq!(setup.state().await?["components"]["role/policy/1"], managed);
    let accounts = [&setup.source, &setup.destination];
    let picture = Picture::read(&accounts, &[SOURCE_REGION, DESTINATION_REGION]).await?;
    let evaluation = evaluate(&picture)?;
    assert_eq!(evaluation.findings(), Vec::<String>::new(), "{evaluation}");

    let iam = setup.at_source().iam;
    let detach = iam.detach_role_policy().role_name(&role);
    detach.policy_arn(&managed).send().await?;
    let planned = setup.planned().await?;
    let shown = &planned["before"]["components"]["role/policy/1"];
    assert_eq!(*shown, format!("{managed} (not attached)"), "{planned}");
    setup.apply().await?;
    let attached = iam.list_attached_role_policies().role_name(&role).send();
    let attached = attached.await?;
    let attached: Vec<_> = attached
        .attached_policies()
        .iter()
        .filter_map(|policy| policy.policy_arn())
        .collect();
    assert_eq!(attached, [managed.as_str()]);
    setup.destroy().await
}
