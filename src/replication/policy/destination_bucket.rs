//! What the owner of a destination bucket must allow when the replication role is of another account.
//!
//! Within one account the role's own policy is enough, and nothing is written into the bucket's.

use super::document::Statement;
use super::replication_role::{DestinationGrant, objects_arn, replica_actions};
use super::sid::sid;
use crate::replication::ids::Arn;

/// The two statements for the destination bucket's policy: on its objects and on itself.
///
/// `owner` is `<source account>/<source bucket>`. The principal is the role's ARN, never the whole account.
/// AWS's own sample also grants `s3:PutBucketVersioning` and `s3:List*`; replication works without them, and a
/// replication role should not be able to change versioning.
pub fn destination_statements(
    owner: &str,
    role: &Arn,
    destination: &DestinationGrant,
) -> Vec<Statement> {
    let partition = &role.partition;
    let sid = |kind| sid(kind, owner, Some(&destination.key));
    let actions = replica_actions(destination.delete_markers, destination.owner_override);
    vec![
        Statement::allow(sid("Objects"))
            .principal("AWS", role.to_string())
            .actions(&actions)
            .resource(objects_arn(&destination.bucket, partition)),
        Statement::allow(sid("Bucket"))
            .principal("AWS", role.to_string())
            .actions(&["s3:GetBucketVersioning", "s3:ListBucket"])
            .resource(destination.bucket.arn(partition)),
    ]
}
