//! What whoever runs Terraform asks of AWS, as a policy judges it.

use super::ids::Arn;
use super::policy::Request;
use super::spec::BucketSpec;

/// A call about a bucket as AWS will see it, as far as that is known. The path of a role shows only where its ARN is written.
pub fn request(bucket: &BucketSpec, caller: &str, call: &str, resource: &str) -> Request {
    let at = &bucket.location;
    let mut context = vec![
        ("aws:PrincipalAccount", at.account.to_string()),
        ("aws:SecureTransport", "true".to_owned()),
        ("aws:RequestedRegion", at.region.to_string()),
    ];
    let is_session = Arn::parse(caller).is_ok_and(|arn| arn.service == "sts");
    let role = at
        .way_in
        .assume_role
        .last()
        .map(|role| role.role_arn.clone());
    let principal = role.or_else(|| (!is_session).then(|| caller.to_owned()));
    if let Some(principal) = &principal {
        context.push(("aws:PrincipalArn", principal.clone()));
    }
    Request {
        principal: principal.unwrap_or_else(|| caller.to_owned()),
        bounded: false,
        action: call.to_owned(),
        resource: resource.to_owned(),
        context: context
            .into_iter()
            .map(|(key, value)| (key.to_owned(), vec![value]))
            .collect(),
    }
}
