//! Editing a document that others write to as well.
//!
//! A bucket's or a key's policy may hold statements of its owner, of other tools and of other
//! `replicated_bucket`s. Ours are known by their Sids (see [`sid`](super::sid())); all others come through
//! unchanged and in their order. Nothing is remembered between two edits, so edits of different owners may
//! come in any order.

use std::collections::BTreeSet;

use super::document::{PolicyDocument, Statement};
use super::meaning::same_statement;

/// The document with exactly `wanted` as our statements.
///
/// Statements that `owned` recognises by their Sid are replaced where they stand, or removed when they are no
/// longer wanted; new ones go to the end. A wanted statement without a Sid is added unless the document says
/// the same already.
pub fn merge(
    existing: Option<&PolicyDocument>,
    wanted: &[Statement],
    owned: impl Fn(&str) -> bool,
) -> PolicyDocument {
    let mut merged = PolicyDocument {
        statements: Vec::new(),
        ..existing.cloned().unwrap_or_default()
    };
    let mut placed = BTreeSet::new();
    for statement in existing.map_or(&[][..], |document| &document.statements) {
        let sid = statement.name();
        let replacement = sid.and_then(|sid| wanted_by_sid(wanted, sid));
        match (sid, replacement) {
            (Some(sid), Some(replacement)) => {
                if placed.insert(sid) {
                    merged.statements.push(replacement.clone());
                }
            }
            (Some(sid), None) if owned(sid) => {}
            _ => merged.statements.push(statement.clone()),
        }
    }
    for statement in wanted {
        let there = match statement.name() {
            Some(sid) => !placed.insert(sid),
            None => merged
                .statements
                .iter()
                .any(|s| same_statement(s, statement)),
        };
        if !there {
            merged.statements.push(statement.clone());
        }
    }
    merged
}

/// Our statements in the document.
pub fn ours(document: &PolicyDocument, owned: impl Fn(&str) -> bool) -> Vec<&Statement> {
    let is_ours = |s: &&Statement| s.name().is_some_and(&owned);
    document.statements.iter().filter(is_ours).collect()
}

/// What others wrote in the document.
pub fn foreign(document: &PolicyDocument, owned: impl Fn(&str) -> bool) -> Vec<&Statement> {
    let is_ours = |s: &&Statement| s.name().is_some_and(&owned);
    document.statements.iter().filter(|s| !is_ours(s)).collect()
}

fn wanted_by_sid<'a>(wanted: &'a [Statement], sid: &str) -> Option<&'a Statement> {
    wanted.iter().find(|s| s.name() == Some(sid))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::arbitrary::{OWNERS, documents, statements, statements_of};
    use super::super::meaning::same_meaning;
    use super::super::sid::{is_ours, sid};
    use super::*;

    const OWNER: &str = OWNERS[0];

    fn owned(sid: &str) -> bool {
        is_ours(sid, OWNER)
    }

    fn named(sid: impl Into<String>) -> Statement {
        Statement::allow(sid)
            .actions(&["s3:GetObject"])
            .resource("*")
    }

    fn ours_for(destination: &str) -> Statement {
        named(sid("Objects", OWNER, Some(destination)))
    }

    fn document(statements: impl IntoIterator<Item = Statement>) -> PolicyDocument {
        PolicyDocument::new(statements.into_iter().collect())
    }

    #[test]
    fn a_bucket_without_a_policy_gets_one_of_the_current_version() {
        let merged = merge(None, &[ours_for("a")], owned);
        assert_eq!(merged, document([ours_for("a")]));
    }

    #[test]
    fn our_statement_is_replaced_where_it_stands() {
        let changed = ours_for("a").actions(&["s3:PutObject"]);
        let merged = merge(
            Some(&document([named("First"), ours_for("a"), named("Last")])),
            std::slice::from_ref(&changed),
            owned,
        );
        assert_eq!(merged, document([named("First"), changed, named("Last")]));
    }

    #[test]
    fn our_statement_for_a_destination_that_went_is_removed() {
        let before = document([ours_for("gone"), named("Theirs")]);
        let merged = merge(Some(&before), &[ours_for("a")], owned);
        assert_eq!(merged, document([named("Theirs"), ours_for("a")]));
    }

    #[test]
    fn a_statement_without_a_name_is_added_only_once() {
        let mut nameless = named("");
        nameless.sid = None;
        let wanted = [nameless];
        let once = merge(Some(&document([named("Theirs")])), &wanted, owned);
        assert_eq!(once.statements.len(), 2);
        assert_eq!(merge(Some(&once), &wanted, owned), once);
    }

    #[test]
    fn with_nothing_wanted_only_theirs_are_left() {
        assert_eq!(
            merge(
                Some(&document([ours_for("a"), named("Theirs")])),
                &[],
                owned
            ),
            document([named("Theirs")])
        );
    }

    #[test]
    fn a_merged_document_keeps_its_version_and_id() {
        let mut before = document([named("Theirs")]);
        before.version = "2008-10-17".into();
        before.id = Some("Shared".into());
        let merged = merge(Some(&before), &[ours_for("a")], owned);
        assert_eq!((merged.version, merged.id), (before.version, before.id));
    }

    proptest! {
        #[test]
        fn what_others_wrote_stays_exactly(before in documents(), wanted in statements_of(OWNER)) {
            let merged = merge(Some(&before), &wanted, owned);
            prop_assert_eq!(foreign(&merged, owned), foreign(&before, owned));
            let rest = merge(Some(&merged), &[], owned);
            prop_assert_eq!(rest.statements.iter().collect::<Vec<_>>(), foreign(&before, owned));
        }

        #[test]
        fn after_a_merge_ours_are_exactly_the_wanted_ones(
            before in documents(), wanted in statements_of(OWNER),
        ) {
            let merged = merge(Some(&before), &wanted, owned);
            let (merged, wanted) = (
                document(ours(&merged, owned).into_iter().cloned()),
                document(wanted),
            );
            prop_assert_eq!(merged.statements.len(), wanted.statements.len());
            prop_assert!(same_meaning(&merged, &wanted));
        }

        #[test]
        fn merging_again_changes_nothing(
            before in documents(), wanted in prop::collection::vec(statements(), 0..4),
        ) {
            let once = merge(Some(&before), &wanted, owned);
            prop_assert_eq!(merge(Some(&once), &wanted, owned), once);
        }

        #[test]
        fn edits_of_two_owners_may_come_in_any_order(
            before in documents(), a in statements_of(OWNERS[0]), b in statements_of(OWNERS[1]),
        ) {
            let edit = |document: &PolicyDocument, owner: &str, wanted: &[Statement]| {
                merge(Some(document), wanted, |sid| is_ours(sid, owner))
            };
            let a_first = edit(&edit(&before, OWNERS[0], &a), OWNERS[1], &b);
            let b_first = edit(&edit(&before, OWNERS[1], &b), OWNERS[0], &a);
            prop_assert!(same_meaning(&a_first, &b_first));
        }
    }
}
