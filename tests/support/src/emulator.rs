//! An emulated AWS on a loopback port, the accounts in it, and clients to look at what is there.
//!
//! One emulator serves a whole test process: every test makes accounts of its own, with random numbers,
//! so nothing needs to be reset and tests run side by side. Signatures and identity policies are checked.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::{Outcome, python};

/// Name of the role through which tests and demo enter an account.
pub const DEPLOY_ROLE: &str = "Deploy";

/// Attempts at finding a port that nobody takes between looking and listening.
const STARTS: usize = 5;

/// A running emulator. It ends when this is dropped, and when this process ends in whatever way.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    // Its standard input is what keeps the emulator running; one that was let go has no owner.
    owned: Option<Child>,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(child) = &mut self.owned {
            // Closes its standard input, and waits until it has cleaned up.
            let _ = child.wait();
        }
    }
}

/// An account of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    id: String,
    emulator: SocketAddr,
}

/// Clients for one account and region, with one set of credentials.
#[derive(Debug, Clone)]
pub struct Clients {
    /// S3, path style.
    pub s3: aws_sdk_s3::Client,
    /// KMS.
    pub kms: aws_sdk_kms::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
}

impl Emulator {
    /// The emulator that all tests of this process share.
    pub fn shared() -> Outcome<&'static Self> {
        static SHARED: OnceLock<Result<Emulator, String>> = OnceLock::new();
        match SHARED.get_or_init(|| Self::start().map_err(|error| error.to_string())) {
            Ok(emulator) => Ok(emulator),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// Starts an emulator that ends with this process.
    pub fn start() -> Outcome<Self> {
        let interpreter = python::interpreter()?;
        for _ in 0..STARTS {
            let mut child = Command::new(&interpreter)
                .arg(python::program("emulator.py"))
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut line = String::new();
            if let Some(stdout) = child.stdout.take() {
                BufReader::new(stdout).read_line(&mut line)?;
            }
            if let Some(port) = announced_port(&line) {
                return Ok(Self {
                    address: (Ipv4Addr::LOCALHOST, port).into(),
                    owned: Some(child),
                });
            }
            child.wait()?;
        }
        Err("the AWS emulator did not start; see tools/python/emulator.py".into())
    }

    /// Lets it run on when this process ends. Tells its process, which ends when it is terminated.
    pub fn keep(mut self) -> Outcome<u32> {
        let mut child = self.owned.take().ok_or("the emulator was let go before")?;
        let mut stdin = child.stdin.take().ok_or("the emulator has no input")?;
        stdin.write_all(b"keep\n")?;
        Ok(child.id())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An account that nobody else uses.
    pub fn new_account(&self) -> Account {
        // Account numbers do not begin with 0: such a key would not be taken for an account.
        self.account(&(100_000_000_000 + random() % 900_000_000_000).to_string())
    }

    /// The account with this number.
    pub fn account(&self, id: &str) -> Account {
        Account {
            id: id.to_owned(),
            emulator: self.address,
        }
    }
}

fn announced_port(line: &str) -> Option<u16> {
    let answer: serde_json::Value = serde_json::from_str(line).ok()?;
    answer["port"].as_u64()?.try_into().ok()
}

impl Account {
    /// The account's number.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The root user's credentials; the emulator lets them do everything.
    pub fn root(&self) -> Credentials {
        Credentials::new(&self.id, "test", None, None, "emulator")
    }

    /// Clients of the root user.
    pub fn clients(&self, region: &str) -> Clients {
        Clients::new(self.emulator, region, self.root())
    }

    /// The ARN of the deploy role.
    pub fn deploy_role_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/{DEPLOY_ROLE}", self.id)
    }

    /// Makes the deploy role, open to a trusted account, and allowed what replication needs.
    pub async fn create_deploy_role(&self, trusted: &Self) -> Outcome<String> {
        let iam = self.clients("us-east-1").iam;
        let trust = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:aws:iam::{}:root", trusted.id) },
                "Action": "sts:AssumeRole",
            }],
        });
        let grants = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Action": ["s3:*", "kms:*", "iam:*", "sts:*"],
                "Resource": "*",
            }],
        });
        iam.create_role()
            .role_name(DEPLOY_ROLE)
            .assume_role_policy_document(trust.to_string())
            .send()
            .await?;
        iam.put_role_policy()
            .role_name(DEPLOY_ROLE)
            .policy_name("deploy")
            .policy_document(grants.to_string())
            .send()
            .await?;
        Ok(self.deploy_role_arn())
    }

    /// Credentials of a session of the deploy role, entered from this account's root user.
    pub async fn deploy_session(&self) -> Outcome<Credentials> {
        let answer = self
            .clients("us-east-1")
            .sts
            .assume_role()
            .role_arn(self.deploy_role_arn())
            .role_session_name("terraform")
            .duration_seconds(12 * 60 * 60)
            .send()
            .await?;
        let session = answer
            .credentials
            .ok_or("the emulator answered AssumeRole without credentials")?;
        Ok(Credentials::new(
            session.access_key_id,
            session.secret_access_key,
            Some(session.session_token),
            None,
            "emulator",
        ))
    }
}

impl Clients {
    /// Clients that call this address with these credentials.
    pub fn new(address: SocketAddr, region: &str, credentials: Credentials) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .endpoint_url(format!("http://{address}"))
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            kms: aws_sdk_kms::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        }
    }
}

impl Clients {
    /// What there is in this account, and in this region for keys: buckets, keys that are not scheduled
    /// for deletion, aliases, customer managed policies, and roles but the deploy role. Sorted, one line each.
    pub async fn remains(&self) -> Outcome<Vec<String>> {
        let mut found = Vec::new();
        for bucket in self.s3.list_buckets().send().await?.buckets() {
            found.push(format!("bucket {}", bucket.name().unwrap_or_default()));
        }
        for key in self.kms.list_keys().send().await?.keys() {
            let id = key.key_id().unwrap_or_default();
            let described = self.kms.describe_key().key_id(id).send().await?;
            let deleted = described
                .key_metadata()
                .is_some_and(|key| key.deletion_date().is_some());
            if !deleted {
                found.push(format!("key {id}"));
            }
        }
        for alias in self.kms.list_aliases().send().await?.aliases() {
            let name = alias.alias_name().unwrap_or_default();
            if !name.starts_with("alias/aws/") {
                found.push(format!("alias {name}"));
            }
        }
        for role in self.iam.list_roles().send().await?.roles() {
            if role.role_name() != DEPLOY_ROLE {
                found.push(format!("role {}", role.role_name()));
            }
        }
        let policies = self
            .iam
            .list_policies()
            .scope(aws_sdk_iam::types::PolicyScopeType::Local);
        for policy in policies.send().await?.policies() {
            found.push(format!("policy {}", policy.arn().unwrap_or_default()));
        }
        found.sort();
        Ok(found)
    }

    /// The value of one tag of a bucket.
    pub async fn bucket_tag(&self, bucket: &str, key: &str) -> Outcome<Option<String>> {
        let tagging = self.s3.get_bucket_tagging().bucket(bucket).send().await?;
        let mut tags = tagging.tag_set().iter();
        Ok(tags
            .find(|tag| tag.key() == key)
            .map(|tag| tag.value().to_owned()))
    }
}

/// A bucket name that nobody else uses: bucket names are one name space across all accounts.
pub fn unique_name(prefix: &str) -> String {
    format!("{prefix}-{:012x}", random() & 0xffff_ffff_ffff)
}

/// Every `RandomState` has keys of its own, which is all the chance that names need.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
