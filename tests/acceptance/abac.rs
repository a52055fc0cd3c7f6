//! A bucket for which somebody has put attribute-based access control (ABAC) on, under real Terraform.
//!
//! The emulator has S3 Control's calls about tags but no ABAC, so the proxy refuses what S3 refuses then.

use support::Outcome;
use support::emulator::Emulator;
use support::proxy::{Fault, Proxy, Rule};
use support::terraform::Client;

use crate::setup::Setup;

const REFUSAL: &str = "<Error><Code>MethodNotAllowed</Code><Message>The specified method is not allowed against \
                       this resource.</Message></Error>";
const ENABLED: &str = "<AbacStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status>\
                       </AbacStatus>";

#[tokio::test]
async fn tags_change_key_by_key_at_the_endpoint_of_the_environment_or_of_the_block() -> Outcome {
    let mut setup = Setup::new(Client::from_python()?).await?;
    setup.configure(r#"tags = { old = "1", team = "a" }"#, "")?;
    setup.workspace.apply().await?.success()?;
    let refused = Fault::Status(405, REFUSAL.to_owned());
    let answered = Fault::Status(200, ENABLED.to_owned());
    for (call, fault) in [("PutBucketTagging", refused), ("GetBucketAbac", answered)] {
        let rule = Rule::on(&format!(" {call}$"), fault)?;
        setup.proxy.add_rule(rule);
    }
    // No name server knows these hosts: S3 Control is reached through a proxy, and everything else without it.
    let control = Proxy::start(Emulator::shared()?.address()).await?;
    setup
        .workspace
        .set("AWS_ENDPOINT_URL_S3_CONTROL", "http://environment.invalid");
    let proxy = format!(
        "http_proxy = \"http://{}\"\n  no_proxy = \"127.0.0.1\"",
        control.address()
    );
    let endpoint = "endpoints { s3control = \"http://block.invalid\" }";
    for (lines, host, team) in [
        (proxy.clone(), "environment.invalid", "b"),
        (format!("{proxy}\n  {endpoint}"), "block.invalid", "c"),
    ] {
        setup.provider(&lines)?;
        setup.configure(&format!("tags = {{ team = \"{team}\" }}"), "")?;
        control.take_log();
        setup.apply().await?;

        let log = control.log();
        let begin = format!("http://{}.{host}/v20180820/tags/", setup.source.id());
        assert!(
            log.calls().iter().all(|call| call.path.starts_with(&begin)),
            "{log}"
        );
        assert_eq!(log.of("TagResource").count(), 1, "{log}");
        let source = setup.at_source();
        let tag = source.bucket_tag(&setup.bucket, "team").await?;
        assert_eq!(tag.as_deref(), Some(team));
        assert_eq!(source.bucket_tag(&setup.bucket, "old").await?, None);
    }
    Ok(())
}
