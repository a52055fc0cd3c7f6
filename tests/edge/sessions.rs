//! Credentials: begun once, shared, renewed, and reported for what they are.

use std::fs;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use terraform_provider_replicated::aws::{AwsCloud, Secret};
use terraform_provider_replicated::execution::cloud::{CallErrorKind, Cloud};
use terraform_provider_replicated::replication::ids::{AssumeRole, Location, WayIn, WebIdentity};
use terraform_provider_replicated::replication::operation::Query;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::server::{Received, Reply, Server};
use crate::setting::{ACCOUNT, BUCKET, assumed, at, cloud, config, region, roles, through};

const LONG: &str = "2099-01-01T00:00:00Z";
const PAST: &str = "2020-01-01T00:00:00Z";

/// An AWS in which every role can be assumed and every read succeeds.
async fn open_aws(ends: &'static str) -> Server {
    Server::start(move |received, _| answer(received, ends)).await
}

fn answer(received: &Received, ends: &str) -> Reply {
    match received.operation.as_str() {
        "AssumeRole" => Reply::ok(&assumed(&role_of(received), ends)),
        "GetCallerIdentity" => Reply::ok(&format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/operator</Arn><UserId>AIDA1</UserId>\
             <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )),
        _ => Reply::ok("{}"),
    }
}

fn role_of(received: &Received) -> String {
    let (_, rest) = received.body.split_once("role%2F").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

fn read() -> Query {
    Query::GetBucketPolicy {
        bucket: BUCKET.to_owned(),
    }
}

#[tokio::test]
async fn twenty_first_uses_at_once_assume_the_role_once() {
    let server = open_aws(LONG).await;
    let cloud = cloud(&server.url);
    let places: Vec<Location> = ["eu-west-1", "us-west-2"]
        .map(|code| through(code, roles(&["Deploy"])))
        .into_iter()
        .cycle()
        .take(20)
        .collect();
    let queries = [read(), Query::ListKeys];
    let answers = join_all(
        places
            .iter()
            .zip(queries.iter().cycle())
            .map(|(location, query)| cloud.query(location, query)),
    )
    .await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.count("AssumeRole"), 1);
    let others = server.received().into_iter();
    for request in others.filter(|request| request.operation != "AssumeRole") {
        assert_eq!(request.scope()[0], "AKIDDeploy");
        assert_eq!(
            request.header("x-amz-security-token"),
            "hidden-token-Deploy"
        );
    }
}

#[tokio::test]
async fn an_assumed_role_says_itself_whose_it_is() {
    let server = open_aws(LONG).await;
    let identity = cloud(&server.url)
        .enter(&roles(&["Deploy"]), &region("us-west-2"))
        .await
        .unwrap();
    assert_eq!(identity.account.as_str(), ACCOUNT);
    assert_eq!(identity.partition.as_str(), "aws");
    assert_eq!(
        identity.arn,
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/s")
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn base_credentials_are_asked_once_whose_they_are() {
    let server = open_aws(LONG).await;
    let cloud = cloud(&server.url);
    let (way_in, region) = (WayIn::default(), region("us-west-2"));
    let (first, second) =
        tokio::join!(cloud.enter(&way_in, &region), cloud.enter(&way_in, &region));
    assert_eq!(first, second);
    assert_eq!(
        first.unwrap().arn,
        format!("arn:aws:iam::{ACCOUNT}:user/operator")
    );
    assert_eq!(server.count("GetCallerIdentity"), 1);
}

#[tokio::test]
async fn chains_share_their_beginning_and_each_role_signs_for_the_next() {
    let server = open_aws(LONG).await;
    let cloud = cloud(&server.url);
    for chain in [&["Hub", "Left"], &["Hub", "Right"]] {
        cloud
            .query(&through("eu-west-1", roles(chain)), &read())
            .await
            .unwrap();
    }
    let assumed: Vec<(String, String)> = server
        .received()
        .iter()
        .filter(|request| request.operation == "AssumeRole")
        .map(|request| (request.scope()[0].clone(), role_of(request)))
        .collect();
    let expected = [
        ("AKIDBASE", "Hub"),
        ("AKIDHub", "Left"),
        ("AKIDHub", "Right"),
    ];
    assert_eq!(
        assumed,
        expected.map(|(signer, role)| (signer.to_owned(), role.to_owned()))
    );
}

#[tokio::test]
async fn an_assume_role_carries_everything_that_was_written() {
    let server = open_aws(LONG).await;
    let role = AssumeRole {
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/Deploy"),
        session_name: Some("mine".to_owned()),
        external_id: Some("ext".to_owned()),
        duration_seconds: Some(900),
        policy: Some("{}".to_owned()),
        policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
        source_identity: Some("person".to_owned()),
        tags: [("team".to_owned(), "storage".to_owned())].into(),
        transitive_tag_keys: vec!["team".to_owned()],
    };
    let way_in = WayIn {
        profile: None,
        web_identity: None,
        assume_role: vec![role],
    };
    let cloud = cloud(&server.url);
    cloud.enter(&way_in, &region("eu-west-1")).await.unwrap();
    cloud
        .enter(&roles(&["Plain"]), &region("eu-west-1"))
        .await
        .unwrap();
    let received = server.received();
    for part in [
        "RoleSessionName=mine",
        "ExternalId=ext",
        "DurationSeconds=900",
        "Policy=%7B%7D",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
        "SourceIdentity=person",
        "Tags.member.1.Key=team",
        "Tags.member.1.Value=storage",
        "TransitiveTagKeys.member.1=team",
    ] {
        assert!(received[0].body.contains(part), "{part}");
    }
    assert!(
        received[1]
            .body
            .contains("RoleSessionName=terraform-replicated-0123abcd")
    );
    for absent in ["Tags.member", "ExternalId", "DurationSeconds"] {
        assert!(!received[1].body.contains(absent), "{absent}");
    }
}

#[tokio::test]
async fn sts_is_asked_in_the_providers_region_wherever_the_bucket_is() {
    let server = open_aws(LONG).await;
    cloud(&server.url)
        .enter(&roles(&["Deploy"]), &region("us-west-2"))
        .await
        .unwrap();
    assert_eq!(server.received()[0].scope()[2], "eu-west-1");
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_a_matter_of_credentials_not_of_the_bucket() {
    let server = Server::start(|_, _| Reply::query_error(403, "AccessDenied")).await;
    let error = cloud(&server.url)
        .query(&through("eu-west-1", roles(&["Deploy"])), &read())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Credentials);
    assert_eq!(error.call, "sts:AssumeRole");
    assert_eq!(error.subject, format!("arn:aws:iam::{ACCOUNT}:role/Deploy"));
    assert_eq!(error.code.as_deref(), Some("AccessDenied"));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_session_that_aws_calls_expired_is_an_error_of_credentials_and_begun_anew_next_time() {
    let server = Server::start(|received, earlier| match received.operation.as_str() {
        "AssumeRole" => answer(received, LONG),
        _ if earlier == 0 => Reply::s3_error(400, "ExpiredToken"),
        _ => Reply::ok("{}"),
    })
    .await;
    let cloud = cloud(&server.url);
    let location = through("eu-west-1", roles(&["Deploy"]));
    let error = cloud.query(&location, &read()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Credentials);
    assert_eq!(error.code.as_deref(), Some("ExpiredToken"));
    assert_eq!(server.count("AssumeRole"), 1);
    cloud.query(&location, &read()).await.unwrap();
    assert_eq!(server.count("AssumeRole"), 2);
}

#[tokio::test]
async fn twenty_refusals_at_once_begin_one_new_session() {
    let server = Server::start(|received, earlier| match received.operation.as_str() {
        "AssumeRole" if earlier == 0 => answer(received, LONG),
        "AssumeRole" => Reply::ok(&assumed("Second", LONG)),
        _ if received.scope()[0] == "AKIDDeploy" => Reply::s3_error(400, "ExpiredToken"),
        _ => Reply::ok("{}"),
    })
    .await;
    let cloud = cloud(&server.url);
    let location = through("eu-west-1", roles(&["Deploy"]));
    let ask_twice = || async {
        let refused = cloud.query(&location, &read()).await;
        let again = cloud.query(&location, &read()).await;
        (refused.is_ok(), again.is_ok())
    };
    let answers = join_all((0..20).map(|_| ask_twice())).await;
    assert!(answers.iter().all(|(_, again)| *again), "{answers:?}");
    assert_eq!(server.count("AssumeRole"), 2);
}

#[tokio::test]
async fn a_session_at_its_end_is_renewed_before_the_next_call() {
    let server = open_aws(PAST).await;
    let cloud = cloud(&server.url);
    let location = through("eu-west-1", roles(&["Deploy"]));
    cloud.query(&location, &Query::ListKeys).await.unwrap();
    let before = server.count("AssumeRole");
    cloud.query(&location, &Query::ListKeys).await.unwrap();
    assert!(server.count("AssumeRole") > before);
}

#[tokio::test]
async fn a_profile_is_read_from_the_files_that_the_configuration_names() {
    let server = open_aws(LONG).await;
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("credentials");
    fs::write(
        &credentials,
        "[backup]\naws_access_key_id = AKIDBACKUP\naws_secret_access_key = s\n",
    )
    .unwrap();
    let settings = folder.path().join("config");
    fs::write(&settings, "[profile backup]\nregion = us-west-2\n").unwrap();
    let mut config = config(&server.url);
    config.shared_credentials_files = vec![credentials];
    config.shared_config_files = vec![settings];
    let way_in = WayIn {
        profile: Some("backup".to_owned()),
        ..WayIn::default()
    };
    AwsCloud::new(config)
        .unwrap()
        .query(&through("eu-west-1", way_in), &read())
        .await
        .unwrap();
    assert_eq!(server.received()[0].scope()[0], "AKIDBACKUP");
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_an_error_of_credentials_that_names_it() {
    let server = open_aws(LONG).await;
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let mut config = config(&server.url);
    config.shared_credentials_files = vec![empty.clone()];
    config.shared_config_files = vec![empty];
    let way_in = WayIn {
        profile: Some("nobody".to_owned()),
        ..WayIn::default()
    };
    let error = AwsCloud::new(config)
        .unwrap()
        .enter(&way_in, &region("eu-west-1"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Credentials);
    assert_eq!(error.subject, "profile \"nobody\"");
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn a_web_identity_takes_the_place_of_the_base_credentials() {
    let server = Server::start(|received, _| match received.operation.as_str() {
        "AssumeRoleWithWebIdentity" => {
            Reply::ok(&assumed("Ci", LONG).replace("AssumeRoleRes", "AssumeRoleWithWebIdentityRes"))
        }
        _ => answer(received, LONG),
    })
    .await;
    let mut config = config(&server.url);
    let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/Ci");
    config.web_identity_tokens = [(role_arn.clone(), Secret::new("oidc-token"))].into();
    config.web_identity = Some(WebIdentity {
        role_arn,
        ..WebIdentity::default()
    });
    AwsCloud::new(config)
        .unwrap()
        .query(&through("eu-west-1", roles(&["Deploy"])), &read())
        .await
        .unwrap();
    let received = server.received();
    assert!(received[0].body.contains("WebIdentityToken=oidc-token"));
    assert_eq!(received[0].header("authorization"), "");
    assert_eq!(received[1].scope()[0], "AKIDCi");
    assert_eq!(received[2].scope()[0], "AKIDDeploy");
}

/// Writes down what our own target logs.
struct Log(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        // Terraform's log gets only events whose target is a module of ours.
        if event
            .metadata()
            .target()
            .starts_with("terraform_provider_replicated::")
        {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
}

#[tokio::test]
async fn each_call_is_logged_with_its_place_and_outcome_and_without_secrets() {
    // With one subscriber alone, an event that another test's thread meets first is switched off for good.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::registry().with(Log(Arc::clone(&lines)));
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(|received, _| match received.operation.as_str() {
        "AssumeRole" => answer(received, LONG),
        _ => Reply::s3_error(404, "NoSuchBucketPolicy"),
    })
    .await;
    let cloud = cloud(&server.url);
    let location = through("us-west-2", roles(&["Deploy"]));
    cloud.query(&location, &read()).await.unwrap_err();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("sts:AssumeRole"));
    for part in [
        "s3:GetBucketPolicy",
        BUCKET,
        ACCOUNT,
        "us-west-2",
        "NotFound",
        "NoSuchBucketPolicy",
        "duration_ms",
    ] {
        assert!(lines[1].contains(part), "{part}: {}", lines[1]);
    }
    assert!(
        !lines.iter().any(|line| line.contains("hidden")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_configured_region_is_the_default_region() {
    let cloud = cloud("http://127.0.0.1:1");
    assert_eq!(cloud.default_region().await, Some(at("eu-west-1").region));
}
