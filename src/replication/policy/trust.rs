//! The trust policy of the replication role: who may assume it.

use super::document::{PolicyDocument, Statement};

/// Lets S3 assume the role, and nobody else.
///
/// There is no condition on `aws:SourceAccount` or `aws:SourceArn`: AWS does not say that replication fills
/// them, none of its examples uses them, and a condition that never holds shows only as
/// `AssumeRoleNotPermitted` on each object. The service's name is the same in every partition.
pub fn trust_policy() -> PolicyDocument {
    PolicyDocument::new(vec![
        Statement::allow("AssumedByS3")
            .principal("Service", "s3.amazonaws.com")
            .actions(&["sts:AssumeRole"]),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_s3_may_assume_the_role() {
        insta::assert_snapshot!(trust_policy().render().unwrap(), @r#"{"Version":"2012-10-17","Statement":[{"Sid":"AssumedByS3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#);
    }
}
