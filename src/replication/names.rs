//! Names that follow from other names, and our own tags.
//!
//! Every name is derived, never random: whoever plans or runs the same configuration again arrives at the
//! same names, so a create that was killed finds its own parts.

use sha2::{Digest, Sha256};

use super::component::ComponentId;
use super::ids::Location;
use super::operation::Tags;

/// Tag that says whose a component is: `<source account>/<source bucket>`.
pub const OWNER_TAG: &str = "replicated:owner";
/// Tag that says which component of its owner it is.
pub const COMPONENT_TAG: &str = "replicated:component";
/// Tag with the moment of the create that made it, RFC 3339; distinguishes one create from another.
pub const CREATED_TAG: &str = "replicated:created";
/// Tag that a destroy leaves on what `retain_on_destroy` keeps: nobody manages it now, and the same configuration,
/// applied again, takes it back. It goes last of all, when everything else of the take-over is done.
pub const RETAINED_TAG: &str = "replicated:retained";
/// What tags begin with that say when canaries last crossed; a bucket's name follows.
pub const VERIFIED_TAGS: &str = "replicated:verified/";
/// Name of our inline policy in a replication role of ours.
pub const ROLE_POLICY_NAME: &str = "replication";

/// Our three tags for a component.
pub fn ownership_tags(owner: &str, component: &ComponentId, created: &str) -> Tags {
    Tags::from([
        (OWNER_TAG.to_owned(), owner.to_owned()),
        (COMPONENT_TAG.to_owned(), component.to_string()),
        (CREATED_TAG.to_owned(), created.to_owned()),
    ])
}

/// The mark of what is kept and no longer managed.
pub fn retained_tags() -> Tags {
    Tags::from([(RETAINED_TAG.to_owned(), "true".to_owned())])
}

/// Whether a tag key is one of ours.
pub fn is_ownership_tag(key: &str) -> bool {
    key.starts_with("replicated:")
}

/// A destination's bucket when the configuration names none.
pub fn default_destination_bucket(source_bucket: &str, destination: &str) -> String {
    shortened(
        &format!("{source_bucket}-{destination}")
            .to_lowercase()
            .replace('_', "-"),
        63,
    )
}

/// The role's name when the configuration names none.
pub fn default_role_name(source_bucket: &str) -> String {
    shortened(&format!("replication-{source_bucket}"), 64)
}

/// The name of the role that a backfill runs as.
pub fn backfill_role_name(source_bucket: &str) -> String {
    shortened(&format!("backfill-{source_bucket}"), 64)
}

/// Name of our inline policy in a role that others use too.
pub fn shared_role_policy_name(source_bucket: &str) -> String {
    format!("{ROLE_POLICY_NAME}-{source_bucket}")
}

/// The ARN of a managed policy of ours on a role; its name is the role's with a number.
pub fn managed_policy_arn(at: &Location, path: &str, role: &str, number: usize) -> String {
    let (partition, account) = (&at.partition, &at.account);
    format!("arn:{partition}:iam::{account}:policy{path}{role}-{number}")
}

/// The role's name under a prefix: the same for the same owner, so that it can be found again.
pub fn prefixed_role_name(prefix: &str, owner: &str) -> String {
    format!("{prefix}{}", hash(owner, 16))
}

/// A key's alias when the configuration names none.
pub fn default_alias(bucket: &str) -> String {
    format!("alias/{}", bucket.replace('.', "_"))
}

/// A key's description when the configuration has none.
pub fn default_key_description(bucket: &str) -> String {
    format!("Encrypts the objects of S3 bucket {bucket}")
}

/// The role's description when the configuration has none.
pub fn default_role_description(source_bucket: &str) -> String {
    format!("S3 replication of bucket {source_bucket}")
}

/// The ID of a destination's rule: the destination's key, and the rule's name unless it is [`DEFAULT_RULE`].
///
/// Neither holds a slash, so no two rules share an ID. With 64 characters each it is shorter than the 255 of S3.
pub fn rule_id(destination: &str, rule: &str) -> String {
    if rule == DEFAULT_RULE {
        format!("{RULE_ID_PREFIX}{destination}")
    } else {
        format!("{RULE_ID_PREFIX}{destination}/{rule}")
    }
}

/// The destination and the rule that an ID of ours names.
pub fn named_by_rule_id(id: &str) -> Option<(&str, &str)> {
    let names = id.strip_prefix(RULE_ID_PREFIX)?;
    Some(names.split_once('/').unwrap_or((names, DEFAULT_RULE)))
}

/// The name of a destination's rule where the configuration names none.
pub const DEFAULT_RULE: &str = "default";

const RULE_ID_PREFIX: &str = "replicated-";

/// Cuts a name to `max` characters; what is cut off is replaced by a hash of the whole.
fn shortened(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let keep: String = name.chars().take(max - 9).collect();
    format!("{}-{}", keep.trim_end_matches(['-', '.']), hash(name, 8))
}

/// So many hexadecimal digits of a hash.
pub(super) fn hash(text: &str, digits: usize) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(digits)
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_stays_distinct() {
        let long = "a".repeat(63);
        let one = default_destination_bucket(&long, "one");
        let two = default_destination_bucket(&long, "two");
        assert_eq!(one.len(), 63);
        assert_ne!(one, two);
        assert_eq!(default_role_name(&long).len(), 64);
    }

    #[test]
    fn a_short_name_is_kept() {
        assert_eq!(
            default_destination_bucket("acme-archive", "backup"),
            "acme-archive-backup"
        );
        assert_eq!(
            default_role_name("acme-archive"),
            "replication-acme-archive"
        );
        assert_eq!(default_alias("acme.archive"), "alias/acme_archive");
    }

    #[test]
    fn a_rule_id_leads_back_to_its_destination_and_its_rule() {
        for (destination, rule, id) in [
            ("backup", DEFAULT_RULE, "replicated-backup"),
            ("a-b", DEFAULT_RULE, "replicated-a-b"),
            ("a", "b", "replicated-a/b"),
        ] {
            assert_eq!(rule_id(destination, rule), id);
            assert_eq!(named_by_rule_id(id), Some((destination, rule)));
        }
        assert_eq!(named_by_rule_id("somebody-elses"), None);
    }

    #[test]
    fn the_longest_rule_id_is_short_enough_for_s3() {
        let longest = "x".repeat(64);
        assert!(rule_id(&longest, &longest).len() <= 255);
    }
}
