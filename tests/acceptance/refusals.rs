//! Bad input is refused before anything is changed, at the attribute, in words that tell the way out.
//!
//! One client runs these: which line a message stands at and what it says does not depend on the client.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use support::Outcome;
use support::diagnostic::Diagnostic;
use support::emulator::{Account, Clients, Emulator};
use support::terraform::Client;

use crate::setup::{DESTINATION_REGION, SOURCE_REGION, Setup, provider_file};

/// What a person wrote, and what Terraform is to say about it.
struct Mistake {
    /// Lines of the source beside its name.
    source: &'static str,
    /// Lines of the destination beside its region.
    destination: &'static str,
    /// Lines of the resource beside both.
    resource: &'static str,
    /// What the line at which the error stands begins with.
    at: &'static str,
    /// Fragments of the message: what is wrong, and the way out.
    says: &'static [&'static str],
}

const KEY: &str = "key/1234abcd-12ab-34cd-56ef-1234567890ab";

impl Mistake {
    const fn source(lines: &'static str, at: &'static str, says: &'static [&'static str]) -> Self {
        Self {
            source: lines,
            destination: "",
            resource: "",
            at,
            says,
        }
    }

    const fn destination(
        lines: &'static str,
        at: &'static str,
        says: &'static [&'static str],
    ) -> Self {
        Self {
            source: "",
            destination: lines,
            resource: "",
            at,
            says,
        }
    }

    const fn resource(
        lines: &'static str,
        at: &'static str,
        says: &'static [&'static str],
    ) -> Self {
        Self {
            source: "",
            destination: "",
            resource: lines,
            at,
            says,
        }
    }

    /// The configuration. What a mistake writes itself is left out of the right one.
    fn configuration(&self, bucket: &str) -> String {
        let unless = |written: &str, name: &str, line: String| {
            if written.contains(name) {
                String::new()
            } else {
                line
            }
        };
        let name = unless(self.source, "bucket ", format!("bucket = \"{bucket}\""));
        let region = unless(
            self.destination,
            "region ",
            format!("region = \"{DESTINATION_REGION}\""),
        );
        let destinations = unless(
            self.resource,
            "destinations ",
            format!(
                "destinations = {{\n    backup = {{\n      {region}\n      {}\n    }}\n  }}",
                self.destination
            ),
        );
        format!(
            "resource \"replicated_bucket\" \"archive\" {{\n  source = {{\n    {name}\n    {}\n  }}\n  \
             {destinations}\n  {}\n}}\n",
            self.source, self.resource
        )
        .replace("BUCKET", bucket)
        .replace("KEY", KEY)
    }
}

/// Applies a configuration that cannot be done: one error, no write, nothing in state.
async fn refusal(setup: &Setup) -> Outcome<Diagnostic> {
    let before = setup.workspace.state_json().await?;
    setup.proxy.take_log();
    let run = setup.workspace.apply_json().await?.with_code(1)?;
    let log = setup.proxy.log();
    assert_eq!(log.writes().count(), 0, "{run}\n{log}");
    assert_eq!(setup.workspace.state_json().await?, before, "{run}");
    let mut errors = run.errors();
    match (errors.pop(), errors.is_empty()) {
        (Some(error), true) => Ok(error),
        _ => Err(format!("one error was expected from {run}").into()),
    }
}

fn assert_says(error: &Diagnostic, at: &str, says: &[&str]) {
    assert!(error.line.starts_with(at), "not at {at:?}:\n{error}");
    for fragment in says {
        let told = error.detail.contains(fragment) || error.summary.contains(fragment);
        assert!(told, "{fragment:?} is missing:\n{error}");
    }
}

async fn each_is_refused(mistakes: &[Mistake]) -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    for mistake in mistakes {
        setup
            .workspace
            .write("main.tf", &mistake.configuration(&setup.bucket))?;
        assert_says(&refusal(&setup).await?, mistake.at, mistake.says);
    }
    Ok(())
}

#[tokio::test]
async fn places_that_do_not_exist_or_do_not_fit() -> Outcome {
    each_is_refused(&[
        Mistake::destination(r#"region = "eu-wst-1""#, "region =", &["\"eu-wst-1\"", "Did you mean eu-west-1?"]),
        Mistake::destination(r#"region = "cn-north-1""#, "region =", &["partition aws-cn", "choose a region of aws"]),
        Mistake::destination(r#"account_id = "2222""#, "account_id =", &["exactly 12 digits"]),
        Mistake::destination(
            r#"account_id = "222222222222""#,
            "account_id =",
            &["leads to another account", "Write an assume_role", "`account` block"],
        ),
        Mistake::destination(
            r#"encryption = { sse_algorithm = "aws:kms", kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:KEY" }"#,
            "encryption =",
            &["The bucket is in us-west-2 and the key in eu-west-1", "leave `kms_key_arn` out"],
        ),
        // Where the region is the provider's own, only a plan can tell.
        Mistake::source(
            r#"encryption = { sse_algorithm = "aws:kms", kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:KEY" }"#,
            "encryption =",
            &["The bucket is in ap-southeast-2 and the key in eu-west-1"],
        ),
        Mistake::resource(
            r#"role = { existing_arn = "arn:aws:iam::222222222222:role/replication" }"#,
            "role =",
            &["the role in 222222222222", "leave `existing_arn` out"],
        ),
    ])
    .await
}

#[tokio::test]
async fn texts_that_are_no_arn_class_or_tag() -> Outcome {
    each_is_refused(&[
        Mistake::destination(
            r#"storage_class = "STANDARD-IA""#,
            "storage_class =",
            &["must be one of", "\"STANDARD_IA\""],
        ),
        Mistake::resource(
            r#"role = { existing_arn = "replication" }"#,
            "role =",
            &["role.existing_arn", "looks like arn:aws:iam::111111111111:role/Deploy"],
        ),
        Mistake::destination(
            r#"assume_role = { role_arn = "arn:aws:iam::1:role/Deploy" }"#,
            "assume_role ",
            &["assume_role.role_arn", "looks like arn:aws:iam::111111111111:role/Deploy"],
        ),
        Mistake::source(
            r#"encryption = { sse_algorithm = "aws:kms", kms_key_arn = "KEY" }"#,
            "encryption =",
            &["encryption.kms_key_arn", "looks like arn:aws:kms:eu-west-1:111111111111:key/"],
        ),
        Mistake::source(
            r#"encryption = { sse_algorithm = "aws:kms", kms_key_arn = "arn:aws:kms:ap-southeast-2:111111111111:alias/archive" }"#,
            "encryption =",
            &["is the ARN of an alias", "write the key's own ARN"],
        ),
        Mistake::source(r#"tags = { "aws:team" = "a" }"#, "tags =", &["\"aws:team\" is reserved"]),
        Mistake::resource(
            r#"tags = { "replicated:owner" = "me" }"#,
            "tags =",
            &["\"replicated:owner\" is reserved", "to this provider"],
        ),
    ])
    .await
}

#[tokio::test]
async fn bucket_names_that_s3_would_refuse() -> Outcome {
    each_is_refused(&[
        Mistake::source(
            r#"bucket = "Archive""#,
            "bucket =",
            &["contains 'A'", "only lower-case letters"],
        ),
        Mistake::source(
            r#"bucket = "ab""#,
            "bucket =",
            &["has 2 characters", "3 to 63"],
        ),
        Mistake::source(r#"bucket = "192.168.0.1""#, "bucket =", &["IP address"]),
        Mistake::source(
            r#"bucket = "xn--archive""#,
            "bucket =",
            &["begins with xn--, which S3 reserves"],
        ),
        Mistake::destination(
            r#"bucket = "archive--usw2-az1--x-s3""#,
            "bucket =",
            &["directory bucket", "--x-s3"],
        ),
        Mistake::destination(
            r#"bucket = "BUCKET""#,
            "bucket =",
            &["same bucket", "Write another name, or leave `bucket` out"],
        ),
        Mistake::resource(
            "destinations = {\n    a = { bucket = \"BUCKET-x\", region = \"us-west-2\" }\n    \
             b = { bucket = \"BUCKET-x\", region = \"us-west-2\" }\n  }",
            "b = {",
            &["One bucket under two keys", "is destination/a already"],
        ),
    ])
    .await
}

#[tokio::test]
async fn objects_that_say_nothing_or_contradict_themselves() -> Outcome {
    each_is_refused(&[
        Mistake::destination("encryption = {}", "encryption =", &["Nothing is written in here", "mistyped"]),
        // Terraform drops the unknown name, and what is left is empty.
        Mistake::source(
            r#"encryption = { algorithm = "aws:kms" }"#,
            "encryption =",
            &["Nothing is written in here", "mistyped"],
        ),
        Mistake::source("public_access_block = {}", "public_access_block =", &["Nothing is written in here"]),
        Mistake::resource("role = {}", "role =", &["Nothing is written in here"]),
        Mistake::source(
            r#"encryption = { sse_algorithm = "AES256", kms_key_arn = "arn:aws:kms:ap-southeast-2:111111111111:KEY" }"#,
            "encryption =",
            &["Not possible with AES256", "Write sse_algorithm = \"aws:kms\", or leave"],
        ),
        Mistake::resource("destinations = {}", "destinations =", &["at least one destination is needed"]),
        Mistake::resource(
            "destinations = {\n    backup = null\n  }",
            "destinations =",
            &["destination \"backup\" is null", "leave it out"],
        ),
        Mistake::resource(
            "destinations = {\n    a = { priority = 1, region = \"us-west-2\" }\n    \
             b = { priority = 1, region = \"us-west-2\" }\n  }",
            "b = {",
            &["destinations[\"a\"] has priority 1 already", "S3 wants each number once"],
        ),
    ])
    .await
}

#[tokio::test]
async fn missing_and_wrong_credentials() -> Outcome {
    const PROVIDER: &str = "provider \"replicated\" {";
    let mut setup = Setup::new(Client::from_python()?).await?;
    setup.configure("", "")?;
    setup.workspace.set("AWS_SECRET_ACCESS_KEY", "wrong");
    let error = refusal(&setup).await?;
    assert_says(
        &error,
        PROVIDER,
        &[
            "No valid credentials",
            "SignatureDoesNotMatch",
            "Renew them",
        ],
    );

    setup.workspace.set("AWS_ACCESS_KEY_ID", "AKIANOBODY");
    let error = refusal(&setup).await?;
    assert_says(
        &error,
        PROVIDER,
        &["No valid credentials", "InvalidClientTokenId", "Renew them"],
    );

    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        setup.workspace.unset(name);
    }
    let error = refusal(&setup).await?;
    let says = &[
        "No valid credentials",
        "access_key and secret_key, or profile",
        "AWS_* variables",
    ];
    assert_says(&error, PROVIDER, says);

    setup
        .workspace
        .write("provider.tf", &provider_file(r#"profile = "nobody""#))?;
    setup.workspace.set("AWS_REGION", SOURCE_REGION);
    let error = refusal(&setup).await?;
    assert_says(&error, "profile =", &["\"nobody\"", "no such profile"]);
    Ok(())
}

#[tokio::test]
async fn a_role_that_is_missing_or_does_not_trust_the_caller() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    let stranger = Emulator::shared()?.new_account();
    let strange_role = stranger.create_deploy_role(&stranger).await?;
    let careful_role = role_with_external_id(&setup.destination, &setup.source).await?;
    let missing_role = format!("arn:aws:iam::{}:role/Missing", setup.destination.id());
    let way_out = [
        "trust policy must allow this caller",
        "external ID",
        "allow sts:AssumeRole",
    ];
    for (way_in, role) in [
        (format!("role_arn = \"{missing_role}\""), &missing_role),
        (format!("role_arn = \"{strange_role}\""), &strange_role),
        (format!("role_arn = \"{careful_role}\""), &careful_role),
        (
            format!("role_arn = \"{careful_role}\", external_id = \"guess\""),
            &careful_role,
        ),
    ] {
        write_way_in(&setup, &way_in)?;
        let error = refusal(&setup).await?;
        assert_says(&error, "assume_role ", &way_out);
        assert_says(
            &error,
            "assume_role ",
            &["Cannot assume the role", "AccessDenied", role],
        );
    }
    write_way_in(
        &setup,
        &format!("role_arn = \"{careful_role}\", external_id = \"7-of-9\""),
    )?;
    setup.workspace.plan().await?.with_code(2)?;
    Ok(())
}

fn write_way_in(setup: &Setup, way_in: &str) -> Outcome {
    let text = format!(
        r#"resource "replicated_bucket" "archive" {{
  source = {{ bucket = "{}" }}
  destinations = {{
    backup = {{
      region      = "{DESTINATION_REGION}"
      assume_role = {{ {way_in} }}
    }}
  }}
}}
"#,
        setup.bucket
    );
    setup.workspace.write("main.tf", &text)
}

async fn role_with_external_id(account: &Account, trusted: &Account) -> Outcome<String> {
    let trust = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", trusted.id()) },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": "7-of-9" } },
        }],
    });
    let grants = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*" }],
    });
    let iam = account.clients(DESTINATION_REGION).iam;
    let made = iam
        .create_role()
        .role_name("Careful")
        .assume_role_policy_document(trust.to_string())
        .send()
        .await?;
    iam.put_role_policy()
        .role_name("Careful")
        .policy_name("deploy")
        .policy_document(grants.to_string())
        .send()
        .await?;
    Ok(made.role().ok_or("no role")?.arn().to_owned())
}

#[tokio::test]
async fn what_others_have_made_under_our_names() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    setup.configure("", "")?;
    let here = setup.at_source();
    let import = format!(
        "terraform import replicated_bucket.NAME {}/{}@{SOURCE_REGION},{}",
        setup.source.id(),
        setup.bucket,
        setup.destination.deploy_role_arn()
    );

    create_bucket(&here, &setup.bucket).await?;
    let error = refusal(&setup).await?;
    let thing = format!("Bucket {} is there already", setup.bucket);
    assert_says(
        &error,
        "bucket ",
        &[&thing, "not made by this provider", &import],
    );
    here.s3.delete_bucket().bucket(&setup.bucket).send().await?;

    let role = format!("replication-{}", setup.bucket);
    let trust = r#"{"Version": "2012-10-17", "Statement": []}"#;
    here.iam
        .create_role()
        .role_name(&role)
        .assume_role_policy_document(trust)
        .send()
        .await?;
    let error = refusal(&setup).await?;
    assert_says(
        &error,
        "resource ",
        &[
            &role,
            "role.existing_arn",
            "Choose another role.name",
            &import,
        ],
    );
    here.iam.delete_role().role_name(&role).send().await?;

    let there = setup.at_destination();
    let key = there.kms.create_key().send().await?;
    let key = key.key_metadata().ok_or("no key")?.key_id().to_owned();
    let alias = format!("alias/{}", setup.replica_bucket());
    there
        .kms
        .create_alias()
        .alias_name(&alias)
        .target_key_id(&key)
        .send()
        .await?;
    let error = refusal(&setup).await?;
    assert_says(
        &error,
        "backup =",
        &[&alias, &key, "encryption.kms_key_arn", &import],
    );
    there.kms.delete_alias().alias_name(&alias).send().await?;

    setup.workspace.plan().await?.with_code(2)?;
    Ok(())
}

#[tokio::test]
async fn a_bucket_name_that_another_account_has() -> Outcome {
    let setup = Setup::new(Client::from_python()?).await?;
    setup.configure("", "")?;
    let stranger = Emulator::shared()?.new_account().clients(SOURCE_REGION);
    create_bucket(&stranger, &setup.bucket).await?;
    let error = refusal(&setup).await?;
    let says = [
        "belongs to another account",
        "choose another name",
        setup.bucket.as_str(),
    ];
    assert_says(&error, "bucket ", &says);
    Ok(())
}

async fn create_bucket(clients: &Clients, bucket: &str) -> Outcome {
    let region = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(SOURCE_REGION))
        .build();
    clients
        .s3
        .create_bucket()
        .bucket(bucket)
        .create_bucket_configuration(region)
        .send()
        .await?;
    Ok(())
}
