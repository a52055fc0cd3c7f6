//! One owner's share in a policy that others may write to as well.
//!
//! A share is made of our own statements, known by their Sids, and of those that the user wrote for us to keep.
//! A statement of the user's is known by its Sid as well; one without a Sid by what it says. Everything else in
//! the document is foreign and stays, unless the share is exclusive.

use super::document::{CURRENT_VERSION, PolicyDocument, Statement};
use super::meaning::{same_grant, same_statement};
use super::merge::{merge, ours};
use super::sid::is_ours;

/// What one owner wants in a policy, and what it gives up there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyShare {
    /// Whose share it is: the value of the owner tag.
    pub owner: String,
    /// Our statements, each under a Sid of this owner.
    pub ours: Vec<Statement>,
    /// Statements that the user wrote.
    pub written: Vec<Statement>,
    /// Statements that the user wrote before; they go, unless they are written still.
    pub withdrawn: Vec<Statement>,
    /// Statements that belong to the document as such, whoever else writes to it: by its own a key's account lets
    /// IAM grant the use of the key. They are never foreign, and put back where they are missing.
    pub base: Vec<Statement>,
    /// Whether foreign statements go as well.
    pub exclusive: bool,
}

impl PolicyShare {
    /// The share of an owner that wants nothing: its statements go, and the user's stay.
    pub fn nothing_of(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            ..Self::default()
        }
    }

    /// Our statements, then the user's.
    pub fn statements(&self) -> Vec<Statement> {
        self.ours.iter().chain(&self.written).cloned().collect()
    }

    /// Whether nothing is wanted in the document.
    pub fn is_empty(&self) -> bool {
        self.ours.is_empty() && self.written.is_empty()
    }

    /// The document as it should be, whatever is in it now.
    pub fn merged_into(&self, existing: Option<&PolicyDocument>) -> PolicyDocument {
        let mut before = existing.cloned();
        if let Some(document) = &mut before {
            let goes =
                |s: &Statement| self.is_given_up(s) || (self.exclusive && self.is_foreign(s));
            document.statements.retain(|s| !goes(s));
        }
        let mut wanted = self.statements();
        wanted.extend(self.lacking_base(before.as_ref()).cloned());
        let mut merged = merge(before.as_ref(), &wanted, |sid| is_ours(sid, &self.owner));
        if wanted.iter().any(Statement::has_variable)
            && !before.is_some_and(|document| document.has_variables())
        {
            // An older version would take the variables for plain text; to what is there it makes no difference.
            merged.version = CURRENT_VERSION.to_owned();
        }
        merged
    }

    /// Whether our statements in the document are exactly those that are wanted.
    pub fn ours_match(&self, document: &PolicyDocument) -> bool {
        let seen = ours(document, |sid| is_ours(sid, &self.owner));
        seen.iter().all(|seen| holds(&self.ours, seen))
            && self
                .ours
                .iter()
                .all(|wanted| seen.iter().any(|seen| same_statement(seen, wanted)))
    }

    /// Whether the user's statements are there as they are written, and those given up are not.
    pub fn written_match(&self, document: &PolicyDocument) -> bool {
        self.written
            .iter()
            .all(|wanted| holds(&document.statements, wanted))
            && !document.statements.iter().any(|s| self.is_given_up(s))
    }

    /// Whether the document holds what belongs to it as such.
    pub fn base_match(&self, document: &PolicyDocument) -> bool {
        self.lacking_base(Some(document)).next().is_none()
    }

    /// What belongs to the document as such and is not there under any name. A statement that the user wrote under
    /// that name stands for it.
    fn lacking_base<'a>(
        &'a self,
        document: Option<&'a PolicyDocument>,
    ) -> impl Iterator<Item = &'a Statement> {
        let seen = document.map_or(&[][..], |document| &document.statements);
        self.base.iter().filter(move |base| {
            let mut there = seen.iter().filter(|seen| same_grant(base, seen));
            let mut written = self.written.iter();
            there.next().is_none() && !written.any(|written| is_same(written, base))
        })
    }

    /// Statements that are neither ours nor the user's.
    pub fn foreign<'a>(&self, document: &'a PolicyDocument) -> Vec<&'a Statement> {
        document
            .statements
            .iter()
            .filter(|s| self.is_foreign(s))
            .collect()
    }

    /// What the document holds of the user's statements, changed or not, in the user's order.
    pub fn seen_of_written(&self, document: &PolicyDocument) -> Vec<Statement> {
        self.written
            .iter()
            .filter_map(|wanted| {
                document
                    .statements
                    .iter()
                    .find(|seen| is_same(wanted, seen))
            })
            .cloned()
            .collect()
    }

    fn is_given_up(&self, seen: &Statement) -> bool {
        self.withdrawn.iter().any(|before| is_same(before, seen))
            && !self.written.iter().any(|wanted| is_same(wanted, seen))
    }

    fn is_foreign(&self, seen: &Statement) -> bool {
        let is_ours = seen.name().is_some_and(|sid| is_ours(sid, &self.owner));
        let of_the_user = || {
            let mut known = self.written.iter().chain(&self.withdrawn);
            known.any(|statement| is_same(statement, seen))
        };
        let of_the_document = || self.base.iter().any(|base| same_grant(base, seen));
        !(is_ours || of_the_user() || of_the_document())
    }
}

/// Whether a statement that was seen is this one of the user's: it has the same Sid, or neither has any and both
/// say the same.
fn is_same(wanted: &Statement, seen: &Statement) -> bool {
    match (wanted.name(), seen.name()) {
        (Some(wanted), Some(seen)) => wanted == seen,
        (None, None) => same_statement(wanted, seen),
        _ => false,
    }
}

fn holds(statements: &[Statement], wanted: &Statement) -> bool {
    statements
        .iter()
        .any(|statement| same_statement(statement, wanted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::arbitrary::{OWNERS, documents, statements, statements_of};
    use super::super::merge::foreign;
    use super::super::sid::is_replicated;
    use super::*;

    const OWNER: &str = OWNERS[0];

    fn named(sid: &str, action: &str) -> Statement {
        Statement::allow(sid).actions(&[action]).resource("*")
    }

    fn nameless(action: &str) -> Statement {
        Statement {
            sid: None,
            ..named("", action)
        }
    }

    fn document(statements: &[Statement]) -> PolicyDocument {
        PolicyDocument::new(statements.to_vec())
    }

    fn share(written: &[Statement], withdrawn: &[Statement]) -> PolicyShare {
        PolicyShare {
            written: written.to_vec(),
            withdrawn: withdrawn.to_vec(),
            ..PolicyShare::nothing_of(OWNER)
        }
    }

    #[test]
    fn a_statement_that_the_user_gave_up_goes_by_its_name_or_by_what_it_says() {
        let theirs = [named("Theirs", "s3:GetObject"), nameless("s3:PutObject")];
        let before = [named("Mine", "s3:Changed"), nameless("s3:ListBucket")];
        let there = document(&[&theirs[..], &before].concat());
        let withdrawn = [named("Mine", "s3:GetObject"), nameless("s3:ListBucket")];
        let merged = share(&[], &withdrawn).merged_into(Some(&there));
        assert_eq!(merged, document(&theirs));
    }

    #[test]
    fn a_statement_that_is_still_written_stays_where_it_is() {
        let mine = named("Mine", "s3:GetObject");
        let there = document(&[mine.clone(), named("Theirs", "s3:GetObject")]);
        let changed = named("Mine", "s3:PutObject");
        let share = share(std::slice::from_ref(&changed), &[mine]);
        assert!(!share.written_match(&there));
        let merged = share.merged_into(Some(&there));
        assert_eq!(
            merged,
            document(&[changed, named("Theirs", "s3:GetObject")])
        );
        assert!(share.written_match(&merged));
    }

    #[test]
    fn only_an_exclusive_share_takes_out_what_others_wrote_and_never_the_accounts_own() {
        let root = named("EnableIAMUserPermissions", "kms:*");
        let under_another_name = named("Enable IAM User Permissions", "kms:*");
        let there = document(&[under_another_name.clone(), named("Theirs", "kms:Decrypt")]);
        let mut share = PolicyShare {
            base: vec![root],
            ..share(&[], &[])
        };
        assert_eq!(share.foreign(&there), [&named("Theirs", "kms:Decrypt")]);
        assert_eq!(share.merged_into(Some(&there)), there);
        share.exclusive = true;
        assert_eq!(
            share.merged_into(Some(&there)),
            document(&[under_another_name])
        );
    }

    #[test]
    fn the_accounts_own_statement_is_put_back_where_somebody_took_it_out_or_changed_it() {
        let root = named("EnableIAMUserPermissions", "kms:*");
        let theirs = named("Theirs", "kms:Decrypt");
        let share = PolicyShare {
            base: vec![root.clone()],
            ..share(&[], &[])
        };
        let whole = document(&[theirs.clone(), root]);
        let changed = named("EnableIAMUserPermissions", "kms:Describe*");
        for there in [
            document(std::slice::from_ref(&theirs)),
            document(&[theirs, changed]),
        ] {
            assert!(!share.base_match(&there));
            assert_eq!(share.merged_into(Some(&there)), whole);
        }
        assert!(share.base_match(&whole));
    }

    #[test]
    fn a_statement_of_the_users_under_the_accounts_name_stands_for_it() {
        let mine = named("EnableIAMUserPermissions", "kms:Describe*");
        let share = PolicyShare {
            base: vec![named("EnableIAMUserPermissions", "kms:*")],
            ..share(std::slice::from_ref(&mine), &[])
        };
        assert_eq!(
            share.merged_into(None),
            document(std::slice::from_ref(&mine))
        );
        assert!(share.base_match(&document(&[mine])));
    }

    #[test]
    fn what_is_seen_of_the_users_statements_is_told_with_its_changes() {
        let there = document(&[named("Mine", "s3:Changed"), nameless("s3:Other")]);
        let share = share(
            &[nameless("s3:GetObject"), named("Mine", "s3:GetObject")],
            &[],
        );
        assert_eq!(share.seen_of_written(&there), [named("Mine", "s3:Changed")]);
    }

    fn shares() -> impl Strategy<Value = PolicyShare> {
        let of_the_user = || {
            prop::collection::vec(statements(), 0..3).prop_map(|mut list| {
                list.retain(|s| !s.name().is_some_and(is_replicated));
                list.dedup_by(|a, b| a.name().is_some() && a.name() == b.name());
                list
            })
        };
        (
            statements_of(OWNER),
            of_the_user(),
            of_the_user(),
            any::<bool>(),
        )
            .prop_map(|(ours, written, withdrawn, exclusive)| PolicyShare {
                ours,
                written: unique(written),
                withdrawn,
                exclusive,
                ..PolicyShare::nothing_of(OWNER)
            })
    }

    /// Each Sid once, as a document has it.
    fn unique(list: Vec<Statement>) -> Vec<Statement> {
        let mut unique: Vec<Statement> = Vec::new();
        for statement in list {
            if statement.name().is_none() || !unique.iter().any(|s| s.name() == statement.name()) {
                unique.push(statement);
            }
        }
        unique
    }

    proptest! {
        #[test]
        fn after_a_merge_the_share_is_there_and_merging_again_changes_nothing(
            before in documents(), share in shares(),
        ) {
            let merged = share.merged_into(Some(&before));
            prop_assert!(share.ours_match(&merged));
            prop_assert!(share.written_match(&merged));
            prop_assert!(!share.exclusive || share.foreign(&merged).is_empty());
            prop_assert_eq!(share.merged_into(Some(&merged)), merged);
        }

        #[test]
        fn what_others_wrote_stays_exactly_unless_the_share_is_exclusive(
            before in documents(), share in shares(),
        ) {
            let share = PolicyShare { exclusive: false, ..share };
            let merged = share.merged_into(Some(&before));
            prop_assert_eq!(share.foreign(&merged), share.foreign(&before));
        }

        #[test]
        fn an_owner_that_wants_nothing_leaves_everything_else(before in documents()) {
            let merged = PolicyShare::nothing_of(OWNER).merged_into(Some(&before));
            let owned = |sid: &str| is_ours(sid, OWNER);
            prop_assert_eq!(merged.statements.iter().collect::<Vec<_>>(), foreign(&before, owned));
        }
    }
}
