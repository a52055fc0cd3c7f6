//! The proxy: what it writes down, and each fault as a caller sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::Outcome;
use support::emulator::{Account, Clients, Emulator, unique_name};
use support::proxy::{Action, Fault, Proxy, Rule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Bench {
    account: Account,
    proxy: Proxy,
    clients: Clients,
    bucket: String,
}

/// An account with a session of its deploy role, which makes the emulator check signatures.
async fn bench() -> Outcome<Bench> {
    let emulator = Emulator::shared()?;
    let account = emulator.new_account();
    account.create_deploy_role(&account).await?;
    let proxy = Proxy::start(emulator.address()).await?;
    let session = account.deploy_session().await?;
    Ok(Bench {
        clients: Clients::new(proxy.address(), "us-east-1", session),
        account,
        proxy,
        bucket: unique_name("proxy"),
    })
}

impl Bench {
    /// A call without the SDK, so without its retries: what came back, byte for byte.
    async fn raw_call(&self) -> std::io::Result<Vec<u8>> {
        let address = self.proxy.address();
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /_ministack/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    fn fault(&self, fault: Fault) -> Outcome {
        self.proxy.add_rule(Rule::on("/_ministack/health", fault)?);
        Ok(())
    }
}

#[tokio::test]
async fn calls_of_the_four_services_pass_signed_and_are_named() -> Outcome {
    let bench = bench().await?;
    let Clients { s3, kms, iam, sts } = &bench.clients;
    let bucket = &bench.bucket;
    s3.create_bucket().bucket(bucket).send().await?;
    s3.get_bucket_versioning().bucket(bucket).send().await?;
    s3.put_object()
        .bucket(bucket)
        .key("a b/ü+%.txt")
        .body(aws_sdk_s3::primitives::ByteStream::from_static(b"body"))
        .send()
        .await?;
    s3.head_object()
        .bucket(bucket)
        .key("a b/ü+%.txt")
        .send()
        .await?;
    kms.create_key().send().await?;
    iam.get_role().role_name("Deploy").send().await?;
    sts.get_caller_identity().send().await?;

    let log = bench.proxy.log();
    let named: Vec<_> = log
        .calls()
        .iter()
        .map(|call| {
            let service = call.scope.as_ref().map(|scope| scope.service.as_str());
            (service.unwrap_or("-"), call.operation.as_str())
        })
        .collect();
    assert_eq!(
        named,
        [
            ("s3", "CreateBucket"),
            ("s3", "GetBucketVersioning"),
            ("s3", "PutObject"),
            ("s3", "HeadObject"),
            ("kms", "CreateKey"),
            ("iam", "GetRole"),
            ("sts", "GetCallerIdentity"),
        ]
    );
    assert!(
        log.calls()
            .iter()
            .all(|call| call.status == Some(200) && call.ended.is_some() && call.attempt == 1),
        "{log}"
    );
    assert_eq!(log.writes().count(), 3, "{log}");
    Ok(())
}

#[tokio::test]
async fn a_session_made_through_the_proxy_tells_its_account() -> Outcome {
    let bench = bench().await?;
    let entered = bench
        .clients
        .sts
        .assume_role()
        .role_arn(bench.account.deploy_role_arn())
        .role_session_name("inner")
        .send()
        .await?;
    let session = entered.credentials().ok_or("no credentials")?;
    let credentials = aws_credential_types::Credentials::new(
        session.access_key_id(),
        session.secret_access_key(),
        Some(session.session_token().to_owned()),
        None,
        "test",
    );
    let inner = Clients::new(bench.proxy.address(), "eu-west-1", credentials);
    inner.s3.list_buckets().send().await?;
    let log = bench.proxy.log();
    let call = log.of("ListBuckets").next().ok_or("no call")?;
    assert_eq!(call.account.as_deref(), Some(bench.account.id()));
    let region = call.scope.as_ref().map(|scope| scope.region.as_str());
    assert_eq!(region, Some("eu-west-1"));
    Ok(())
}

#[tokio::test]
async fn attempts_of_the_sdk_are_told_apart() -> Outcome {
    let bench = bench().await?;
    let slow_down = "<Error><Code>SlowDown</Code><Message>scripted</Message></Error>";
    bench
        .proxy
        .add_rule(Rule::on(" ListBuckets$", Fault::Status(503, slow_down.to_owned()))?.times(1));
    bench.clients.s3.list_buckets().send().await?;
    let log = bench.proxy.log();
    let attempts: Vec<_> = log
        .of("ListBuckets")
        .map(|call| (call.attempt, call.status))
        .collect();
    assert_eq!(attempts, [(1, Some(503)), (2, Some(200))]);
    Ok(())
}

#[tokio::test]
async fn latency_lies_in_the_log_between_begin_and_end() -> Outcome {
    let bench = bench().await?;
    let latency = Duration::from_millis(30);
    bench.proxy.set_latency(latency);
    bench.raw_call().await?;
    bench.proxy.clear_rules();
    let log = bench.proxy.log();
    let call = &log.calls()[0];
    assert!(
        call.ended
            .is_some_and(|ended| ended - call.began >= latency)
    );
    Ok(())
}

#[tokio::test]
async fn a_call_cut_before_was_not_carried_out_and_one_cut_after_was() -> Outcome {
    let bench = bench().await?;
    // A second attempt of the SDK would hide the cut.
    let config = bench
        .clients
        .kms
        .config()
        .to_builder()
        .retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled())
        .build();
    let kms = aws_sdk_kms::Client::from_conf(config);
    let keys = async || -> Outcome<usize> { Ok(kms.list_keys().send().await?.keys().len()) };

    bench
        .proxy
        .add_rule(Rule::on(" CreateKey$", Fault::CutBefore)?);
    assert!(kms.create_key().send().await.is_err());
    assert_eq!(keys().await?, 0);

    bench.proxy.clear_rules();
    bench
        .proxy
        .add_rule(Rule::on(" CreateKey$", Fault::CutAfter)?);
    assert!(kms.create_key().send().await.is_err());
    assert_eq!(keys().await?, 1);

    let statuses: Vec<_> = bench
        .proxy
        .log()
        .of("CreateKey")
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [None, None]);
    Ok(())
}

#[tokio::test]
async fn a_truncated_answer_announces_more_than_comes() -> Outcome {
    let bench = bench().await?;
    let whole = bench.raw_call().await?;
    bench.fault(Fault::Truncate)?;
    let broken = bench.raw_call().await?;
    let body = |answer: &[u8]| -> Outcome<(String, usize)> {
        let text = String::from_utf8(answer.to_vec())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no head")?;
        Ok((head.to_lowercase(), body.len()))
    };
    let (whole_head, whole_length) = body(&whole)?;
    let (broken_head, broken_length) = body(&broken)?;
    let announced = format!("content-length: {whole_length}");
    assert!(whole_head.contains(&announced), "{whole_head}");
    assert!(broken_head.contains(&announced), "{broken_head}");
    assert_eq!(broken_length, whole_length / 2);
    Ok(())
}

#[tokio::test]
async fn a_garbled_answer_is_nonsense_of_the_same_length() -> Outcome {
    let bench = bench().await?;
    let whole = bench.raw_call().await?;
    bench.fault(Fault::Garble)?;
    let garbled = bench.raw_call().await?;
    assert_eq!(garbled.len(), whole.len());
    assert!(garbled.ends_with(b"%%%%"), "{garbled:?}");
    Ok(())
}

#[tokio::test]
async fn refused_connections_come_back_when_the_proxy_is_reopened() -> Outcome {
    let bench = bench().await?;
    bench.fault(Fault::Refuse)?;
    assert!(!matches!(bench.raw_call().await, Ok(answer) if !answer.is_empty()));
    assert!(bench.raw_call().await.is_err());
    bench.proxy.clear_rules();
    bench.proxy.reopen().await?;
    assert!(bench.raw_call().await?.starts_with(b"HTTP/1.1 200"));
    Ok(())
}

#[tokio::test]
async fn an_action_runs_once_before_or_after_its_call() -> Outcome {
    let bench = bench().await?;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let action = Action::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let line = "/_ministack/health";
    bench
        .proxy
        .add_rule(Rule::on(line, Fault::RunBefore(action.clone()))?.times(1));
    bench
        .proxy
        .add_rule(Rule::on(line, Fault::RunAfter(action))?.nth(2).times(1));
    for expected in [1, 2, 2] {
        let cut = bench
            .raw_call()
            .await
            .map_or(true, |answer| answer.is_empty());
        assert_eq!(
            (runs.load(Ordering::Relaxed), cut),
            (expected, bench.proxy.log().len() < 3)
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_delayed_or_hanging_call_does_not_hold_up_the_others() -> Outcome {
    for fault in [Fault::Delay(Duration::from_secs(600)), Fault::Hang] {
        let bench = bench().await?;
        bench
            .proxy
            .add_rule(Rule::on("/_ministack/health", fault)?.times(1));
        let held = bench.raw_call();
        let other = async {
            // The call that is held is the first to arrive.
            while bench.proxy.log().is_empty() {
                tokio::task::yield_now().await;
            }
            bench.raw_call().await
        };
        let (done, _) = futures::future::select(Box::pin(other), Box::pin(held))
            .await
            .factor_first();
        assert!(done?.starts_with(b"HTTP/1.1 200"));
        let log = bench.proxy.log();
        let ended: Vec<_> = log.calls().iter().map(|call| call.status).collect();
        assert_eq!(ended, [None, Some(200)]);
    }
    Ok(())
}
