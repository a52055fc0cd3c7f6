//! `lifecycle_rules`: what is written, what it comes to, and the way to the domain and back.

mod validate;

use std::collections::BTreeMap;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time, UtcOffset};

use crate::framework::model::{Attr, ToValue, known_entries, text_map};
use crate::framework::schema::Validator;
use crate::framework::validators::{self, Check};
use crate::framework::value::Value;
use crate::provider::replicated_bucket::model::SideModel;
use crate::provider::replicated_bucket::model::lifecycle::{
    ExpirationModel, LifecycleRuleModel, NoncurrentExpirationModel, NoncurrentTransitionModel,
    RulesModel, TransitionModel,
};
use crate::replication::observed::Presence;
use crate::replication::operation::{
    DEFAULT_TRANSITION_MINIMUM, Expiration, LifecycleConfiguration, LifecycleRule, LifecycleScope,
    Moment, Noncurrent,
};

pub(crate) use validate::{check, warn};

use Attr::{Known, Null, Unknown};

/// Storage classes that versions move to, in the only order in which they can move through them.
pub(crate) const CLASSES: [&str; 6] = [
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
];

/// Works out both attributes of a side.
pub(crate) fn effective(written: &SideModel, kept: &Attr<&SideModel>, side: &mut SideModel) {
    let found = |pick: fn(&SideModel) -> &Attr<RulesModel>| match kept {
        Known(kept) => pick(kept).clone(),
        Unknown => Unknown,
        Null => Null,
    };
    side.lifecycle_rules = match &written.lifecycle_rules {
        Null => found(|kept| &kept.lifecycle_rules),
        rules => rules.clone().map(|rules| {
            let rules = rules.into_iter();
            rules
                .map(|(id, rule)| (id, rule.map(effective_rule)))
                .collect()
        }),
    };
    let minimum = &written.lifecycle_transition_default_minimum_object_size;
    side.lifecycle_transition_default_minimum_object_size =
        minimum.clone().or(|| match (&side.lifecycle_rules, kept) {
            (Null, _) => Null,
            (Known(rules), _) if rules.is_empty() => Null,
            (Unknown, _) | (_, Unknown) => Unknown,
            (_, Known(kept)) => kept
                .lifecycle_transition_default_minimum_object_size
                .clone()
                .or(|| Known(DEFAULT_TRANSITION_MINIMUM.to_owned())),
            (_, Null) => Known(DEFAULT_TRANSITION_MINIMUM.to_owned()),
        });
}

fn effective_rule(mut rule: LifecycleRuleModel) -> LifecycleRuleModel {
    rule.enabled = rule.enabled.or(|| Known(true));
    let narrowed = is_narrowed(&rule);
    rule.whole_bucket = rule.whole_bucket.or(|| narrowed.map(|narrowed| !narrowed));
    rule
}

/// Whether a rule names anything that narrows it.
fn is_narrowed(rule: &LifecycleRuleModel) -> Attr<bool> {
    let predicates = [
        rule.prefix.as_ref().map(|_| true),
        rule.tags.as_ref().map(|tags| !tags.is_empty()),
        rule.object_size_greater_than.as_ref().map(|_| true),
        rule.object_size_less_than.as_ref().map(|_| true),
    ];
    if predicates.contains(&Known(true)) {
        Known(true)
    } else if predicates.contains(&Unknown) {
        Unknown
    } else {
        Known(false)
    }
}

/// The domain's form. Rules that are not wholly known are left out: they are known when they are written.
pub(crate) fn expand(side: &SideModel) -> LifecycleConfiguration {
    let rules = side.lifecycle_rules.known().into_iter().flatten();
    LifecycleConfiguration {
        rules: rules
            .filter_map(|(id, rule)| Some((id.clone(), expand_rule(rule.known()?)?)))
            .collect(),
        transition_default_minimum_object_size: side
            .lifecycle_transition_default_minimum_object_size
            .known()
            .cloned(),
    }
}

fn expand_rule(rule: &LifecycleRuleModel) -> Option<LifecycleRule> {
    if !rule.to_known().is_wholly_known() {
        return None;
    }
    let noncurrent = |days: &Attr<i64>, newer: &Attr<i64>| {
        Some(Noncurrent {
            days: small(days)?,
            newer_versions: small(newer),
        })
    };
    let transitions = rule.transitions.known().into_iter().flatten();
    let noncurrent_transitions = rule.noncurrent_version_transitions.known();
    Some(LifecycleRule {
        enabled: rule.enabled.known().copied().unwrap_or(true),
        scope: LifecycleScope {
            prefix: rule.prefix.known().cloned(),
            tags: known_entries(&rule.tags),
            object_size_greater_than: rule.object_size_greater_than.known().copied(),
            object_size_less_than: rule.object_size_less_than.known().copied(),
        },
        expiration: rule.expiration.known().and_then(|expiration| {
            let moment = moment(&expiration.days, &expiration.date).map(Expiration::At);
            let markers = expiration.expired_object_delete_marker == Known(true);
            moment.or(markers.then_some(Expiration::ExpiredObjectDeleteMarker))
        }),
        noncurrent_version_expiration: rule
            .noncurrent_version_expiration
            .known()
            .and_then(|e| noncurrent(&e.noncurrent_days, &e.newer_noncurrent_versions)),
        transitions: transitions
            .filter_map(Attr::known)
            .filter_map(|to| {
                let class = to.storage_class.known()?.clone();
                Some((class, moment(&to.days, &to.date)?))
            })
            .collect(),
        noncurrent_version_transitions: noncurrent_transitions
            .into_iter()
            .flatten()
            .filter_map(Attr::known)
            .filter_map(|to| {
                let when = noncurrent(&to.noncurrent_days, &to.newer_noncurrent_versions)?;
                Some((to.storage_class.known()?.clone(), when))
            })
            .collect(),
        abort_incomplete_multipart_upload_days: small(&rule.abort_incomplete_multipart_upload_days),
    })
}

/// Takes over what was seen, in the state's own spelling where both mean the same.
pub(crate) fn flatten(side: &mut SideModel, seen: &Presence<LifecycleConfiguration>) {
    let seen = match seen {
        Presence::Unasked => return,
        Presence::Absent => &LifecycleConfiguration::default(),
        Presence::Present(seen) => seen,
    };
    if expand(side).means_the_same(seen) {
        return;
    }
    let before = match &side.lifecycle_rules {
        Known(rules) => rules.clone(),
        Null | Unknown => RulesModel::new(),
    };
    if seen.rules.is_empty() {
        side.lifecycle_rules = Null;
        side.lifecycle_transition_default_minimum_object_size = Null;
        return;
    }
    let rules = seen.rules.iter().map(|(id, rule)| {
        let before = before.get(id).and_then(Attr::known);
        (id.clone(), Known(flatten_rule(rule, before)))
    });
    side.lifecycle_rules = Known(rules.collect());
    side.lifecycle_transition_default_minimum_object_size =
        Known(seen.transition_minimum().to_owned());
}

fn flatten_rule(seen: &LifecycleRule, before: Option<&LifecycleRuleModel>) -> LifecycleRuleModel {
    let number = |number: Option<i32>| Attr::from_option(number.map(i64::from));
    let days_and_date = |moment: &Moment| match moment {
        Moment::Days(days) => (Known(i64::from(*days)), Null),
        Moment::Date(date) => (Null, Known(date.clone())),
    };
    let scope = &seen.scope.plain();
    let mut model = LifecycleRuleModel {
        enabled: Known(seen.enabled),
        prefix: Attr::from_option(scope.prefix.clone()),
        tags: Attr::from_option((!scope.tags.is_empty()).then(|| text_map(scope.tags.clone()))),
        object_size_greater_than: Attr::from_option(scope.object_size_greater_than),
        object_size_less_than: Attr::from_option(scope.object_size_less_than),
        whole_bucket: Known(*scope == LifecycleScope::default()),
        expiration: match &seen.expiration {
            None => Null,
            Some(Expiration::ExpiredObjectDeleteMarker) => Known(ExpirationModel {
                expired_object_delete_marker: Known(true),
                ..ExpirationModel::default()
            }),
            Some(Expiration::At(moment)) => {
                let (days, date) = days_and_date(moment);
                Known(ExpirationModel {
                    days,
                    date,
                    ..ExpirationModel::default()
                })
            }
        },
        noncurrent_version_expiration: match &seen.noncurrent_version_expiration {
            None => Null,
            Some(when) => Known(NoncurrentExpirationModel {
                noncurrent_days: Known(i64::from(when.days)),
                newer_noncurrent_versions: number(when.newer_versions),
            }),
        },
        transitions: in_order(&seen.transitions, |class, moment| {
            let (days, date) = days_and_date(moment);
            TransitionModel {
                days,
                date,
                storage_class: Known(class.to_owned()),
            }
        }),
        noncurrent_version_transitions: in_order(
            &seen.noncurrent_version_transitions,
            |class, when| NoncurrentTransitionModel {
                noncurrent_days: Known(i64::from(when.days)),
                newer_noncurrent_versions: number(when.newer_versions),
                storage_class: Known(class.to_owned()),
            },
        ),
        abort_incomplete_multipart_upload_days: number(seen.abort_incomplete_multipart_upload_days),
    };
    if let Some(before) = before
        && let Some(meant) = expand_rule(before)
    {
        if meant.means_the_same(seen) {
            return before.clone();
        }
        if meant.scope.tags == scope.tags {
            model.tags = before.tags.clone();
        }
        if meant.scope.plain().object_size_greater_than == scope.object_size_greater_than {
            model.object_size_greater_than = before.object_size_greater_than.clone();
        }
        if meant.expiration == seen.expiration {
            model.expiration = before.expiration.clone();
        }
        if meant.transitions == seen.transitions {
            model.transitions = before.transitions.clone();
        }
        if meant.noncurrent_version_transitions == seen.noncurrent_version_transitions {
            model.noncurrent_version_transitions = before.noncurrent_version_transitions.clone();
        }
    }
    model
}

/// Transitions in the order in which versions go through them; null when there are none.
fn in_order<T, M>(
    transitions: &BTreeMap<String, T>,
    model: impl Fn(&str, &T) -> M,
) -> Attr<Vec<Attr<M>>> {
    if transitions.is_empty() {
        return Null;
    }
    let mut classes: Vec<(&String, &T)> = transitions.iter().collect();
    classes.sort_by_key(|(class, _)| CLASSES.iter().position(|known| known == class));
    let models = classes.into_iter();
    Known(models.map(|(class, to)| Known(model(class, to))).collect())
}

fn moment(days: &Attr<i64>, date: &Attr<String>) -> Option<Moment> {
    let date = date.known().and_then(|text| day(text).ok());
    date.map(Moment::Date).or(small(days).map(Moment::Days))
}

/// A number that validation keeps within 32 bits.
fn small(number: &Attr<i64>) -> Option<i32> {
    let number = number.known()?;
    Some(i32::try_from(*number).unwrap_or(i32::MAX))
}

/// The day that a date names, written out or as the moment at which it begins.
fn day(text: &str) -> Result<String, String> {
    let form = format_description!("[year]-[month]-[day]");
    let date = Date::parse(text, form).ok().or_else(|| {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let moment = moment.to_offset(UtcOffset::UTC);
        (moment.time() == Time::MIDNIGHT).then(|| moment.date())
    });
    date.and_then(|date| date.format(form).ok()).ok_or_else(|| {
        format!("\"{text}\" is not a day like 2030-01-31; S3 acts at midnight UTC, so only that time of day is possible.")
    })
}

/// A day that S3 can act on.
pub(crate) fn date_check() -> impl Validator {
    validators::text(|text| {
        day(text)
            .map(drop)
            .map_err(|why| format!("is refused: {why}"))
    })
}

/// IDs that S3 takes, as many as it takes.
pub(crate) fn rule_ids() -> impl Validator {
    Check::new(|value: &Value| {
        let Value::Map(rules) = value else {
            return Ok(());
        };
        if rules.len() > 1000 {
            return Err(format!(
                "has {} rules; a bucket has at most 1000.",
                rules.len()
            ));
        }
        for (id, rule) in rules {
            if id.is_empty() || id.chars().count() > 255 {
                return Err(format!(
                    "has the rule ID \"{id}\", which is not possible: 1 to 255 characters are."
                ));
            }
            if *rule == Value::Null {
                return Err(format!(
                    "has the rule \"{id}\" as null; leave it out, or write what it does."
                ));
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(rules: impl IntoIterator<Item = (&'static str, LifecycleRuleModel)>) -> SideModel {
        let rules = rules.into_iter();
        SideModel {
            lifecycle_rules: Known(
                rules
                    .map(|(id, rule)| (id.to_owned(), Known(rule)))
                    .collect(),
            ),
            ..SideModel::default()
        }
    }

    fn worked_out(written: &SideModel, kept: &Attr<&SideModel>) -> SideModel {
        let mut side = SideModel::default();
        effective(written, kept, &mut side);
        side
    }

    fn dated() -> LifecycleRuleModel {
        LifecycleRuleModel {
            tags: Known(crate::framework::model::TextMap::new()),
            prefix: Known("logs/".to_owned()),
            expiration: Known(ExpirationModel {
                date: Known("2030-01-31T00:00:00Z".to_owned()),
                expired_object_delete_marker: Known(false),
                ..ExpirationModel::default()
            }),
            transitions: Known(vec![
                Known(TransitionModel {
                    date: Known("2029-01-31".to_owned()),
                    storage_class: Known("GLACIER".to_owned()),
                    ..TransitionModel::default()
                }),
                Known(TransitionModel {
                    date: Known("2028-01-31".to_owned()),
                    storage_class: Known("STANDARD_IA".to_owned()),
                    ..TransitionModel::default()
                }),
            ]),
            ..LifecycleRuleModel::default()
        }
    }

    #[test]
    fn what_is_left_out_is_worked_out() {
        let everything = LifecycleRuleModel::default();
        let model = worked_out(&side([("logs", dated()), ("all", everything)]), &Null);
        let rules = model.lifecycle_rules.known().unwrap();
        let of = |id: &str| rules[id].known().unwrap();
        assert_eq!(
            (&of("logs").enabled, &of("logs").whole_bucket),
            (&Known(true), &Known(false))
        );
        assert_eq!(of("all").whole_bucket, Known(true));
        assert_eq!(
            model.lifecycle_transition_default_minimum_object_size,
            Known(DEFAULT_TRANSITION_MINIMUM.to_owned())
        );
        let veiled = LifecycleRuleModel {
            prefix: Unknown,
            ..LifecycleRuleModel::default()
        };
        let model = worked_out(&side([("veiled", veiled)]), &Null);
        let rule = model.lifecycle_rules.known().unwrap()["veiled"]
            .known()
            .unwrap();
        assert_eq!(rule.whole_bucket, Unknown);
    }

    #[test]
    fn what_an_import_found_stays_while_nothing_is_written() {
        let found = worked_out(&side([("logs", dated())]), &Null);
        assert_eq!(worked_out(&SideModel::default(), &Known(&found)), found);
        let none = worked_out(&side([]), &Known(&found));
        assert_eq!(none.lifecycle_rules, Known(RulesModel::new()));
        assert_eq!(none.lifecycle_transition_default_minimum_object_size, Null);
    }

    #[test]
    fn the_same_meaning_keeps_its_spelling_and_only_what_differs_shows() {
        let state = worked_out(&side([("logs", dated())]), &Null);
        let seen = expand(&state);
        let mut same = state.clone();
        flatten(&mut same, &Presence::Present(seen.clone()));
        assert_eq!(same, state);

        let mut changed = seen;
        changed.rules.get_mut("logs").unwrap().enabled = false;
        let mut drifted = state.clone();
        flatten(&mut drifted, &Presence::Present(changed));
        let mut expected = state.clone();
        if let Known(rules) = &mut expected.lifecycle_rules
            && let Some(Known(rule)) = rules.get_mut("logs")
        {
            rule.enabled = Known(false);
        }
        assert_eq!(drifted, expected);

        let mut gone = state;
        flatten(&mut gone, &Presence::Absent);
        assert_eq!(gone, SideModel::default());
        let mut empty = side([]);
        flatten(&mut empty, &Presence::Absent);
        assert_eq!(empty, side([]));
    }

    #[test]
    fn what_somebody_added_shows_so_that_it_could_be_written() {
        let added = LifecycleRule {
            enabled: true,
            expiration: Some(Expiration::ExpiredObjectDeleteMarker),
            transitions: BTreeMap::from([
                ("DEEP_ARCHIVE".to_owned(), Moment::Days(90)),
                ("GLACIER".to_owned(), Moment::Days(1)),
            ]),
            ..LifecycleRule::default()
        };
        let seen = LifecycleConfiguration {
            rules: BTreeMap::from([("by-hand".to_owned(), added)]),
            ..LifecycleConfiguration::default()
        };
        let mut shown = SideModel::default();
        flatten(&mut shown, &Presence::Present(seen.clone()));
        assert_eq!(
            expand(&shown).transition_minimum(),
            DEFAULT_TRANSITION_MINIMUM
        );
        assert_eq!(expand(&shown).rules, seen.rules);
        let rule = shown.lifecycle_rules.known().unwrap()["by-hand"]
            .known()
            .unwrap();
        let first = rule.transitions.known().unwrap()[0].known().unwrap();
        assert_eq!(first.storage_class, Known("GLACIER".to_owned()));
        assert_eq!(rule.whole_bucket, Known(true));
    }

    #[test]
    fn a_day_is_read_in_both_forms() {
        assert_eq!(day("2030-01-31"), day("2030-01-31T00:00:00Z"));
        assert_eq!(
            day("2030-01-31T02:00:00+02:00"),
            Ok("2030-01-31".to_owned())
        );
        for text in ["2030-1-31", "2030-02-30", "2030-01-31T12:00:00Z", "soon"] {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
