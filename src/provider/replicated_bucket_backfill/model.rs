//! What the action takes.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, known_items};
use crate::framework::schema::{Attribute, Schema, Setter};
use crate::framework::validators::between;
use crate::framework::value::{AttributePath, Type};
use crate::model;
use crate::provider::checks;
use crate::provider::replicated_bucket::status::check_import_id;
use crate::replication::operation::{BatchJobFilter, BatchJobReport};

/// Which objects are taken where the configuration does not say.
const DEFAULT_STATUSES: [&str; 2] = ["NONE", "FAILED"];
const STATUSES: &[&str] = &["NONE", "FAILED", "COMPLETED", "REPLICA"];
/// The S3 console's own.
const DEFAULT_PRIORITY: i64 = 10;
const DEFAULT_REPORT_PREFIX: &str = "replicated-backfill";

model! {
    /// `config` of the action.
    BackfillModel {
        /// The ID with which the setup imports.
        import_id: String,
        /// Statuses of the objects.
        object_replication_statuses: Vec<Attr<String>>,
        /// A moment.
        created_after: String,
        /// A moment.
        created_before: String,
        /// Beginnings of keys.
        prefixes: Vec<Attr<String>>,
        /// Bytes.
        object_size_greater_than: i64,
        /// Bytes.
        object_size_less_than: i64,
        /// The job's role.
        role_arn: String,
        /// The job's priority.
        priority: i64,
        /// Where the report goes.
        report_bucket: String,
        /// What its keys begin with.
        report_prefix: String,
        /// Whether the job goes on without Terraform.
        detach: bool,
    }
}

impl BackfillModel {
    /// Which objects.
    pub(super) fn filter(&self) -> BatchJobFilter {
        let statuses = known_items(&self.object_replication_statuses);
        let statuses: BTreeSet<String> = match statuses.is_empty() {
            true => DEFAULT_STATUSES.map(str::to_owned).into(),
            false => statuses.into_iter().collect(),
        };
        let moment = |text: &Attr<String>| parse_moment(text.known()?).ok();
        BatchJobFilter {
            replication_statuses: statuses,
            created_after: moment(&self.created_after),
            created_before: moment(&self.created_before),
            prefixes: known_items(&self.prefixes).into_iter().collect(),
            size_greater_than: self.object_size_greater_than.known().copied(),
            size_less_than: self.object_size_less_than.known().copied(),
        }
    }

    /// The job's priority.
    pub(super) fn priority(&self) -> i32 {
        let written = self.priority.known().copied();
        i32::try_from(written.unwrap_or(DEFAULT_PRIORITY)).unwrap_or(i32::MAX)
    }

    /// The report, where one is asked for.
    pub(super) fn report(&self) -> Option<BatchJobReport> {
        let prefix = self.report_prefix.known();
        Some(BatchJobReport {
            bucket: self.report_bucket.known()?.clone(),
            prefix: prefix
                .map_or(DEFAULT_REPORT_PREFIX, String::as_str)
                .to_owned(),
        })
    }

    /// What one attribute cannot tell alone.
    pub(super) fn check(&self, said: &mut Diagnostics) {
        let filter = self.filter();
        if let (Some(after), Some(before)) = (filter.created_after, filter.created_before)
            && after >= before
        {
            said.error_at(
                AttributePath::root("created_before"),
                "No object can be that old",
                "`created_before` is not later than `created_after`, so no object is between them. Exchange them, or take one out.",
            );
        }
        if let (Some(more), Some(less)) = (filter.size_greater_than, filter.size_less_than)
            && more.saturating_add(1) >= less
        {
            said.error_at(
                AttributePath::root("object_size_less_than"),
                "No object can be that large",
                "No whole number of bytes is greater than `object_size_greater_than` and less than `object_size_less_than`. Exchange them, or take one out.",
            );
        }
        if self.report_bucket.is_null() && self.report_prefix.known().is_some() {
            said.error_at(
                AttributePath::root("report_prefix"),
                "A prefix without a report",
                "`report_prefix` says where in `report_bucket` the report goes, and no `report_bucket` is written. Write it, or take the prefix out.",
            );
        }
    }
}

fn parse_moment(text: &str) -> Result<i64, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(OffsetDateTime::unix_timestamp)
        .map_err(|_| format!("\"{text}\" is no moment in RFC 3339, such as 2026-01-31T00:00:00Z."))
}

fn check_prefix(text: &str) -> Result<(), String> {
    match text.len() {
        1..=1024 => Ok(()),
        _ => Err(
            "the beginning of a key has 1 to 1,024 bytes; leave `prefixes` out to take every key."
                .to_owned(),
        ),
    }
}

fn check_report_prefix(text: &str) -> Result<(), String> {
    let is_bare = text.trim_end_matches('/').is_empty();
    if is_bare || text.len() > 512 || text.contains(['*', '?', '$']) {
        return Err("the prefix of a report has 1 to 512 characters beside slashes at its end, and none of *, ? and $, which mean something else in the policy of the job's role.".to_owned());
    }
    Ok(())
}

pub(super) fn schema() -> Schema {
    let text =
        |name: &str, description: &str| Attribute::string(name, Setter::Optional, description);
    let number =
        |name: &str, description: &str| Attribute::number(name, Setter::Optional, description);
    let texts = |name: &str, description: &str| {
        Attribute::new(
            name,
            Type::list(Type::String),
            Setter::Optional,
            description,
        )
    };
    let moment = || checks::text(|text| parse_moment(text).map(drop));
    let size = || between(0, i64::MAX);
    Schema::new(
        "Replicates the objects that were in the source before its rules, or that failed to replicate, with a job of S3 Batch Replication, and follows it to its end.",
        vec![
            Attribute::string(
                "import_id",
                Setter::Required,
                "Which setup: the resource's `import_id`, or any ID with which it could be imported.",
            )
            .validate(checks::text(|id| check_import_id(id).map_err(|why| format!("{why}.")))),
            texts(
                "object_replication_statuses",
                "Takes versions of objects with any of these replication statuses: `NONE` (no rule covered them when they were written), `FAILED`, `COMPLETED` and `REPLICA`. `[\"NONE\", \"FAILED\"]` where it is left out. Add `COMPLETED` after a destination has come: what one has already got the others may lack.",
            )
            .validate(checks::each(checks::one_of(STATUSES))),
            text(
                "created_after",
                "Takes only versions that were made after this moment, in RFC 3339.",
            )
            .validate(moment()),
            text(
                "created_before",
                "Takes only versions that were made before this moment, in RFC 3339.",
            )
            .validate(moment()),
            texts(
                "prefixes",
                "Takes only objects whose key begins with any of these.",
            )
            .validate(checks::each(checks::text(check_prefix))),
            number(
                "object_size_greater_than",
                "Takes only objects of more than so many bytes.",
            )
            .validate(size()),
            number(
                "object_size_less_than",
                "Takes only objects of fewer than so many bytes.",
            )
            .validate(between(1, i64::MAX)),
            text(
                "role_arn",
                "ARN of the role that the job runs as. Where it is left out, a role `backfill-<source bucket>` is made, and removed after the job.",
            )
            .validate(checks::role_arn()),
            number(
                "priority",
                "Which job S3 works on first, among those of the account and region: the one with the highest number. `10` where it is left out.",
            )
            .validate(between(0, i64::from(i32::MAX))),
            text(
                "report_bucket",
                "Bucket in the source's account and region to which the job writes why objects failed. It must be there already, and have no default retention. Without it failures are counted and nobody can tell their reasons.",
            )
            .validate(checks::bucket_name()),
            text(
                "report_prefix",
                "What the keys of the report begin with, `replicated-backfill` where it is left out.",
            )
            .validate(checks::text(check_report_prefix)),
            Attribute::bool(
                "detach",
                Setter::Optional,
                "Whether the job goes on when Terraform is interrupted. Else it is cancelled; either way the next run takes up what is left.",
            ),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_takes_what_never_crossed_and_what_failed() {
        let model = BackfillModel::default();
        let statuses = model.filter().replication_statuses;
        assert_eq!(statuses, DEFAULT_STATUSES.map(str::to_owned).into());
        assert_eq!(model.priority(), 10);
        assert_eq!(model.report(), None);
        let told = BackfillModel {
            object_replication_statuses: Attr::Known(vec![Attr::Known("COMPLETED".to_owned())]),
            created_after: Attr::Known("2026-01-31T01:00:00+01:00".to_owned()),
            report_bucket: Attr::Known("acme-reports".to_owned()),
            ..BackfillModel::default()
        };
        assert_eq!(
            told.filter().replication_statuses,
            ["COMPLETED".to_owned()].into()
        );
        assert_eq!(told.filter().created_after, Some(1_769_817_600));
        assert_eq!(told.report().unwrap().prefix, "replicated-backfill");
    }

    #[test]
    fn what_is_no_moment_or_no_prefix_is_refused() {
        for text in ["", "2026-01-31", "2026-13-01T00:00:00Z", "soon"] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
        let long = "x".repeat(513);
        for (prefix, fine) in [
            ("a", true),
            ("a/b/", true),
            ("", false),
            ("//", false),
            ("a*", false),
            (&long, false),
        ] {
            assert_eq!(check_report_prefix(prefix).is_ok(), fine, "{prefix}");
        }
    }
}
