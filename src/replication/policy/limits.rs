//! How long a policy may be, counted as AWS counts.

/// A kind of policy with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// The policy of a bucket: 20 KB.
    Bucket,
    /// The policy of a KMS key: 32 KB.
    Key,
    /// The inline policies of a role, all together: 10,240 characters, white space not counted.
    RoleInline,
    /// A customer managed policy: 6,144 characters, white space not counted.
    Managed,
}

/// A policy is longer than AWS accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} would have {size} {}; AWS accepts at most {}", .kind.subject(), .kind.unit(), .kind.limit())]
pub struct TooLarge {
    /// What kind of policy it is.
    pub kind: PolicyKind,
    /// Its size, as AWS counts it.
    pub size: usize,
}

/// As many managed policies as a role may have attached, where nobody asked AWS for more.
pub const ATTACHED_POLICIES: usize = 10;

/// A role's policy is longer than AWS accepts in all documents of a role together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the role's policy is too long for one inline policy and the {ATTACHED_POLICIES} managed policies that AWS attaches to a role"
)]
pub struct TooManyDestinations;

/// Refuses a policy that AWS would refuse for its length.
///
/// For a role with further inline policies, pass all their texts one after the other: the limit is theirs
/// together.
pub fn check_size(kind: PolicyKind, text: &str) -> Result<(), TooLarge> {
    let size = size(kind, text);
    if size <= kind.limit() {
        Ok(())
    } else {
        Err(TooLarge { kind, size })
    }
}

/// The size of a policy's text as AWS counts it for that kind.
pub fn size(kind: PolicyKind, text: &str) -> usize {
    match kind {
        PolicyKind::Bucket | PolicyKind::Key => text.len(),
        PolicyKind::RoleInline | PolicyKind::Managed => {
            text.chars().filter(|c| !c.is_whitespace()).count()
        }
    }
}

impl PolicyKind {
    /// The largest size that AWS accepts.
    pub fn limit(self) -> usize {
        match self {
            Self::Bucket => 20 * 1024,
            Self::Key => 32 * 1024,
            Self::RoleInline => 10_240,
            Self::Managed => 6_144,
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Bucket => "the bucket policy",
            Self::Key => "the key policy",
            Self::RoleInline => "the inline policies of the role",
            Self::Managed => "the managed policy",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Bucket | Self::Key => "bytes",
            Self::RoleInline | Self::Managed => "characters without white space",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_met_to_the_byte() {
        for kind in [PolicyKind::Bucket, PolicyKind::Key, PolicyKind::RoleInline] {
            let longest = "x".repeat(kind.limit());
            assert_eq!(check_size(kind, &longest), Ok(()));
            let size = kind.limit() + 1;
            assert_eq!(
                check_size(kind, &format!("{longest}x")),
                Err(TooLarge { kind, size })
            );
        }
    }

    #[test]
    fn white_space_counts_for_buckets_and_keys_only() {
        assert_eq!(size(PolicyKind::Bucket, "{ \n}"), 4);
        assert_eq!(size(PolicyKind::Key, "{ \n}"), 4);
        assert_eq!(size(PolicyKind::RoleInline, "{ \n}"), 2);
    }

    #[test]
    fn letters_outside_ascii_count_as_bytes_for_buckets_and_as_one_for_roles() {
        assert_eq!(size(PolicyKind::Bucket, "ü"), 2);
        assert_eq!(size(PolicyKind::RoleInline, "ü"), 1);
    }

    #[test]
    fn the_message_says_how_much_there_is_and_how_much_fits() {
        let error = check_size(PolicyKind::RoleInline, &"x".repeat(12_000)).unwrap_err();
        insta::assert_snapshot!(error, @"the inline policies of the role would have 12000 characters without white space; AWS accepts at most 10240");
    }
}
