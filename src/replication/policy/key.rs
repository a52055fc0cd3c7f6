//! Key policies: the account's own rights first, then what the replication role needs.
//!
//! A role of the key's own account needs no statement: the first one lets the account grant by IAM. A role of
//! another account needs both, its own policy and a statement here. `Resource` is `*` in every statement,
//! which in a key policy means this key.

use super::document::{PolicyDocument, Statement};
use super::replication_role::{DestinationGrant, SOURCE_KEY_ACTIONS, SourceGrant, for_objects_of};
use super::sid::sid;
use crate::replication::ids::{AccountId, Arn, Partition};

/// The policy of a key that we make.
///
/// The first statement gives the key to its account. KMS refuses a policy after which the caller could not
/// change it any more, and this statement is what keeps that door open; so it carries a name that is nobody's
/// and survives every removal of our statements.
pub fn key_policy(
    account: &AccountId,
    partition: &Partition,
    statements: impl IntoIterator<Item = Statement>,
) -> PolicyDocument {
    let root = Statement::allow("EnableIAMUserPermissions")
        .principal("AWS", format!("arn:{partition}:iam::{account}:root"))
        .actions(&["kms:*"])
        .resource("*");
    PolicyDocument::new(std::iter::once(root).chain(statements).collect())
}

/// Lets a role of another account encrypt replicas in one destination bucket.
///
/// `kms:GenerateDataKey` is always among the actions, as AWS's list of minimum rights on a destination key has
/// it; the role's own policy, which must allow too, has it only where it is needed. So the key's owner has
/// nothing to change when the source starts to hold plain objects.
pub fn destination_key_statement(
    owner: &str,
    role: &Arn,
    destination: &DestinationGrant,
) -> Statement {
    let mut actions = vec!["kms:Encrypt", "kms:GenerateDataKey"];
    if destination.bucket_key_enabled {
        actions.push("kms:Decrypt");
    }
    let statement = Statement::allow(sid("ReplicaKey", owner, Some(&destination.key)))
        .principal("AWS", role.to_string())
        .actions(&actions)
        .resource("*");
    let buckets = [&destination.bucket];
    for_objects_of(statement, &destination.region, buckets, &role.partition)
}

/// Lets a role decrypt source objects under a key that belongs to a third account.
///
/// `destination` is the destination's key where objects leave a destination, or nothing for the source.
pub fn source_key_statement(
    owner: &str,
    destination: Option<&str>,
    role: &Arn,
    source: &SourceGrant,
) -> Statement {
    let statement = Statement::allow(sid("SourceKey", owner, destination))
        .principal("AWS", role.to_string())
        .actions(SOURCE_KEY_ACTIONS)
        .resource("*");
    for_objects_of(statement, &source.region, [&source.bucket], &role.partition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::ids::{BucketName, Region};

    #[test]
    fn a_key_of_ours_belongs_to_its_account_and_serves_the_role() {
        let role = Arn::parse_role("arn:aws-cn:iam::111111111111:role/replication").unwrap();
        let destination = DestinationGrant {
            key: "backup".into(),
            bucket: BucketName::parse("acme-archive-backup").unwrap(),
            region: Region::parse("cn-north-1").unwrap(),
            replica_keys: vec![],
            plain_object_keys: vec![],
            bucket_key_enabled: true,
            delete_markers: false,
            owner_override: false,
        };
        let statement = destination_key_statement("111111111111/acme-archive", &role, &destination);
        let account = AccountId::parse("222222222222").unwrap();
        let document = key_policy(&account, &role.partition, [statement]);
        insta::assert_snapshot!(document.render().unwrap().replace("},{\"Sid\"", "},\n{\"Sid\""), @r#"
        {"Version":"2012-10-17","Statement":[{"Sid":"EnableIAMUserPermissions","Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::222222222222:root"},"Action":"kms:*","Resource":"*"},
        {"Sid":"ReplicatedReplicaKey4feed7a11e2817","Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::111111111111:role/replication"},"Action":["kms:Encrypt","kms:GenerateDataKey","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"s3.cn-north-1.amazonaws.com.cn"},"StringLike":{"kms:EncryptionContext:aws:s3:arn":["arn:aws-cn:s3:::acme-archive-backup","arn:aws-cn:s3:::acme-archive-backup/*"]}}}]}
        "#);
    }
}
