//! Every request that S3 makes to replicate, rule by rule, as AWS documents it.
//!
//! A paused rule counts as if it were live: pausing is no revocation, and going on needs the same grants.

use std::collections::BTreeMap;

use super::keyed::Keyed;
use crate::replication::component::Side;
use crate::replication::direction::{Arrival, Direction};
use crate::replication::ids::{Arn, Location};
use crate::replication::operation::Input;
use crate::replication::policy::{ANY_OBJECT, Condition, Element, Request, Statement};
use crate::replication::rules::{destination_grant, replica_key};
use crate::replication::spec::{BucketSpec, RuleSpec};

/// One request, with what decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// IDs of the rules for whose objects it is made.
    pub(super) rules: Vec<String>,
    /// As IAM sees it; for objects it names one that stands for all of a rule.
    pub(super) request: Request,
    /// What a grant for it names.
    pub(super) scope: String,
    /// The conditions of such a grant.
    pub(super) condition: Condition,
    /// Whose resource it is about.
    pub(super) guard: Guard,
    /// Whether replication certainly fails where it is denied.
    pub(super) denial_counts: bool,
    /// Whether replication certainly fails where it is not granted.
    pub(super) lack_counts: bool,
    /// What S3 can do with instead, for whatever rule it asks.
    pub(super) instead: Option<Instead>,
}

/// Another request that is as good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instead {
    /// The request.
    pub(super) request: Request,
    /// Whether it is as good for every object, or nobody knows.
    pub(super) is_enough: bool,
}

/// What a request is about, and so which documents decide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Guard {
    /// The role's trust policy alone.
    Trust,
    /// The role's policies and that of this side's bucket.
    Bucket(Side),
    /// The policy of this side's bucket alone: what AWS lists for it and for no role.
    BucketAlone(Side),
    /// The role's policies and that of a key which this side's bucket uses.
    Key(Side),
}

/// The service that replicates.
pub(super) const S3: &str = "s3.amazonaws.com";

/// What S3 asks for to read an object.
const READ: &str = "s3:GetObjectVersionForReplication";
/// What is as good for an object under no key.
const PLAIN_READ: &str = "s3:GetObjectVersion";

const VIA_SERVICE: &str = "kms:ViaService";
const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";

/// What S3 asks for in a direction.
pub(super) fn requests(direction: &Direction<'_>) -> Vec<Asked> {
    let mut asking = Asking {
        direction,
        rule: None,
        asked: Keyed::new(),
    };
    for to in &direction.to {
        for rule in &to.rules {
            asking.rule = Some(rule);
            asking.assume_role();
            asking.read(to);
            asking.write(to);
            if let Some(key) = replica_key(rule, to) {
                asking.decrypt();
                asking.encrypt(to, &key);
            }
            asking.encrypt_plain(to);
        }
    }
    asking.asked.into_values()
}

/// The ARN of a key. One that is still to be made has an ID that no key has.
pub(super) fn key_arn(key: &Input<String>, at: &Location) -> String {
    match key {
        Input::Known(arn) => arn.clone(),
        Input::OutputOf(component) => {
            let Location {
                partition,
                region,
                account,
                ..
            } = at;
            format!("arn:{partition}:kms:{region}:{account}:key/<{component}>")
        }
    }
}

struct Asking<'a> {
    direction: &'a Direction<'a>,
    rule: Option<&'a RuleSpec>,
    asked: Keyed<(Request, Guard), Asked>,
}

impl Asking<'_> {
    fn assume_role(&mut self) {
        let role = self.direction.role_arn().to_string();
        let mut asked = self.request("sts:AssumeRole", &role, Guard::Trust);
        asked.request.principal = S3.to_owned();
        asked.request.context = BTreeMap::new();
        let at = &self.direction.bucket.location.partition;
        if !at.has_documented_names() {
            asked.instead = Some(Instead {
                request: Request {
                    principal: format!("s3.{}", at.dns_suffix()),
                    ..asked.request.clone()
                },
                is_enough: true,
            });
        }
        self.push(asked);
    }

    /// The rules, and the objects with what belongs to them. Tags are always read: a tagged object whose tags cannot
    /// be read ends as failed. Objects under no key are read with `s3:GetObjectVersion` just as well, as AWS documents.
    fn read(&mut self, to: &Arrival<'_>) {
        let from = self.direction.bucket;
        let guard = || Guard::Bucket(self.direction.from.clone());
        let of_bucket = ["s3:GetReplicationConfiguration", "s3:ListBucket"];
        let mut asked: Vec<Asked> = of_bucket
            .map(|action| self.request(action, &from.arn(), guard()))
            .into();
        let mut of_objects = vec![READ, "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"];
        if from.is_locked() {
            of_objects.extend(["s3:GetObjectRetention", "s3:GetObjectLegalHold"]);
        }
        let of_objects = of_objects.into_iter();
        let mut of_objects: Vec<Asked> = of_objects
            .map(|action| self.on_objects(action, from, guard()))
            .collect();
        if let Some(object) = of_objects.first_mut() {
            object.instead = self.plain_read(to, &object.request);
        }
        asked.extend(of_objects);
        asked.into_iter().for_each(|asked| self.push(asked));
    }

    /// What reads objects under no key: of a bucket whose objects may be under keys not all of them.
    fn plain_read(&self, to: &Arrival<'_>, object: &Request) -> Option<Instead> {
        let from = self.direction.bucket;
        let needs_more = from.is_under_key() && replica_key(self.rule?, to).is_some();
        (!needs_more).then(|| Instead {
            request: Request {
                action: PLAIN_READ.to_owned(),
                ..object.clone()
            },
            is_enough: !from.may_have_keys(),
        })
    }

    fn write(&mut self, to: &Arrival<'_>) {
        let Some(rule) = self.rule else { return };
        let guard = || Guard::Bucket(to.side.clone());
        let object = self.on_objects("s3:ReplicateObject", to.bucket, guard());
        // The right to replicate an object covers its tags, and to deny that for tags stops only objects that have some.
        let tags = Asked {
            denial_counts: false,
            lack_counts: false,
            ..self.on_objects("s3:ReplicateTags", to.bucket, guard())
        };
        self.push(object);
        self.push(tags);
        if rule.delete_marker_replication {
            self.push(self.on_objects("s3:ReplicateDelete", to.bucket, guard()));
        }
        if rule.owner_override {
            // Without ACLs every object is the bucket owner's anyway.
            let settings = to.bucket.settings();
            let counts = settings.is_some_and(|s| s.object_ownership != "BucketOwnerEnforced");
            let action = "s3:ObjectOwnerOverrideToBucketOwner";
            let asked = self.on_objects(action, to.bucket, guard());
            self.push(Asked {
                denial_counts: counts,
                lack_counts: counts,
                ..asked
            });
        }
        if to.bucket.location.account != self.direction.bucket.location.account {
            for action in ["s3:GetBucketVersioning", "s3:ListBucket"] {
                let guard = Guard::BucketAlone(to.side.clone());
                let asked = self.request(action, &to.bucket.arn(), guard);
                self.push(Asked {
                    denial_counts: false,
                    lack_counts: false,
                    ..asked
                });
            }
        }
    }

    /// With every key that objects of the source are or may be under.
    fn decrypt(&mut self) {
        let from = self.direction.bucket;
        let side = &self.direction.from;
        let in_use = from.key(side).map(|key| key_arn(&key, &from.location));
        let bucket_keys = from.encryption.bucket_key_enabled;
        for key in in_use.iter().chain(&from.encryption.additional_keys) {
            self.on_key("kms:Decrypt", key, side, from, bucket_keys, true);
        }
        for key in &from.retired_keys {
            self.on_key("kms:Decrypt", key, side, from, bucket_keys, false);
        }
    }

    /// From one key to another `kms:Encrypt` is enough; data keys are made and checked for bucket keys, and whether
    /// an object has one is decided when it is written.
    fn encrypt(&mut self, to: &Arrival<'_>, key: &Input<String>) {
        let key = key_arn(key, &to.bucket.location);
        let carried_over = self.direction.bucket.encryption.bucket_key_enabled;
        let (side, bucket) = (&to.side, to.bucket);
        // Under a source without a key no object gets to one.
        let has_keys = self.direction.bucket.may_have_keys();
        self.on_key("kms:Encrypt", &key, side, bucket, carried_over, has_keys);
        if destination_grant(self.direction, to).bucket_key_enabled {
            for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
                self.on_key(action, &key, side, bucket, carried_over, false);
            }
        }
    }

    /// A plain object becomes one under the default of the bucket that it arrives in.
    fn encrypt_plain(&mut self, to: &Arrival<'_>) {
        let (side, bucket) = (&to.side, to.bucket);
        for key in destination_grant(self.direction, to).plain_object_keys {
            let key = key_arn(&key, &bucket.location);
            let bucket_keys = bucket.encryption.bucket_key_enabled;
            self.on_key(
                "kms:GenerateDataKey",
                &key,
                side,
                bucket,
                bucket_keys,
                false,
            );
        }
    }

    /// The encryption context is the bucket's ARN with a bucket key and the object's without. Which one applies is
    /// decided object by object, so both are asked for; `bucket_keys` says which one is usual. `counts` says whether
    /// S3 certainly asks for it. Under which name S3 calls is told only where AWS documents that.
    fn on_key(
        &mut self,
        action: &str,
        key: &str,
        side: &Side,
        bucket: &BucketSpec,
        bucket_keys: bool,
        counts: bool,
    ) {
        let at = &bucket.location;
        let service = format!("s3.{}.{}", at.region, at.partition.dns_suffix());
        let objects = format!("{}/*", bucket.arn());
        let condition = Condition::from([
            (
                "StringEquals".to_owned(),
                BTreeMap::from([(VIA_SERVICE.to_owned(), vec![service.clone()])]),
            ),
            (
                "StringLike".to_owned(),
                BTreeMap::from([(ENCRYPTION_CONTEXT.to_owned(), vec![bucket.arn(), objects])]),
            ),
        ]);
        for (of_bucket, context) in [(true, bucket.arn()), (false, self.object(bucket))] {
            let mut asked = self.request(action, key, Guard::Key(side.clone()));
            let context = [
                (VIA_SERVICE, service.clone()),
                (ENCRYPTION_CONTEXT, context),
                ("kms:CallerAccount", self.account()),
            ];
            let context = context.map(|(key, value)| (key.to_owned(), vec![value]));
            asked.request.context.extend(context);
            if !at.partition.has_documented_names() {
                asked.request.context.remove(VIA_SERVICE);
            }
            let usual = of_bucket == bucket_keys;
            self.push(Asked {
                condition: condition.clone(),
                denial_counts: usual && counts,
                lack_counts: usual && counts,
                ..asked
            });
        }
    }

    fn on_objects(&self, action: &str, bucket: &BucketSpec, guard: Guard) -> Asked {
        let mut asked = self.request(action, &format!("{}/*", bucket.arn()), guard);
        asked.request.resource = self.object(bucket);
        asked
    }

    fn object(&self, bucket: &BucketSpec) -> String {
        let prefix = self.rule.map(|rule| rule.filter.prefix());
        format!(
            "{}/{}{ANY_OBJECT}",
            bucket.arn(),
            prefix.unwrap_or_default()
        )
    }

    /// Where that is which a guard is about.
    fn location(&self, guard: &Guard) -> &Location {
        let side = match guard {
            Guard::Trust => &self.direction.from,
            Guard::Bucket(side) | Guard::BucketAlone(side) | Guard::Key(side) => side,
        };
        let mut arrivals = self.direction.to.iter();
        let to = arrivals.find(|to| to.side == *side);
        to.map_or(&self.direction.bucket.location, |to| &to.bucket.location)
    }

    fn account(&self) -> String {
        self.direction.bucket.location.account.to_string()
    }

    /// What is known of every request: it comes over TLS, signed, as a session of the role, and through nobody's network.
    fn request(&self, action: &str, resource: &str, guard: Guard) -> Asked {
        let role = self.direction.role_arn().to_string();
        let told = |text: &str| vec![text.to_owned()];
        let at = self.location(&guard);
        let account = Arn::parse(resource).map(|arn| arn.account).ok();
        let account = account.filter(|account| !account.is_empty());
        let account = account.unwrap_or_else(|| at.account.to_string());
        let context = [
            ("aws:PrincipalArn", told(&role)),
            ("aws:PrincipalAccount", told(&self.account())),
            ("aws:PrincipalType", told("AssumedRole")),
            ("aws:PrincipalIsAWSService", told("false")),
            ("aws:ResourceAccount", told(&account)),
            ("s3:ResourceAccount", told(&account)),
            ("aws:RequestedRegion", told(at.region.as_str())),
            ("aws:SecureTransport", told("true")),
            ("s3:TlsVersion", told("1.3")),
            ("s3:signatureversion", told("AWS4-HMAC-SHA256")),
            ("s3:authType", told("REST-HEADER")),
            ("s3:signatureAge", told("0")),
            ("aws:SourceVpc", vec![]),
            ("aws:SourceVpce", vec![]),
            (VIA_SERVICE, vec![]),
            (ENCRYPTION_CONTEXT, vec![]),
        ];
        let context = context.map(|(key, values)| (key.to_owned(), values));
        Asked {
            rules: self.rule.iter().map(|rule| rule.id.clone()).collect(),
            request: Request {
                principal: role,
                bounded: false,
                action: action.to_owned(),
                resource: resource.to_owned(),
                context: context.into(),
            },
            scope: resource.to_owned(),
            condition: Condition::new(),
            guard,
            denial_counts: true,
            lack_counts: true,
            instead: None,
        }
    }

    /// Several rules ask for much the same.
    fn push(&mut self, asked: Asked) {
        let key = (asked.request.clone(), asked.guard.clone());
        let mut is_new = false;
        let same = self.asked.under(key, || {
            is_new = true;
            asked.clone()
        });
        if is_new {
            return;
        }
        same.denial_counts |= asked.denial_counts;
        same.lack_counts |= asked.lack_counts;
        same.instead = match (same.instead.take(), asked.instead) {
            (Some(one), Some(other)) => Some(Instead {
                is_enough: one.is_enough && other.is_enough,
                ..one
            }),
            _ => None,
        };
        // Rules come one after the other.
        for rule in asked.rules {
            if same.rules.last() != Some(&rule) {
                same.rules.push(rule);
            }
        }
    }
}

/// A statement with the action with which S3 reads a bucket's objects just as well; none where it does not.
pub(super) fn with_plain_read(statement: &Statement, bucket: &BucketSpec) -> Option<Statement> {
    let mut statement = statement.clone();
    let Some(Element::Is(actions)) = &mut statement.action else {
        return None;
    };
    let read = actions.iter_mut().find(|action| *action == READ)?;
    PLAIN_READ.clone_into(read);
    (!bucket.may_have_keys()).then_some(statement)
}
