//! Why S3 could not replicate an object, by the names that its reports and events use, and what to do about it.

/// What to do about a reason that S3 names; nothing about one that this version does not know.
pub fn advice(reason: &str) -> Option<&'static str> {
    let found = REASONS.iter().find(|(name, _)| *name == reason);
    found.map(|(_, advice)| *advice)
}

/// The reason that stands as a word in a text of S3.
pub fn named_in(text: &str) -> Option<&'static str> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| {
        let found = REASONS.iter().find(|(name, _)| *name == word);
        found.map(|(name, _)| *name)
    })
}

const APPLY: &str =
    "Run `terraform apply`: the resource writes this grant, and the plan shows where it is gone.";
const GRANT_AT_DESTINATION: &str = "The destination's bucket policy does not grant it to the replication role, a Deny there or a boundary of the role forbids it, or the bucket is in another account than the rule says. `terraform plan` shows which.";
const MULTIPART: &str = "The replication role may not write large objects at the destination. `terraform plan` shows which grant is missing; a Deny on multipart uploads is another cause.";
const KEY: &str = "The destination's key is not there, is disabled or pending deletion, or its policy does not grant it to the replication role. `terraform plan` shows which.";

const REASONS: &[(&str, &str)] = &[
    (
        "AssumeRoleNotPermitted",
        "S3 may not assume the replication role: its trust policy was changed, or the role is gone. Run `terraform apply`.",
    ),
    (
        "DstBucketInvalidRegion",
        "The destination bucket is in another region than S3 expects; a bucket that was deleted and made elsewhere is the usual cause. Run `terraform apply`.",
    ),
    (
        "DstBucketNotFound",
        "The destination bucket is gone, or belongs to another account than the rule says. Run `terraform apply`.",
    ),
    (
        "DstBucketObjectLockConfigMissing",
        "The source has Object Lock and the destination does not. Give the destination `object_lock` as well.",
    ),
    (
        "DstBucketUnversioned",
        "Versioning of the destination is suspended. Run `terraform apply`.",
    ),
    ("DstDelObjNotPermitted", GRANT_AT_DESTINATION),
    ("DstKmsKeyInvalidState", KEY),
    ("DstKmsKeyNotFound", KEY),
    ("DstMultipartCompleteNotPermitted", MULTIPART),
    ("DstMultipartInitNotPermitted", MULTIPART),
    ("DstMultipartPartUploadNotPermitted", MULTIPART),
    ("DstMultipartUploadNotPermitted", MULTIPART),
    (
        "DstObjectHardDeleted",
        "Somebody deleted this very version at the destination, and S3 does not bring it back. Copy the object onto itself at the source: the new version replicates.",
    ),
    ("DstPutAclNotPermitted", GRANT_AT_DESTINATION),
    ("DstPutLegalHoldNotPermitted", GRANT_AT_DESTINATION),
    ("DstPutObjectNotPermitted", GRANT_AT_DESTINATION),
    ("DstPutTaggingNotPermitted", GRANT_AT_DESTINATION),
    (
        "DstVersionNotFound",
        "The version that was to be changed at the destination is gone. Copy the object onto itself at the source: the new version replicates.",
    ),
    (
        "InitiateReplicationNotPermitted",
        "The job's role may not start replication: it lacks s3:InitiateReplication on the objects of the source. With `role_arn`, grant it to that role, or leave `role_arn` out; without, the replication role's permissions boundary, which bounds the job's role too, has to allow it.",
    ),
    (
        "SrcBucketInvalidRegion",
        "The source bucket is in another region than the job. Write the region into the import ID.",
    ),
    (
        "SrcBucketNotFound",
        "The source bucket is gone. Run `terraform apply`.",
    ),
    (
        "SrcBucketReplicationConfigMissing",
        "The replication configuration of the source is gone. Run `terraform apply`.",
    ),
    ("SrcGetAclNotPermitted", APPLY),
    ("SrcGetLegalHoldNotPermitted", APPLY),
    (
        "SrcGetObjectNotPermitted",
        "The replication role may not read the object, or not decrypt it. An object under a key that the resource does not know needs it in `encryption.additional_kms_key_arns`; for anything else run `terraform apply`.",
    ),
    ("SrcGetRetentionNotPermitted", APPLY),
    ("SrcGetTaggingNotPermitted", APPLY),
    ("SrcHeadObjectNotPermitted", APPLY),
    (
        "SrcKmsKeyInvalidState",
        "The key that the object is under is disabled or pending deletion. Enable it; one of the resource's own comes back with `terraform apply`.",
    ),
    (
        "SrcKmsKeyNotFound",
        "The key that the object is under is gone, so nobody can read the object any more.",
    ),
    (
        "SrcObjectNotEligible",
        "No rule covers the object, or it is in an archive class (GLACIER, DEEP_ARCHIVE), from which it has to be restored first.",
    ),
    (
        "SrcObjectNotFound",
        "The object was deleted after the job had listed it. There is nothing to do.",
    ),
    (
        "SrcReplicationNotPending",
        "The object was replicated by another way meanwhile. There is nothing to do.",
    ),
    (
        "SrcVersionNotFound",
        "This version was deleted after the job had listed it. There is nothing to do.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_once_and_has_its_advice() {
        for (at, (name, advice_told)) in REASONS.iter().enumerate() {
            assert_eq!(advice(name), Some(*advice_told), "{name}");
            assert!(advice_told.ends_with('.'), "{name}");
            let before = REASONS[..at].last().map_or("", |(before, _)| before);
            assert!(before < *name, "{name} is not in its place");
        }
    }

    #[test]
    fn a_reason_is_found_as_a_word_and_only_so() {
        for (text, reason) in [
            ("DstBucketUnversioned", Some("DstBucketUnversioned")),
            (
                "Replication failed (DstBucketUnversioned).",
                Some("DstBucketUnversioned"),
            ),
            ("XDstBucketUnversioned", None),
            ("Successful", None),
            ("", None),
        ] {
            assert_eq!(named_in(text), reason, "{text}");
        }
    }
}
