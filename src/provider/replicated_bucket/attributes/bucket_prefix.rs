//! Buckets whose names begin with a prefix: what may be written, and the rest of the name, which an apply draws.

use std::collections::BTreeMap;

use std::sync::atomic::{AtomicU32, Ordering};

use time::OffsetDateTime;

use crate::framework::diagnostics::Diagnostics;
use crate::provider::replicated_bucket::model::BucketModel;
use crate::provider::replicated_bucket::paths::side_path;
use crate::replication::component::Side;
use crate::replication::observed::{Observed, ObservedBucket};

/// What names of new buckets end in behind their prefix, drawn once for each side of an apply.
pub(crate) type Drawn = BTreeMap<Side, String>;

/// Names drawn by this process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Checks what is written: a bucket has one name, and the source has one at all.
pub(crate) fn check(config: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in config.sides() {
        let path = side_path(&this);
        if side.bucket.known().is_some() && side.bucket_prefix.known().is_some() {
            diagnostics.error_at(
                path.attribute("bucket_prefix"),
                "Two names for one bucket",
                "`bucket` and `bucket_prefix` exclude each other: write the whole name, or its beginning.",
            );
        }
        if this == Side::Source && side.bucket.is_null() && side.bucket_prefix.is_null() {
            diagnostics.error_at(
                path,
                "The source has no name",
                "Nothing tells what the source bucket is called. Write `bucket`, its whole name, or `bucket_prefix`, the beginning of one.",
            );
        }
    }
}

/// Draws the rest of a name for each side that has a prefix.
pub(crate) fn draw(config: &BucketModel) -> Drawn {
    let sides = config.sides().into_iter();
    sides
        .filter(|(_, side)| side.bucket.is_null() && side.bucket_prefix.known().is_some())
        .map(|(this, _)| {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            (this, ending(OffsetDateTime::now_utc(), count))
        })
        .collect()
}

/// The moment to the nanosecond and a number, 26 digits: later names sort behind earlier ones.
fn ending(moment: OffsetDateTime, count: u32) -> String {
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:09}{:03}",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.nanosecond(),
        count % 1000
    )
}

/// A name that was just drawn is nobody's; a bucket that has it all the same is not taken over, whatever its tags
/// say.
pub(crate) fn refuse_taken(
    model: &BucketModel,
    drawn: &Drawn,
    observed: &Observed,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut refused = false;
    for (this, end) in drawn {
        let name = model.side(this).and_then(|side| side.bucket.known());
        let is_there = |seen: &ObservedBucket| seen.region.present().is_some();
        if let Some(name) = name.filter(|name| name.ends_with(end))
            && observed.buckets.get(this).is_some_and(is_there)
        {
            refused = true;
            diagnostics.error_at(
                side_path(this).attribute("bucket_prefix"),
                format!("Bucket {name} is there already"),
                format!("{this} would have been made under this name, and a bucket whose name follows from a prefix is never taken over. Apply again: another name is drawn. Nothing was changed."),
            );
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::model::Attr;
    use crate::provider::replicated_bucket::model::{SideModel, SourceModel};
    use crate::replication::ids::BucketName;
    use crate::replication::observed::Presence;
    use time::macros::datetime;

    #[test]
    fn an_ending_tells_the_moment_and_fills_what_a_prefix_leaves() {
        let moment = datetime!(2026-01-02 03:04:05.000000678 UTC);
        let end = ending(moment, 1009);
        assert_eq!(end, "20260102030405000000678009");
        assert_eq!(end.len(), BucketName::DIGITS_BEHIND_PREFIX);
    }

    #[test]
    fn only_sides_with_a_prefix_draw_and_each_draws_its_own() {
        let side = |bucket: Option<&str>, prefix: Option<&str>| SideModel {
            bucket: Attr::from_option(bucket.map(str::to_owned)),
            bucket_prefix: Attr::from_option(prefix.map(str::to_owned)),
            ..SideModel::default()
        };
        let destinations = [("a", side(None, Some("acme-"))), ("b", side(None, None))];
        let config = BucketModel {
            source: Attr::Known(SourceModel(side(None, Some("acme-")))),
            destinations: Attr::Known(
                destinations
                    .map(|(key, side)| (key.to_owned(), Attr::Known(side)))
                    .into(),
            ),
            ..BucketModel::default()
        };
        let drawn = draw(&config);
        let a = Side::Destination("a".to_owned());
        assert_eq!(drawn.keys().collect::<Vec<_>>(), [&Side::Source, &a]);
        assert_ne!(drawn[&Side::Source], drawn[&a]);
    }

    #[test]
    fn a_bucket_under_a_name_just_drawn_is_refused_and_one_under_a_name_of_the_state_is_not() {
        let drawn = Drawn::from([(Side::Source, "1".repeat(26))]);
        let mut observed = Observed::default();
        let there = ObservedBucket {
            region: Presence::Present("eu-west-1".to_owned()),
            ..ObservedBucket::default()
        };
        let named = |end: &str| BucketModel {
            source: Attr::Known(SourceModel(SideModel {
                bucket: Attr::Known(format!("acme-{end}")),
                ..SideModel::default()
            })),
            ..BucketModel::default()
        };
        let refused = |model: &BucketModel, observed: &Observed| {
            let mut said = Diagnostics::new();
            let refused = refuse_taken(model, &drawn, observed, &mut said);
            assert_eq!(said.has_error(), refused);
            refused
        };
        let new = named(&drawn[&Side::Source]);
        assert!(!refused(&new, &observed));
        observed.buckets.insert(Side::Source, there);
        assert!(refused(&new, &observed));
        assert!(!refused(&named(&"0".repeat(26)), &observed));
    }
}
