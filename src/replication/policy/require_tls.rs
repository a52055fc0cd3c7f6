//! The statement that turns away requests over plain HTTP.

use super::document::{Effect, Element, Principals, Statement};
use super::replication_role::objects_arn;
use super::sid::sid;
use crate::replication::ids::{BucketName, Partition};
use crate::replication::operation::Input;

/// Denies everything over plain HTTP, on the bucket and on its objects. S3 itself replicates over TLS.
///
/// `destination` is the destination's key, or nothing for the source.
pub fn require_tls_statement(
    owner: &str,
    destination: Option<&str>,
    bucket: &BucketName,
    partition: &Partition,
) -> Statement {
    let resources = [bucket.arn(partition), objects_arn(bucket, partition)];
    Statement {
        effect: Effect::Deny,
        principal: Some(Element::Is(Principals::Everyone)),
        ..Statement::allow(require_tls_sid(owner, destination))
    }
    .actions(&["s3:*"])
    .on(resources.map(Input::Known))
    .when("Bool", "aws:SecureTransport", ["false".to_owned()])
}

/// The statement's Sid, by which it is found again.
pub fn require_tls_sid(owner: &str, destination: Option<&str>) -> String {
    sid("RequireTls", owner, destination)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::policy::{Decision, PolicyDocument, Request, evaluate};

    fn document() -> PolicyDocument {
        let bucket = BucketName::parse("acme-archive").unwrap();
        let partition = Partition::parse("aws-us-gov").unwrap();
        let owner = "111111111111/acme-archive";
        PolicyDocument::new(vec![require_tls_statement(
            owner, None, &bucket, &partition,
        )])
    }

    #[test]
    fn the_statement_is_about_the_bucket_and_its_objects() {
        insta::assert_snapshot!(document().render().unwrap(), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"ReplicatedRequireTls4feed7a1140bed","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws-us-gov:s3:::acme-archive","arn:aws-us-gov:s3:::acme-archive/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#);
    }

    #[test]
    fn only_requests_that_say_that_they_came_over_plain_http_are_denied() {
        let decide = |context: &[(&str, &str)]| {
            let context = context
                .iter()
                .map(|(k, v)| ((*k).to_owned(), vec![(*v).to_owned()]));
            let request = Request {
                principal: "arn:aws-us-gov:iam::111111111111:role/reader".to_owned(),
                bounded: false,
                action: "s3:GetObject".to_owned(),
                resource: "arn:aws-us-gov:s3:::acme-archive/a".to_owned(),
                context: context.collect(),
            };
            evaluate(&[&document()], &request)
        };
        assert_eq!(
            decide(&[("aws:SecureTransport", "false")]),
            Decision::ExplicitDeny
        );
        assert_eq!(
            decide(&[("aws:SecureTransport", "true")]),
            Decision::ImplicitDeny
        );
        // S3's own replication names no transport.
        assert_eq!(decide(&[]), Decision::ImplicitDeny);
    }
}
