//! Every request that S3 makes to replicate, rule by rule, as AWS documents it.
//!
//! A paused rule counts as if it were live: pausing is not a revocation, and going on needs the same grants.

use std::collections::BTreeSet;
use std::fmt;

use super::Answer;
use super::documents::{Asker, Call, Context, judge};
use super::picture::{Bucket, Picture, Replication, Rule};
use crate::Outcome;

/// A document that a request needs, or may find, a grant in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Trust,
    Role,
    Bucket,
    Key,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) asker: Asker,
    /// ARN of the role that S3 replicates as.
    pub(super) role: String,
    pub(super) action: &'static str,
    pub(super) resource: String,
    /// The most that a grant for it needs to name.
    pub(super) scope: String,
    pub(super) context: Context,
    pub(super) documents: Vec<Document>,
    /// False for what AWS's tables list among the grants although S3 can do without it.
    pub(super) required: bool,
    /// An action that S3 can do with as well.
    pub(super) or: Option<&'static str>,
}

impl Request {
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            asker: &self.asker,
            action: self.action,
            resource: &self.resource,
            context: &self.context,
        }
    }

    /// Contexts in which the same action is none of replication's business: the key used past S3, and S3 using
    /// it for another bucket.
    pub(super) fn elsewhere(&self) -> Vec<Context> {
        if !self.context.contains_key(VIA) {
            return Vec::new();
        }
        let mut past_s3 = self.context.clone();
        past_s3.remove(VIA);
        let mut other_bucket = self.context.clone();
        other_bucket.insert(
            OBJECTS.to_owned(),
            "arn:aws:s3:::somebody-elses-bucket/letter".to_owned(),
        );
        vec![past_s3, other_bucket]
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        match self.context.get(OBJECTS) {
            Some(objects) => write!(f, " for {objects}"),
            None => Ok(()),
        }
    }
}

const VIA: &str = "kms:ViaService";
const OBJECTS: &str = "kms:EncryptionContext:aws:s3:arn";
/// What each request asks on, below the prefix of its rule.
const OBJECT: &str = "letter.txt";

/// What has to be so besides permissions.
pub(super) fn states(
    picture: &Picture,
    name: &str,
    source: &Bucket,
    replication: &Replication,
) -> Outcome<Vec<Answer>> {
    let mut answers = Vec::new();
    let mut state = |request: String, missing: Option<String>| {
        answers.push(Answer {
            request,
            missing: missing.into_iter().collect(),
        });
    };
    let unless = |holds: bool, missing: String| (!holds).then_some(missing);
    let versioned = unless(source.versioned, format!("bucket {name} is not versioned"));
    state(format!("versions in {name}"), versioned);
    for rule in &replication.rules {
        let to = &rule.bucket;
        let destination = picture.bucket(to)?;
        let versioned = unless(
            destination.versioned,
            format!("bucket {to} is not versioned"),
        );
        state(format!("versions in {to}"), versioned);
        let told = rule.account.as_ref();
        let owner = unless(
            told == Some(&destination.account),
            format!("rule {} says that it belongs to {told:?}", rule.id),
        );
        state(format!("owner of {to}"), owner);
        if source.object_lock {
            let locked = unless(
                destination.object_lock,
                format!("bucket {to} has no Object Lock"),
            );
            state(format!("locks in {to}"), locked);
        }
        if let Some(arn) = &rule.replica_key {
            let key = picture.key(arn)?;
            let usable = key.enabled && key.region == destination.region;
            let missing = format!("it is disabled or not in {}", destination.region);
            state(format!("key {arn}"), unless(usable, missing));
        }
    }
    answers.dedup();
    Ok(answers)
}

/// The requests of one replication configuration.
pub(super) fn requests(
    picture: &Picture,
    name: &str,
    source: &Bucket,
    replication: &Replication,
) -> Outcome<Vec<Request>> {
    let role = picture.role(&replication.role)?;
    let mut asked = Asked {
        asker: Asker::Role {
            arn: replication.role.clone(),
            account: role.account.clone(),
        },
        role: replication.role.clone(),
        all: Vec::new(),
    };
    asked.assume_role();
    for action in ["s3:GetReplicationConfiguration", "s3:ListBucket"] {
        asked.on_bucket(action, source, &[Document::Role]);
    }
    for rule in &replication.rules {
        let destination = picture.bucket(&rule.bucket)?;
        asked.read(source, rule);
        asked.write(&role.account, rule, destination);
        if rule.kms_objects {
            asked.decrypt(picture, name, source)?;
        }
        asked.encrypt(picture, name, source, rule, destination)?;
    }
    Ok(asked.all)
}

/// Why a grant on a key is no excess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// S3 makes the request.
    Required,
    /// S3 makes it for some objects only.
    AtTimes,
    /// AWS's table for key policies lists it although S3 can do without.
    ListedForKeys,
}

struct Asked {
    asker: Asker,
    role: String,
    all: Vec<Request>,
}

impl Asked {
    /// Several rules ask for much the same.
    fn push(&mut self, request: Request) {
        if !self.all.contains(&request) {
            self.all.push(request);
        }
    }

    fn request(&self, action: &'static str, resource: String, documents: &[Document]) -> Request {
        Request {
            asker: self.asker.clone(),
            role: self.role.clone(),
            action,
            scope: resource.clone(),
            resource,
            context: Context::from([
                ("aws:PrincipalArn".to_owned(), self.role.clone()),
                ("aws:SecureTransport".to_owned(), "true".to_owned()),
            ]),
            documents: documents.to_vec(),
            required: true,
            or: None,
        }
    }

    /// S3 becomes the role; it is not known to tell the bucket or account for which it does.
    fn assume_role(&mut self) {
        let request = Request {
            asker: Asker::Service("s3.amazonaws.com".to_owned()),
            context: Context::new(),
            ..self.request("sts:AssumeRole", self.role.clone(), &[Document::Trust])
        };
        self.push(request);
    }

    fn on_bucket(&mut self, action: &'static str, bucket: &Bucket, documents: &[Document]) {
        let request = self.request(action, bucket.arn.clone(), documents);
        self.push(request);
    }

    fn on_objects(
        &mut self,
        action: &'static str,
        bucket: &Bucket,
        prefix: &str,
        documents: &[Document],
        required: bool,
    ) {
        let request = Request {
            scope: format!("{}/*", bucket.arn),
            required,
            ..self.request(
                action,
                format!("{}/{prefix}{OBJECT}", bucket.arn),
                documents,
            )
        };
        self.push(request);
    }

    fn read(&mut self, source: &Bucket, rule: &Rule) {
        let mut actions = vec![
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionTagging",
        ];
        if source.object_lock {
            actions.extend(["s3:GetObjectRetention", "s3:GetObjectLegalHold"]);
        }
        for action in actions {
            self.on_objects(action, source, &rule.prefix, &[Document::Role], true);
        }
        // AWS takes it for objects under no key.
        if !source.encryption.kms && source.object_keys.is_empty() {
            let mut asked = self.all.iter_mut();
            let read = asked.rfind(|asked| asked.action == "s3:GetObjectVersionForReplication");
            if let Some(read) = read {
                read.or = Some("s3:GetObjectVersion");
            }
        }
    }

    fn write(&mut self, account: &str, rule: &Rule, destination: &Bucket) {
        let abroad = destination.account != account;
        let documents: &[Document] = match abroad {
            true => &[Document::Role, Document::Bucket],
            false => &[Document::Role],
        };
        let mut actions = vec!["s3:ReplicateObject", "s3:ReplicateTags"];
        if rule.delete_markers {
            actions.push("s3:ReplicateDelete");
        }
        for action in actions {
            self.on_objects(action, destination, &rule.prefix, documents, true);
        }
        if rule.owner_override {
            // Where ACLs are off every object is the bucket owner's anyway.
            let required = !destination.owner_enforced;
            let action = "s3:ObjectOwnerOverrideToBucketOwner";
            self.on_objects(action, destination, &rule.prefix, documents, required);
        }
        if abroad {
            for action in ["s3:GetBucketVersioning", "s3:ListBucket"] {
                self.on_bucket(action, destination, &[Document::Bucket]);
            }
        }
    }

    /// With every key that objects of the source are or may be under: the one in use, those that it had before,
    /// and whatever is found on its objects.
    fn decrypt(&mut self, picture: &Picture, name: &str, source: &Bucket) -> Outcome {
        let owner = format!("{}/{name}", source.account);
        let mut keys: BTreeSet<&str> = source.object_keys.iter().map(String::as_str).collect();
        keys.extend(
            source
                .encryption
                .key
                .as_deref()
                .filter(|_| source.encryption.kms),
        );
        let made = picture.keys.iter().filter(|(_, key)| {
            let component = key.component.as_deref().unwrap_or_default();
            key.owner.as_ref() == Some(&owner) && component.starts_with("source/")
        });
        keys.extend(made.map(|(arn, _)| arn.as_str()));
        for key in keys {
            self.on_key("kms:Decrypt", picture, key, source, Need::Required)?;
        }
        Ok(())
    }

    fn encrypt(
        &mut self,
        picture: &Picture,
        name: &str,
        source: &Bucket,
        rule: &Rule,
        destination: &Bucket,
    ) -> Outcome {
        let default = destination
            .encryption
            .key
            .as_deref()
            .filter(|_| destination.encryption.kms);
        let replica_key = rule.replica_key.as_deref().filter(|_| rule.kms_objects);
        let bucket_keys = source.encryption.bucket_key || destination.encryption.bucket_key;
        if let Some(key) = replica_key {
            self.on_key("kms:Encrypt", picture, key, destination, Need::Required)?;
            // Data keys are made for bucket keys; AWS's list of grants on a destination's key has them always.
            let data_keys = if bucket_keys {
                Need::Required
            } else {
                Need::ListedForKeys
            };
            self.on_key("kms:GenerateDataKey", picture, key, destination, data_keys)?;
            if bucket_keys {
                self.on_key("kms:Decrypt", picture, key, destination, Need::Required)?;
            }
        }
        if let Some(key) = default.filter(|_| !source.encryption.kms || source.plain_objects) {
            // A plain object becomes one under the destination's default.
            let need = if source.encryption.kms {
                Need::AtTimes
            } else {
                Need::Required
            };
            self.on_key("kms:GenerateDataKey", picture, key, destination, need)?;
        }
        // A key that the destination had before keeps its policy as long as replicas are under it.
        let owner = format!("{}/{name}", source.account);
        for (arn, key) in &picture.keys {
            let component = key.component.as_deref().unwrap_or_default();
            let former = replica_key != Some(arn)
                && key.owner.as_ref() == Some(&owner)
                && component.starts_with("destination/")
                && (&key.account, &key.region) == (&destination.account, &destination.region);
            if former {
                for action in ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"] {
                    self.on_key(action, picture, arn, destination, Need::ListedForKeys)?;
                }
            }
        }
        Ok(())
    }

    /// S3 uses a key for one object, or with a bucket key for the whole bucket; which one is decided object by
    /// object, so both are asked for.
    fn on_key(
        &mut self,
        action: &'static str,
        picture: &Picture,
        arn: &str,
        bucket: &Bucket,
        need: Need,
    ) -> Outcome {
        let key = picture.key(arn)?;
        let Asker::Role { account, .. } = &self.asker else {
            return Ok(());
        };
        let left_to_iam = &key.account == account && self.left_to_iam(key, arn)?;
        let documents: &[Document] = match (need, left_to_iam) {
            (Need::ListedForKeys, true) => return Ok(()),
            (Need::ListedForKeys, false) => &[Document::Key],
            (_, true) => &[Document::Role],
            (_, false) => &[Document::Role, Document::Key],
        };
        for objects in [bucket.arn.clone(), format!("{}/{OBJECT}", bucket.arn)] {
            let mut request = self.request(action, arn.to_owned(), documents);
            let suffix = if arn.starts_with("arn:aws-cn:") {
                ".cn"
            } else {
                ""
            };
            let service = format!("s3.{}.amazonaws.com{suffix}", bucket.region);
            request.context.insert(VIA.to_owned(), service);
            request.context.insert(OBJECTS.to_owned(), objects);
            request.required = need == Need::Required;
            self.push(request);
        }
        Ok(())
    }

    /// Whether a key's policy, without statements of ours, leaves everything to the policies of its account.
    fn left_to_iam(&self, key: &super::Key, arn: &str) -> Outcome<bool> {
        let others = super::statements_of(&key.policy, |sid| !super::is_our_sid(sid));
        let context = Context::new();
        let call = Call {
            asker: &self.asker,
            action: "kms:Decrypt",
            resource: arn,
            context: &context,
        };
        Ok(judge(&others, &call)?.account)
    }
}
