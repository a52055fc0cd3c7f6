//! S3 Control's calls, each a function named as the API operation.
//!
//! Its requests go to a host of the account's own (`111111111111.s3-control.eu-west-1.amazonaws.com`). An endpoint that
//! is written out gets the account's number in front of its host name, too: AWS's endpoint rules, which every SDK
//! shares, have it so. `hashicorp/aws` sends to such hosts by the same rules
//! (<https://github.com/floci-io/floci/pull/363>), so it takes the same value.

use aws_sdk_s3control::types::Tag;

use super::call::At;
use crate::execution::cloud::CallError;
use crate::replication::operation::{Output, Tags};

pub(super) async fn tag_resource(
    at: &At<'_>,
    bucket: &str,
    tags: &Tags,
) -> Result<Output, CallError> {
    let call = at.write("s3:TagResource", bucket);
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| call.invalid(error.to_string()))?;
    let request = at.clients.s3control.tag_resource();
    call.run(
        request
            .account_id(at.account())
            .resource_arn(at.bucket_arn(bucket))
            .set_tags(Some(tags))
            .send(),
    )
    .await?;
    Ok(Output::Done)
}

pub(super) async fn untag_resource(
    at: &At<'_>,
    bucket: &str,
    tag_keys: &[String],
) -> Result<Output, CallError> {
    let request = at.clients.s3control.untag_resource();
    at.write("s3:UntagResource", bucket)
        .run(
            request
                .account_id(at.account())
                .resource_arn(at.bucket_arn(bucket))
                .set_tag_keys(Some(tag_keys.to_vec()))
                .send(),
        )
        .await?;
    Ok(Output::Done)
}
