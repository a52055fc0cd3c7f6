//! The policies of the role that a job of S3 Batch Operations runs as. Objects are copied by the replication role; this
//! one only lists and starts.

use super::document::{PolicyDocument, Statement};
use super::replication_role::objects_arn;
use crate::replication::ids::{BucketName, Partition};

/// Lets S3 Batch Operations assume the role, and nobody else.
///
/// There is no condition on the account or the job, for the reason that [`trust_policy`](super::trust_policy) tells.
pub fn backfill_trust_policy() -> PolicyDocument {
    PolicyDocument::new(vec![
        Statement::allow("AssumedByBatchOperations")
            .principal("Service", "batchoperations.s3.amazonaws.com")
            .actions(&["sts:AssumeRole"]),
    ])
}

/// Where a job writes its report, as its role is granted it.
#[derive(Debug, Clone, Copy)]
pub struct ReportGrant<'a> {
    /// The bucket.
    pub bucket: &'a BucketName,
    /// What the keys of the report begin with.
    pub prefix: &'a str,
}

/// What the job needs: to look at the rules, to have the objects listed, to start each, and to write the report.
///
/// No key is granted: S3 writes reports under SSE-S3, whatever the default encryption of their bucket
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html>).
pub fn backfill_role_policy(
    source: &BucketName,
    report: Option<ReportGrant<'_>>,
    partition: &Partition,
) -> PolicyDocument {
    let mut statements = vec![
        Statement::allow("ListObjects")
            .actions(&[
                "s3:GetReplicationConfiguration",
                "s3:PutInventoryConfiguration",
            ])
            .resource(source.arn(partition)),
        Statement::allow("StartReplication")
            .actions(&["s3:InitiateReplication"])
            .resource(objects_arn(source, partition)),
    ];
    if let Some(report) = report {
        let objects = format!("{}/{}*", report.bucket.arn(partition), report.prefix);
        statements.push(
            Statement::allow("WriteReport")
                .actions(&["s3:PutObject"])
                .resource(objects),
        );
    }
    PolicyDocument::new(statements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::ids::Region;

    #[test]
    fn only_batch_operations_may_assume_the_role() {
        insta::assert_snapshot!(backfill_trust_policy().render().unwrap(), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"AssumedByBatchOperations","Effect":"Allow","Principal":{"Service":"batchoperations.s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#);
    }

    #[test]
    fn a_role_is_granted_the_report_only_where_there_is_one() {
        let source = BucketName::parse("acme-archive").unwrap();
        let bucket = BucketName::parse("acme-reports").unwrap();
        let partition = Region::parse("cn-north-1").unwrap().partition();
        let plain = backfill_role_policy(&source, None, &partition);
        insta::assert_snapshot!(plain.render().unwrap(), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"ListObjects","Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:PutInventoryConfiguration"],"Resource":"arn:aws-cn:s3:::acme-archive"},{"Sid":"StartReplication","Effect":"Allow","Action":"s3:InitiateReplication","Resource":"arn:aws-cn:s3:::acme-archive/*"}]}"#);
        let report = ReportGrant {
            bucket: &bucket,
            prefix: "backfill/",
        };
        let reporting = backfill_role_policy(&source, Some(report), &partition);
        insta::assert_snapshot!(reporting.render().unwrap(), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"ListObjects","Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:PutInventoryConfiguration"],"Resource":"arn:aws-cn:s3:::acme-archive"},{"Sid":"StartReplication","Effect":"Allow","Action":"s3:InitiateReplication","Resource":"arn:aws-cn:s3:::acme-archive/*"},{"Sid":"WriteReport","Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws-cn:s3:::acme-reports/backfill/*"}]}"#);
    }
}
