//! What the product says of documents, against an emulated AWS that enforces them: random documents of a role, what
//! bounds it, buckets at home and abroad and a key; real requests of a session of that role over HTTP; and each has to
//! be refused by both or by neither.
//!
//! Left out by name, because the emulator is known to judge it otherwise than AWS does, or not at all:
//!
//! - `NotPrincipal`: a statement with it is about nobody there.
//! - Principals of roles in another account: whoever comes from abroad is the root of that account there, so policies
//!   abroad name accounts, and their conditions are none on whoever asks but on the account.
//! - Keys abroad, which the emulator does not find, and what S3 itself asks of keys and for replication, which it never
//!   checks.
//! - `aws:PrincipalArn`: that of AWS is the role's, the emulator's the session's. It is compared, as what it is there.
//! - `aws:ResourceAccount` abroad, which is the account of whoever asks there, and tags of objects abroad, which the
//!   policies of whoever asks do not see there.
//! - Wildcards that would reach from one field of an ARN into the next: the emulator takes ARNs for plain texts.
//! - `Null` with several values, policy variables, dates and addresses: of these the product claims nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryption, VersioningConfiguration};
use serde_json::{Value as Json, json};
use support::closing::{number, say};
use support::dice::Dice;
use support::emulator::{Account, Clients, Emulator, unique_name};
use terraform_provider_replicated::replication::permission::{Deciding, Policies};
use terraform_provider_replicated::replication::policy::{
    Decision, PolicyDocument, Request, evaluate,
};

const REGION: &str = "us-east-1";
const ROLE: &str = "Reader";
const SESSION: &str = "s3-replication";
const CLASS: &str = "s3:ExistingObjectTag/class";

/// How many sets of documents are tried; each answers every request.
fn times() -> u64 {
    number("ENFORCEMENT_TIMES").unwrap_or(60)
}

/// Two accounts with a bucket each, and in the first one a role and a key.
struct World {
    home: Account,
    root: Clients,
    away: Clients,
    bucket: String,
    bucket_away: String,
    key: String,
    versions: BTreeMap<String, String>,
    ciphertext: Blob,
    /// A session of the role.
    session: Clients,
}

/// A bucket with versions and two objects that anybody's policy may open.
async fn make_bucket(clients: &Clients, tagging: &str) -> (String, BTreeMap<String, String>) {
    let s3 = &clients.s3;
    let name = unique_name("enforced");
    s3.create_bucket().bucket(&name).send().await.unwrap();
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let versioning = s3.put_bucket_versioning().bucket(&name);
    let versioning = versioning.versioning_configuration(on.build());
    versioning.send().await.unwrap();
    let block = s3.delete_public_access_block().bucket(&name);
    block.send().await.unwrap();
    let mut versions = BTreeMap::new();
    for (key, tags) in [("logs/a", tagging), ("other/b", "")] {
        let put = s3.put_object().bucket(&name).key(key).tagging(tags);
        let put = put.body(ByteStream::from_static(b"a"));
        let version = put.send().await.unwrap().version_id.unwrap();
        versions.insert(key.to_owned(), version);
    }
    (name, versions)
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::shared().unwrap();
        let (home, away) = (emulator.new_account(), emulator.new_account());
        let (root, away) = (home.clients(REGION), away.clients(REGION));
        let (bucket, versions) = make_bucket(&root, "class=open").await;
        let (bucket_away, _) = make_bucket(&away, "").await;
        let made = root.kms.create_key().send().await.unwrap();
        let key = made.key_metadata.unwrap().arn.unwrap();
        let encrypted = root.kms.encrypt().key_id(&key).plaintext(Blob::new("a"));
        let ciphertext = encrypted.send().await.unwrap().ciphertext_blob.unwrap();
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", home.id()) },
            "Action": "sts:AssumeRole",
        }] });
        let role = root.iam.create_role().role_name(ROLE);
        let role = role.assume_role_policy_document(trust.to_string());
        role.send().await.unwrap();
        let assumed = root.sts.assume_role().role_session_name(SESSION);
        let assumed = assumed.role_arn(format!("arn:aws:iam::{}:role/{ROLE}", home.id()));
        let given = assumed.send().await.unwrap().credentials.unwrap();
        let credentials = aws_credential_types::Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "emulator",
        );
        let session = Clients::new(emulator.address(), REGION, credentials);
        Self {
            home,
            root,
            away,
            bucket,
            bucket_away,
            key,
            versions,
            ciphertext,
            session,
        }
    }

    fn role(&self) -> String {
        format!("arn:aws:iam::{}:role/{ROLE}", self.home.id())
    }

    fn arn_of_session(&self) -> String {
        let home = self.home.id();
        format!("arn:aws:sts::{home}:assumed-role/{ROLE}/{SESSION}")
    }
}

/// The documents of one case.
#[derive(Debug)]
struct Documents {
    role: Vec<Json>,
    boundary: Option<Json>,
    bucket: Option<Json>,
    bucket_away: Option<Json>,
    key: Json,
}

/// Random statements about what is in a world.
struct Chance<'a> {
    dice: Dice,
    world: &'a World,
}

const ACTIONS: [&str; 22] = [
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "S3:getobject",
    "s3:GetObject*",
    "s3:GetObjectVersion",
    "s3:GetObjectVersion*",
    "s3:GetObjectVersionAcl",
    "s3:PutObject",
    "s3:?utObject",
    "s3:List*",
    "s3:ListBucket",
    "s3:GetBucket*",
    "s3:GetReplicationConfiguration",
    "kms:*",
    "kms:Encrypt",
    "KMS:Generate*",
    "kms:De*",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Tag*",
];

/// A condition's keys with the operators and values that suit them.
const CONDITIONS: [(&str, &[&str], &[&str]); 9] = [
    ("aws:SecureTransport", &["Bool"], &["true", "false"]),
    (
        "aws:RequestedRegion",
        STRINGS,
        &["us-east-1", "us-*", "eu-west-1"],
    ),
    (
        "aws:PrincipalAccount",
        STRINGS,
        &["<home>", "222222222222", "*"],
    ),
    ("aws:SourceVpce", STRINGS, &["vpce-1", "vpce-*"]),
    (
        "aws:SourceArn",
        ARNS,
        &["arn:aws:s3:::*", "arn:aws:s3:::<bucket>"],
    ),
    ("s3:prefix", STRINGS, &["logs/", "LOGS/", "*gs/", "other/"]),
    ("s3:max-keys", NUMBERS, &["10", "9.5", "1000"]),
    (
        "s3:x-amz-server-side-encryption",
        STRINGS,
        &["AES256", "aws:kms", "aes256"],
    ),
    (CLASS, STRINGS, &["open", "Open", "o?en", "closed"]),
];

/// Those that the emulator does not know of whoever comes from abroad.
const OF_HOME: [(&str, &[&str], &[&str]); 5] = [
    (
        "aws:PrincipalType",
        STRINGS,
        &["AssumedRole", "User", "Assumed*"],
    ),
    (
        "aws:PrincipalArn",
        ARNS,
        &[
            "<session>",
            "arn:aws:sts::*:assumed-role/*",
            "arn:aws:iam::*:role/*",
        ],
    ),
    (
        "kms:ViaService",
        STRINGS,
        &["s3.us-east-1.amazonaws.com", "s3.*"],
    ),
    (
        "aws:RequestTag/team",
        STRINGS,
        &["archive", "Archive", "a*"],
    ),
    ("aws:TagKeys", SETS, &["team", "t*", "other", "stage"]),
];

const STRINGS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const ARNS: &[&str] = &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"];
const NUMBERS: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const SETS: &[&str] = &[
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringNotEquals",
    "ForAnyValue:StringLike",
    "ForAllValues:StringEquals",
    "ForAllValues:StringLike",
    "ForAllValues:StringNotLike",
];

impl Chance<'_> {
    fn some(&mut self, among: &[String]) -> Vec<String> {
        let count = 1 + self.dice.below(3);
        (0..count)
            .map(|_| self.dice.one_of(among).clone())
            .collect()
    }

    fn resources(&self) -> Vec<String> {
        let World {
            bucket,
            bucket_away,
            key,
            ..
        } = self.world;
        let account = self.world.home.id();
        let of_buckets = ["", "/*", "/logs/*", "/?ogs/a", "/other/*"];
        let of_buckets = of_buckets
            .iter()
            .flat_map(|rest| [bucket, bucket_away].map(|b| format!("arn:aws:s3:::{b}{rest}")));
        let others = [
            "*".to_owned(),
            "*".to_owned(),
            "arn:aws:s3:::*".to_owned(),
            "arn:aws:s3:::enforced-*/a".to_owned(),
            key.clone(),
            format!("arn:aws:kms:*:{account}:key/*"),
            "arn:aws:kms:eu-west-1:*:key/*".to_owned(),
        ];
        of_buckets.chain(others).collect()
    }

    fn condition(&mut self, of_home: bool) -> Json {
        let mut condition = json!({});
        if self.dice.once_in(2) {
            return condition;
        }
        for _ in 0..=self.dice.below(2) {
            let mut all = CONDITIONS.to_vec();
            all.extend(OF_HOME.iter().filter(|_| of_home));
            let (key, operators, values) = *self.dice.one_of(&all);
            let key = match self.dice.once_in(4) {
                true => key.to_lowercase(),
                false => key.to_owned(),
            };
            let operator = *self.dice.one_of(operators);
            if self.dice.once_in(6) {
                condition["Null"][key] = json!(*self.dice.one_of(&["true", "false"]));
                continue;
            }
            let operator = match self.dice.once_in(4) {
                true => format!("{operator}IfExists"),
                false => operator.to_owned(),
            };
            let values: Vec<String> = values
                .iter()
                .map(|value| {
                    value
                        .replace("<home>", self.world.home.id())
                        .replace("<bucket>", &self.world.bucket)
                        .replace("<session>", &self.world.arn_of_session())
                })
                .collect();
            condition[operator][key] = json!(self.some(&values));
        }
        condition
    }

    fn statement(&mut self, principals: &[Json], of_home: bool, denies_once_in: usize) -> Json {
        let deny = self.dice.once_in(denies_once_in);
        let mut statement = json!({
            "Effect": if deny { "Deny" } else { "Allow" },
            "Condition": self.condition(of_home),
        });
        let actions: Vec<String> = ACTIONS.map(str::to_owned).into();
        let (not_action, not_resource) = (self.dice.once_in(8), self.dice.once_in(8));
        let action = if not_action { "NotAction" } else { "Action" };
        let resource = if not_resource {
            "NotResource"
        } else {
            "Resource"
        };
        statement[action] = json!(self.some(&actions));
        statement[resource] = json!(self.some(&self.resources()));
        if !principals.is_empty() {
            statement["Principal"] = self.dice.one_of(principals).clone();
        }
        statement
    }

    fn document(&mut self, principals: &[Json], of_home: bool, begins: Option<Json>) -> Json {
        let count = 1 + self.dice.below(4);
        let more = (0..count).map(|_| self.statement(principals, of_home, 5));
        let statements: Vec<Json> = begins.into_iter().chain(more).collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    fn documents(&mut self) -> Documents {
        let home = self.world.home.id();
        let root = format!("arn:aws:iam::{home}:root");
        let named = [
            json!("*"),
            json!({ "AWS": "*" }),
            json!({ "AWS": self.world.role() }),
            json!({ "AWS": [home, "222222222222"] }),
            json!({ "AWS": root }),
            json!({ "AWS": [self.world.role(), "222222222222"] }),
            json!({ "AWS": "arn:aws:iam::222222222222:root" }),
            json!({ "Service": "s3.amazonaws.com" }),
        ];
        let abroad = [
            json!("*"),
            json!({ "AWS": home }),
            json!({ "AWS": [root, "222222222222"] }),
            json!({ "AWS": "222222222222" }),
        ];
        let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        let mut of_account = all.clone();
        of_account["Principal"] = json!({ "AWS": root });
        of_account["Action"] = json!("kms:*");
        let often = |dice: &mut Dice, statement: &Json, one_in: usize| {
            (!dice.once_in(one_in)).then(|| statement.clone())
        };
        let role = (0..=self.dice.below(2))
            .map(|_| self.document(&[], true, None))
            .collect();
        let boundary = self.dice.once_in(3).then(|| {
            let begins = often(&mut self.dice, &all, 3);
            self.document(&[], true, begins)
        });
        let bucket = (!self.dice.once_in(3)).then(|| self.document(&named, true, None));
        let bucket_away = (!self.dice.once_in(4)).then(|| self.document(&abroad, false, None));
        let begins = often(&mut self.dice, &of_account, 4);
        let key = self.document(&named, true, begins);
        Documents {
            role,
            boundary,
            bucket,
            bucket_away,
            key,
        }
    }
}

impl World {
    /// From now on these documents are in force.
    async fn enact(&self, documents: &Documents, number: u64) {
        let iam = &self.root.iam;
        for at in 0..2 {
            let name = format!("policy-{at}");
            match documents.role.get(at) {
                Some(document) => {
                    let put = iam.put_role_policy().role_name(ROLE).policy_name(name);
                    let put = put.policy_document(document.to_string());
                    put.send().await.unwrap();
                }
                None => {
                    let delete = iam.delete_role_policy().role_name(ROLE).policy_name(name);
                    let _ = delete.send().await;
                }
            }
        }
        match &documents.boundary {
            Some(document) => {
                let made = iam.create_policy().policy_name(format!("bound-{number}"));
                let made = made.policy_document(document.to_string());
                let made = made.send().await.unwrap().policy.unwrap();
                let put = iam.put_role_permissions_boundary().role_name(ROLE);
                let put = put.permissions_boundary(made.arn.unwrap());
                put.send().await.unwrap();
            }
            None => {
                let delete = iam.delete_role_permissions_boundary().role_name(ROLE);
                let _ = delete.send().await;
            }
        }
        for (clients, bucket, policy) in [
            (&self.root, &self.bucket, &documents.bucket),
            (&self.away, &self.bucket_away, &documents.bucket_away),
        ] {
            match policy {
                Some(policy) => {
                    let put = clients.s3.put_bucket_policy().bucket(bucket);
                    put.policy(policy.to_string()).send().await.unwrap();
                }
                None => {
                    let delete = clients.s3.delete_bucket_policy().bucket(bucket);
                    delete.send().await.unwrap();
                }
            }
        }
        let put = self.root.kms.put_key_policy().key_id(&self.key);
        put.policy(documents.key.to_string()).send().await.unwrap();
    }
}

/// Whose resource a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Bucket,
    BucketAway,
    Key,
}

/// A request, and whether the emulator let it through.
#[derive(Debug)]
struct Asked {
    about: About,
    action: &'static str,
    resource: String,
    context: Vec<(&'static str, &'static [&'static str])>,
    allowed: bool,
}

/// Only a refusal counts: what fails for want of something else was let through.
fn allowed<T: Debug, E: ProvideErrorMetadata + Debug>(answer: Result<T, E>) -> bool {
    match answer {
        Ok(_) => true,
        Err(error) => match error.code() {
            Some("AccessDenied" | "AccessDeniedException") => false,
            Some("ReplicationConfigurationNotFoundError") => true,
            _ => panic!("{error:?}"),
        },
    }
}

impl World {
    async fn ask(&self) -> Vec<Asked> {
        let mut asked = self.ask_of_bucket(About::Bucket, &self.bucket).await;
        asked.extend(
            self.ask_of_bucket(About::BucketAway, &self.bucket_away)
                .await,
        );
        asked.extend(self.ask_of_versions().await);
        asked.extend(self.ask_of_key().await);
        asked
    }

    async fn ask_of_bucket(&self, about: About, bucket: &str) -> Vec<Asked> {
        let s3 = &self.session.s3;
        let arn = |rest: &str| format!("arn:aws:s3:::{bucket}{rest}");
        let mut all = Vec::new();
        let mut note = |action, rest: &str, context, allowed| {
            all.push(Asked {
                about,
                action,
                resource: arn(rest),
                context,
                allowed,
            });
        };
        let of_logs = if about == About::Bucket {
            &["open"][..]
        } else {
            &[]
        };
        for (key, class) in [("logs/a", of_logs), ("other/b", &[])] {
            let get = s3.get_object().bucket(bucket).key(key).send().await;
            let rest = format!("/{key}");
            note("s3:GetObject", &rest, vec![(CLASS, class)], allowed(get));
        }
        for (key, encryption) in [("logs/new", Some("AES256")), ("other/new", None)] {
            let put = s3.put_object().bucket(bucket).key(key);
            let put = put.set_server_side_encryption(encryption.map(ServerSideEncryption::from));
            let put = put.body(ByteStream::from_static(b"a")).send().await;
            let told: &[&str] = if encryption.is_some() {
                &["AES256"]
            } else {
                &[]
            };
            let context = vec![("s3:x-amz-server-side-encryption", told)];
            note("s3:PutObject", &format!("/{key}"), context, allowed(put));
        }
        let list = || s3.list_objects_v2().bucket(bucket);
        let some = list().prefix("logs/").max_keys(10).send().await;
        let context: Vec<(_, &[&str])> = vec![("s3:prefix", &["logs/"]), ("s3:max-keys", &["10"])];
        note("s3:ListBucket", "", context, allowed(some));
        note("s3:ListBucket", "", vec![], allowed(list().send().await));
        let versioning = s3.get_bucket_versioning().bucket(bucket).send().await;
        note("s3:GetBucketVersioning", "", vec![], allowed(versioning));
        let rules = s3.get_bucket_replication().bucket(bucket).send().await;
        note("s3:GetReplicationConfiguration", "", vec![], allowed(rules));
        all
    }

    async fn ask_of_versions(&self) -> Vec<Asked> {
        let s3 = &self.session.s3;
        let mut all = Vec::new();
        for (key, version) in &self.versions {
            let class: &[&str] = if key == "logs/a" { &["open"] } else { &[] };
            let get = s3.get_object().bucket(&self.bucket).key(key);
            let get = get.version_id(version).send().await;
            let acl = s3.get_object_acl().bucket(&self.bucket).key(key);
            let acl = acl.version_id(version).send().await;
            let tags = s3.get_object_tagging().bucket(&self.bucket).key(key);
            let tags = tags.version_id(version).send().await;
            for (action, context, allowed) in [
                ("s3:GetObjectVersion", vec![(CLASS, class)], allowed(get)),
                ("s3:GetObjectVersionAcl", vec![], allowed(acl)),
                ("s3:GetObjectVersionTagging", vec![], allowed(tags)),
            ] {
                all.push(Asked {
                    about: About::Bucket,
                    action,
                    resource: format!("arn:aws:s3:::{}/{key}", self.bucket),
                    context,
                    allowed,
                });
            }
        }
        all
    }

    async fn ask_of_key(&self) -> Vec<Asked> {
        let (kms, key) = (&self.session.kms, &self.key);
        let plain = || Blob::new("a");
        let tag = |name: &str| {
            let tag = aws_sdk_kms::types::Tag::builder().tag_key(name);
            tag.tag_value("archive").build().unwrap()
        };
        let encrypt = kms.encrypt().key_id(key).plaintext(plain()).send().await;
        let data_key = kms.generate_data_key().key_id(key).number_of_bytes(32);
        let decrypt = kms.decrypt().key_id(key);
        let decrypt = decrypt.ciphertext_blob(self.ciphertext.clone());
        let describe = kms.describe_key().key_id(key);
        let tagged = kms.tag_resource().key_id(key);
        let tagged = tagged.tags(tag("team")).tags(tag("stage"));
        let tags: Vec<(_, &[&str])> = vec![
            ("aws:RequestTag/team", &["archive"]),
            ("aws:TagKeys", &["team", "stage"]),
        ];
        [
            ("kms:Encrypt", vec![], allowed(encrypt)),
            (
                "kms:GenerateDataKey",
                vec![],
                allowed(data_key.send().await),
            ),
            ("kms:Decrypt", vec![], allowed(decrypt.send().await)),
            ("kms:DescribeKey", vec![], allowed(describe.send().await)),
            ("kms:TagResource", tags, allowed(tagged.send().await)),
        ]
        .map(|(action, context, allowed)| Asked {
            about: About::Key,
            action,
            resource: key.clone(),
            context,
            allowed,
        })
        .into()
    }

    /// The same as the product sees it, with everything told that a condition may ask for.
    fn request(&self, asked: &Asked) -> Request {
        let absent = CONDITIONS.iter().chain(&OF_HOME);
        let mut context: BTreeMap<String, Vec<String>> = absent
            .map(|(key, ..)| ((*key).to_owned(), Vec::new()))
            .collect();
        let session = self.arn_of_session();
        let known: [(&str, &[&str]); 5] = [
            ("aws:SecureTransport", &["false"]),
            ("aws:RequestedRegion", &[REGION]),
            ("aws:PrincipalAccount", &[self.home.id()]),
            ("aws:PrincipalType", &["AssumedRole"]),
            ("aws:PrincipalArn", &[&session]),
        ];
        for (key, values) in known.iter().chain(&asked.context) {
            let values = values.iter().map(ToString::to_string).collect();
            context.insert((*key).to_owned(), values);
        }
        Request {
            principal: self.role(),
            bounded: false,
            action: asked.action.to_owned(),
            resource: asked.resource.clone(),
            context,
        }
    }
}

fn parsed<'a>(documents: impl IntoIterator<Item = &'a Json>) -> Policies {
    let documents = documents.into_iter();
    Policies {
        documents: documents
            .map(|document| PolicyDocument::parse(&document.to_string()).unwrap())
            .collect(),
        unread: false,
    }
}

#[tokio::test]
async fn what_the_product_calls_refused_an_enforcing_aws_refuses_and_nothing_else() {
    let seed = number("ENFORCEMENT_SEED").unwrap_or(14);
    let world = World::new().await;
    let (mut compared, mut let_through, mut by_role_alone) = (0, 0, 0);
    let mut differing = Vec::new();
    for case in 0..times() {
        let documents = Chance {
            dice: Dice::of(seed, "enforcement", case),
            world: &world,
        }
        .documents();
        world.enact(&documents, case).await;
        let role = parsed(&documents.role);
        let boundary = documents
            .boundary
            .as_ref()
            .map(|boundary| parsed([boundary]));
        let bucket = parsed(&documents.bucket);
        let bucket_away = parsed(&documents.bucket_away);
        let key = parsed([&documents.key]);
        for asked in world.ask().await {
            let request = world.request(&asked);
            let deciding = Deciding {
                role: &role,
                boundary: boundary.as_ref(),
                resource: match asked.about {
                    About::Bucket => &bucket,
                    About::BucketAway => &bucket_away,
                    About::Key => &key,
                },
                abroad: asked.about == About::BucketAway,
                is_key: asked.about == About::Key,
            };
            let objections = deciding.objections(&request);
            let mut says = vec![objections.is_empty()];
            if asked.about == About::Bucket && documents.bucket.is_none() && boundary.is_none() {
                let alone: Vec<&PolicyDocument> = role.documents.iter().collect();
                says.push(evaluate(&alone, &request) == Decision::Allowed);
                by_role_alone += 1;
            }
            compared += 1;
            let_through += usize::from(asked.allowed);
            if says.iter().any(|says| *says != asked.allowed) {
                differing.push(format!("{case}: {asked:?}\n{objections:?}\n{documents:?}"));
            }
        }
    }
    say(&format!(
        "enforcement: {compared} requests under {} random sets of documents (seed {seed}), {let_through} of them let through, product and enforcing emulator agree on {}",
        times(),
        compared - differing.len(),
    ));
    assert!(
        differing.is_empty(),
        "{} differ, such as {}",
        differing.len(),
        differing[0]
    );
    // Neither answer is a matter of course.
    assert!(
        let_through * 8 > compared && let_through * 8 < compared * 7,
        "{let_through}"
    );
    assert!(by_role_alone > 0 || times() < 20);
}
