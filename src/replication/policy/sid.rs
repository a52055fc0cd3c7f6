//! The names of our statements, by which they are found again in documents that others write to as well.
//!
//! A Sid is `Replicated`, a kind, eight hexadecimal digits of the owner and six of the destination's key.
//! The two hashes stand apart, so that statements of a destination whose key nobody remembers are still
//! known to be this owner's. Only letters and digits appear: IAM accepts nothing else in a Sid.

use sha2::{Digest, Sha256};

const PREFIX: &str = "Replicated";
const OWNER_DIGITS: usize = 8;
const DESTINATION_DIGITS: usize = 6;

/// The Sid of a statement of `owner` (`<account>/<source bucket>`), for one destination or for none.
///
/// `kind` tells statements of one document apart and is a word of letters; anything else in it is left out.
pub fn sid(kind: &str, owner: &str, destination: Option<&str>) -> String {
    let kind: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    let (owner, destination) = (owner_hash(owner), destination_hash(destination));
    format!("{PREFIX}{kind}{owner}{destination}")
}

/// Whether the Sid names a statement of this owner, whatever its kind and destination.
pub fn is_ours(sid: &str, owner: &str) -> bool {
    hashes(sid).is_some_and(|(found, _)| found == owner_hash(owner))
}

/// Whether the Sid names a statement of this owner for this destination, or for none.
pub fn is_ours_for(sid: &str, owner: &str, destination: Option<&str>) -> bool {
    hashes(sid) == Some((&owner_hash(owner), &destination_hash(destination)))
}

/// Whether the Sid names a statement of any `replicated_bucket`, of whichever owner.
pub fn is_replicated(sid: &str) -> bool {
    hashes(sid).is_some()
}

/// The owner's and the destination's part of a Sid that is formed like ours.
fn hashes(sid: &str) -> Option<(&str, &str)> {
    let rest = sid.strip_prefix(PREFIX)?;
    let kind_length = rest.len().checked_sub(OWNER_DIGITS + DESTINATION_DIGITS)?;
    let (kind, digits) = rest.split_at_checked(kind_length)?;
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let formed_like_ours =
        kind.bytes().all(|b| b.is_ascii_alphanumeric()) && digits.bytes().all(is_digit);
    formed_like_ours.then(|| digits.split_at(OWNER_DIGITS))
}

fn owner_hash(owner: &str) -> String {
    hash(&format!("owner {owner}"), OWNER_DIGITS)
}

fn destination_hash(destination: Option<&str>) -> String {
    let text = destination.map_or_else(|| "none".to_owned(), |key| format!("destination {key}"));
    hash(&text, DESTINATION_DIGITS)
}

fn hash(text: &str, digits: usize) -> String {
    let mut hex: String = Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.truncate(digits);
    hex
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: &str = "111111111111/acme-archive";

    #[test]
    fn a_sid_never_changes_because_statements_at_aws_are_found_by_it() {
        insta::assert_snapshot!(sid("Objects", OWNER, Some("backup")), @"ReplicatedObjects4feed7a11e2817");
        insta::assert_snapshot!(sid("Key", OWNER, None), @"ReplicatedKey4feed7a1140bed");
    }

    #[test]
    fn another_owner_is_recognised_as_another() {
        let theirs = sid("Objects", "222222222222/acme-archive", Some("backup"));
        assert!(!is_ours(&theirs, OWNER));
        assert!(is_replicated(&theirs));
    }

    #[test]
    fn another_destination_is_still_ours() {
        let gone = sid("Objects", OWNER, Some("gone"));
        assert!(is_ours(&gone, OWNER));
        assert!(!is_ours_for(&gone, OWNER, Some("backup")));
        assert!(!is_ours_for(&gone, OWNER, None));
        assert!(is_ours_for(&gone, OWNER, Some("gone")));
    }

    #[test]
    fn foreign_sids_are_not_ours() {
        let ours = sid("Objects", OWNER, Some("backup"));
        for foreign in [
            "",
            "Replicated",
            "ReplicatedObjects",
            "AllowReplication",
            "Replicatedäöüäöüäöü",
            &ours.to_uppercase(),
            &ours[1..],
            &format!("{ours} "),
        ] {
            assert!(!is_replicated(foreign), "{foreign:?}");
        }
    }

    proptest! {
        #[test]
        fn every_sid_is_letters_and_digits_and_found_again(
            kind in "\\PC{0,12}", owner in "\\PC*", destination in proptest::option::of("\\PC*"),
        ) {
            let sid = sid(&kind, &owner, destination.as_deref());
            prop_assert!(sid.bytes().all(|b| b.is_ascii_alphanumeric()));
            prop_assert!(is_ours(&sid, &owner));
            prop_assert!(is_ours_for(&sid, &owner, destination.as_deref()));
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text in "\\PC*") {
            let _ = is_replicated(&format!("Replicated{text}"));
        }
    }
}
