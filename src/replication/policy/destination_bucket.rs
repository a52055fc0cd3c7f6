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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::ids::{BucketName, Region};
    use crate::replication::policy::{PolicyDocument, is_ours_for};

    #[test]
    fn the_destination_lets_the_role_write_objects_and_look_at_the_bucket() {
        let role = Arn::parse_role("arn:aws:iam::111111111111:role/path/replication").unwrap();
        let destination = DestinationGrant {
            key: "backup".into(),
            bucket: BucketName::parse("acme-archive-backup").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            replica_keys: vec![],
            plain_object_keys: vec![],
            bucket_key_enabled: false,
            delete_markers: true,
            owner_override: true,
        };
        let owner = "111111111111/acme-archive";
        let statements = destination_statements(owner, &role, &destination);
        for statement in &statements {
            let sid = statement.sid.as_deref().unwrap();
            assert!(is_ours_for(sid, owner, Some("backup")), "{sid}");
        }
        let text = PolicyDocument::new(statements).render().unwrap();
        insta::assert_snapshot!(text.replace("},{\"Sid\"", "},\n{\"Sid\""), @r#"
        {"Version":"2012-10-17","Statement":[{"Sid":"ReplicatedObjects4feed7a11e2817","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/path/replication"},"Action":["s3:ReplicateObject","s3:ReplicateTags","s3:ReplicateDelete","s3:ObjectOwnerOverrideToBucketOwner"],"Resource":"arn:aws:s3:::acme-archive-backup/*"},
        {"Sid":"ReplicatedBucket4feed7a11e2817","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/path/replication"},"Action":["s3:GetBucketVersioning","s3:ListBucket"],"Resource":"arn:aws:s3:::acme-archive-backup"}]}
        "#);
    }
}
