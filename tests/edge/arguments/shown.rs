//! Where in a run it shows which value of an argument took effect.

use sha2::{Digest, Sha256};

use super::run::{Run, TERRAFORM, field};
use crate::server::Received;

const NOBODY: &str = "nobody";

/// The first request that is signed, to which service soever.
fn first_signed(run: &Run) -> Option<&Received> {
    let mut requests = run.requests.iter().map(|(_, received)| received);
    requests.find(|received| received.scope().len() > 3)
}

/// A part of the scope of the first signature: 0 is the access key, 2 the region.
fn of_scope(run: &Run, index: usize) -> String {
    first_signed(run).map_or(NOBODY.to_owned(), |signed| signed.scope()[index].clone())
}

/// The region that STS is asked in.
pub(super) fn region(run: &Run) -> String {
    of_scope(run, 2)
}

/// The key that signs.
pub(super) fn access_key(run: &Run) -> String {
    of_scope(run, 0)
}

/// The session token that goes with the first signature.
pub(super) fn token(run: &Run) -> String {
    first_signed(run).map_or(NOBODY.to_owned(), |signed| {
        signed.header("x-amz-security-token").to_owned()
    })
}

/// Which of these secret keys signed.
pub(super) fn secret_key(run: &Run) -> String {
    let Some(signed) = first_signed(run) else {
        return NOBODY.to_owned();
    };
    let secrets = ["secret-of-block", "secret-of-variable", "secret-of-profile"];
    let signed_by = secrets
        .into_iter()
        .find(|secret| is_signed_by(signed, secret));
    signed_by.unwrap_or("none of these").to_owned()
}

/// Whether a secret key made the signature of a request whose body is a form (AWS signature, version 4).
fn is_signed_by(received: &Received, secret: &str) -> bool {
    let authorization = received.header("authorization");
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(name).unwrap();
        rest.split(',').next().unwrap().trim()
    };
    let names = part("SignedHeaders=");
    let headers = names.split(';');
    let headers: String = headers
        .map(|name| format!("{name}:{}\n", received.header(name)))
        .collect();
    let payload = hex(&Sha256::digest(&received.body));
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{payload}");
    let scope = received.scope()[1..].join("/");
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        received.header("x-amz-date"),
        hex(&Sha256::digest(canonical))
    );
    let key = scope
        .split('/')
        .fold(format!("AWS4{secret}").into_bytes(), |key, step| {
            hmac(&key, step)
        });
    hex(&hmac(&key, &text)) == part("Signature=")
}

/// HMAC with SHA-256, for keys of at most one block.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text);
    let outer = Sha256::new().chain_update(padded(0x5c));
    outer.chain_update(inner.finalize()).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The servers that got a request at all.
pub(super) fn reached(run: &Run) -> String {
    let mut names: Vec<&str> = run.requests.iter().map(|(name, _)| *name).collect();
    names.dedup();
    match names.is_empty() {
        true => NOBODY.to_owned(),
        false => names.join(" "),
    }
}

/// The server that got the requests of a service.
pub(super) fn reached_for(service: &'static str) -> impl Fn(&Run) -> String {
    move |run| {
        let of_service =
            |received: &Received| received.scope().get(3).is_some_and(|s| s == service);
        let mut requests = run.requests.iter();
        let found = requests.find(|(_, received)| of_service(received));
        found.map_or(NOBODY, |(name, _)| name).to_owned()
    }
}

/// The host that a proxy is asked for first.
pub(super) fn host(run: &Run) -> String {
    let lines = run.requests.iter().map(|(_, received)| &received.operation);
    let mut hosts = lines.filter_map(|line| line.strip_prefix("CONNECT "));
    let host = hosts.next().unwrap_or(NOBODY);
    host.trim_end_matches(":443").to_owned()
}

/// The address at which the destination's bucket is looked for.
pub(super) fn bucket_address(run: &Run) -> String {
    let lines = run.requests.iter().map(|(_, received)| &received.operation);
    let mut addresses = lines.filter_map(|line| line.strip_prefix("HEAD "));
    let address = addresses.find(|address| address.contains("backup"));
    address.unwrap_or(NOBODY).to_owned()
}

/// How often the first call is attempted.
pub(super) fn attempts(run: &Run) -> String {
    run.all("GetCallerIdentity").len().to_string()
}

/// The mode of retries, which the SDK tells in the user agent (`m/E` is standard, `m/F` adaptive).
pub(super) fn retry_mode(run: &Run) -> String {
    let agent = run.requests[0].1.header("x-amz-user-agent");
    let features = agent.split(' ').find_map(|word| word.strip_prefix("m/"));
    let mut features = features.unwrap_or_default().split(',');
    let mode = features.find_map(|feature| match feature {
        "E" => Some("standard"),
        "F" => Some("adaptive"),
        _ => None,
    });
    mode.unwrap_or("neither").to_owned()
}

/// What follows our own words in the user agent.
pub(super) fn products(run: &Run) -> String {
    let agent = run.requests[0].1.header("user-agent");
    let (_, products) = agent
        .split_once(&format!("(+terraform/{TERRAFORM})"))
        .unwrap();
    products.trim().to_owned()
}

/// Whether the server with a certificate of its own is trusted.
pub(super) fn trust(run: &Run) -> String {
    let refused = run.said.iter().any(|line| line.contains("certificate"));
    if refused { "refused" } else { "trusted" }.to_owned()
}

/// How often AWS is asked whose the credentials are until the provider is configured.
pub(super) fn validations(run: &Run) -> String {
    run.while_configuring.to_string()
}

/// How often AWS is asked whose the credentials are.
pub(super) fn account_requests(run: &Run) -> String {
    format!(
        "{} requests, {}",
        run.all("GetCallerIdentity").len(),
        outcome(run)
    )
}

/// The first thing that is told, without its details.
pub(super) fn outcome(run: &Run) -> String {
    let first = run.said.first().and_then(|line| line.split(": ").next());
    first.unwrap_or("nothing to tell").to_owned()
}

/// The default tags that a bucket is planned with.
pub(super) fn default_tags(run: &Run) -> String {
    let tags = run.planned.attribute("source").attribute("tags_all");
    match tags {
        terraform_provider_replicated::framework::value::Value::Map(tags) => {
            let tags = tags.iter();
            let tags: Vec<String> = tags
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect();
            tags.join(" ")
        }
        other => format!("{other:?}"),
    }
}

/// Those of these tags that cannot be written because they are ignored.
pub(super) fn ignored_tags(run: &Run) -> String {
    let told = run.said.join("\n");
    let keys = ["cost", "owner", "scanner:run", "team:name"];
    let ignored: Vec<&str> = keys.into_iter().filter(|key| told.contains(key)).collect();
    ignored.join(" ")
}

/// A field of the first request of an operation of STS.
pub(super) fn session(operation: &'static str, name: &'static str) -> impl Fn(&Run) -> String {
    move |run| {
        let requests = run.all(operation);
        let Some(request) = requests.first() else {
            return "no session".to_owned();
        };
        match field(request, name) {
            Some(text) if text.starts_with("terraform-replicated-") => "the run's own".to_owned(),
            Some(text) => text,
            None => "not sent".to_owned(),
        }
    }
}

/// The roles that are assumed, each with who signs for it.
pub(super) fn chain(run: &Run) -> String {
    let mut steps: Vec<String> = Vec::new();
    for request in run.all("AssumeRole") {
        let arn = field(request, "RoleArn").unwrap_or_default();
        let role = arn.rsplit('/').next().unwrap_or_default().to_owned();
        steps.push(format!("{} for {role}", request.scope()[0]));
    }
    steps.join(", ")
}

/// The key that signs the requests to S3.
pub(super) fn s3_key(run: &Run) -> String {
    let mut requests = run.requests.iter().map(|(_, received)| received.scope());
    let scope = requests.find(|scope| scope.get(3).is_some_and(|s| s == "s3"));
    scope.map_or(NOBODY.to_owned(), |scope| scope[0].clone())
}
