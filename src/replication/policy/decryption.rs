//! Which keys the policies of a role let S3 decrypt a bucket's objects with.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Effect, Element, PolicyDocument, Statement};
use super::evaluate::{Decision, Request, evaluate};
use super::replication_role::objects_arn;
use crate::replication::ids::{Arn, BucketName, Location};
use crate::replication::operation::Input;

/// What names the object in S3's requests to KMS.
const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";

/// Keys that objects of a bucket may be under, as far as the policies of the role tell that reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decryption {
    /// ARNs of keys in the bucket's region that the policies name.
    pub keys: BTreeSet<String>,
    /// Whether the policies allow every key of the bucket's account and region.
    pub any: bool,
}

/// What a role with these policies may decrypt of a bucket's objects. A grant counts when it reaches a part of them.
pub fn decryption(documents: &[PolicyDocument], bucket: &BucketName, at: &Location) -> Decryption {
    let contexts = contexts(documents, &bucket.arn(&at.partition), at, bucket);
    let documents: Vec<&PolicyDocument> = documents.iter().collect();
    let allowed = |key: &str| {
        contexts.iter().any(|context| {
            let request = request(key, context, at);
            evaluate(&documents, &request) == Decision::Allowed
        })
    };
    let named = documents.iter().flat_map(|document| &document.statements);
    let named = named.flat_map(named_keys).filter(|key| {
        Arn::parse_key(key).is_ok_and(|arn| {
            arn.region == at.region.as_str() && !arn.resource.contains(['*', '?', '$'])
        })
    });
    let every = format!(
        "arn:{}:kms:{}:{}:key/*",
        at.partition, at.region, at.account
    );
    Decryption {
        keys: named.filter(|key| allowed(key)).cloned().collect(),
        any: allowed(&every),
    }
}

/// The ARNs and patterns that a statement allows something on.
fn named_keys(statement: &Statement) -> impl Iterator<Item = &String> {
    let resources = match &statement.resource {
        Some(Element::Is(resources)) if statement.effect == Effect::Allow => &resources[..],
        _ => &[],
    };
    resources.iter().filter_map(Input::known)
}

/// The encryption contexts under which S3 may ask: that of a bucket key, that of an object, and what the statements
/// say of a part of the objects.
fn contexts(
    documents: &[PolicyDocument],
    bucket_arn: &str,
    at: &Location,
    bucket: &BucketName,
) -> BTreeSet<String> {
    let below = format!("{bucket_arn}/");
    let statements = documents.iter().flat_map(|document| &document.statements);
    let conditions = statements.flat_map(|statement| statement.condition.values().flatten());
    let written = conditions
        .filter(|(key, _)| key.eq_ignore_ascii_case(ENCRYPTION_CONTEXT))
        .flat_map(|(_, values)| values)
        .filter(|value| value.starts_with(&below));
    let whole = [bucket_arn.to_owned(), objects_arn(bucket, &at.partition)];
    whole.into_iter().chain(written.cloned()).collect()
}

fn request(key: &str, context: &str, at: &Location) -> Request {
    let service = format!("s3.{}.{}", at.region, at.partition.dns_suffix());
    let context = [
        ("kms:ViaService", service.as_str()),
        ("kms:CallerAccount", at.account.as_str()),
        ("aws:SecureTransport", "true"),
        (ENCRYPTION_CONTEXT, context),
    ];
    Request {
        // An identity policy speaks for the one that it is attached to.
        principal: String::new(),
        bounded: false,
        action: "kms:Decrypt".to_owned(),
        resource: key.to_owned(),
        context: BTreeMap::from(
            context.map(|(key, value)| (key.to_owned(), vec![value.to_owned()])),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::replication::ids::{AccountId, Region, WayIn};

    const NEAR: &str = "arn:aws:kms:eu-west-1:111111111111:key/near";

    fn found(statements: &[&str]) -> (Vec<String>, bool) {
        let region = Region::parse("eu-west-1").unwrap();
        let at = Location {
            account: AccountId::parse("111111111111").unwrap(),
            partition: region.partition(),
            region,
            way_in: Arc::new(WayIn::default()),
        };
        let documents = statements.iter().map(|statement| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
            PolicyDocument::parse(&text).unwrap()
        });
        let documents: Vec<_> = documents.collect();
        let bucket = BucketName::parse("acme").unwrap();
        let found = decryption(&documents, &bucket, &at);
        (found.keys.into_iter().collect(), found.any)
    }

    fn allow(key: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"{key}","Condition":{condition}}}"#
        )
    }

    #[test]
    fn a_key_that_is_named_is_found_under_each_condition_that_s3_meets() {
        for condition in [
            "{}",
            r#"{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}"#,
            r#"{"StringLike":{"kms:ViaService":"s3.*.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::acme"}}"#,
            r#"{"StringLike":{"kms:encryptioncontext:aws:s3:arn":["arn:aws:s3:::acme/*"]}}"#,
            r#"{"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::acme/logs/*"}}"#,
            r#"{"StringEquals":{"kms:CallerAccount":"111111111111"}}"#,
        ] {
            let found = found(&[&allow(NEAR, condition)]);
            assert_eq!(found, (vec![NEAR.to_owned()], false), "{condition}");
        }
    }

    #[test]
    fn a_key_of_another_region_or_of_another_buckets_objects_is_not() {
        let nothing = (Vec::new(), false);
        let far = NEAR.replace("eu-west-1", "us-west-2");
        assert_eq!(found(&[&allow(&far, "{}")]), nothing);
        for condition in [
            r#"{"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::acme-other/*"}}"#,
            r#"{"StringEquals":{"kms:ViaService":"s3.us-west-2.amazonaws.com"}}"#,
        ] {
            assert_eq!(found(&[&allow(NEAR, condition)]), nothing, "{condition}");
        }
        let encrypt = allow(NEAR, "{}").replace("Decrypt", "Encrypt");
        assert_eq!(found(&[&encrypt]), nothing);
        let alias = NEAR.replace("key/near", "alias/near");
        assert_eq!(found(&[&allow(&alias, "{}")]), nothing);
    }

    #[test]
    fn all_policies_of_the_role_count_together() {
        let other = NEAR.replace("near", "other");
        let deny = allow(&other, "{}").replace("Allow", "Deny");
        let (near, other) = (allow(NEAR, "{}"), allow(&other, "{}"));
        assert_eq!(found(&[&near, &other]).0.len(), 2);
        assert_eq!(found(&[&near, &other, &deny]).0, [NEAR]);
    }

    #[test]
    fn what_allows_every_key_names_none() {
        for key in [
            "*",
            "arn:aws:kms:*:*:key/*",
            "arn:aws:kms:eu-west-1:111111111111:*",
        ] {
            assert_eq!(found(&[&allow(key, "{}")]), (Vec::new(), true), "{key}");
        }
        let elsewhere = allow("arn:aws:kms:us-west-2:111111111111:key/*", "{}");
        assert_eq!(found(&[&elsewhere]), (Vec::new(), false));
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        assert_eq!(found(&[&allow(NEAR, "{}"), all]).0, [NEAR]);
    }
}
