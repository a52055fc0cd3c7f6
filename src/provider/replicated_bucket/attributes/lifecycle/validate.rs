//! Lifecycle rules that S3 would refuse, or that would do what nobody means.

use super::{CLASSES, LifecycleRuleModel, day, is_narrowed};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::checks::not_empty;
use crate::provider::replicated_bucket::model::{RuleModel, SideModel};
use crate::provider::replicated_bucket::values::expand::filter;
use crate::replication::operation::RuleFilter;

use Attr::{Known, Null, Unknown};

/// Days that S3 keeps a version before it moves to an infrequent-access class, and in it.
const INFREQUENT_ACCESS_DAYS: i64 = 30;
const INFREQUENT_ACCESS: [&str; 2] = ["STANDARD_IA", "ONEZONE_IA"];

/// Checks the lifecycle rules that are written for a side.
pub(crate) fn check(path: &AttributePath, side: &SideModel, diagnostics: &mut Diagnostics) {
    let minimum = "lifecycle_transition_default_minimum_object_size";
    let without_rules = match &side.lifecycle_rules {
        Known(rules) => rules.is_empty(),
        Attr::Null => true,
        Unknown => false,
    };
    if without_rules
        && side
            .lifecycle_transition_default_minimum_object_size
            .known()
            .is_some()
    {
        diagnostics.error_at(
            path.attribute(minimum),
            "Nothing transitions here",
            format!("`{minimum}` says what the rules of `lifecycle_rules` do, and there is none. Write one, or leave it out."),
        );
    }
    let path = path.attribute("lifecycle_rules");
    for (id, rule) in side.lifecycle_rules.known().into_iter().flatten() {
        if let Known(rule) = rule {
            check_rule(&path.key(id), rule, diagnostics);
        }
    }
}

/// Warns where a deletion that is replicated becomes final: of a worked-out destination.
pub(crate) fn warn(path: &AttributePath, side: &SideModel, diagnostics: &mut Diagnostics) {
    if side.enabled == Known(false) {
        return;
    }
    for (name, rule) in side.stated_rules().unwrap_or_default() {
        let Known(rule) = rule else { continue };
        if rule.delete_marker_replication != Known(true) || rule.enabled == Known(false) {
            continue;
        }
        let path = match side.rules {
            Null => path.clone(),
            _ => path.attribute("rules").key(&name),
        };
        if let Some(days) = days_until_final(side, &rule) {
            diagnostics.warning_at(
                path.attribute("delete_marker_replication"),
                format!("A deletion at the source is final here after {days} days"),
                format!("Delete markers are replicated to this destination, and its lifecycle rules delete noncurrent versions after {days} days: what somebody deletes at the source can be brought back from here only until then. Write delete_marker_replication = false, so that deletions do not reach the backup, or give noncurrent versions more time."),
            );
        }
    }
}

/// How long the first noncurrent versions of objects of a replication rule are kept, where they are not kept for good.
fn days_until_final(side: &SideModel, replicated: &RuleModel) -> Option<i64> {
    let replicated = filter(&replicated.filter).ok()?;
    let rules = side.lifecycle_rules.known().into_iter().flatten();
    rules
        .filter_map(|(_, rule)| rule.known())
        .filter(|rule| rule.enabled != Known(false))
        .filter(|rule| {
            let scope = RuleFilter {
                prefix: rule.prefix.known().cloned(),
                ..RuleFilter::default()
            };
            !rule.prefix.is_unknown() && replicated.overlaps(&scope)
        })
        .filter_map(|rule| rule.noncurrent_version_expiration.known())
        .filter_map(|expiration| expiration.noncurrent_days.known().copied())
        .min()
}

fn check_rule(path: &AttributePath, rule: &LifecycleRuleModel, diagnostics: &mut Diagnostics) {
    if let Known(expiration) = &rule.expiration {
        not_empty(&path.attribute("expiration"), expiration, diagnostics);
    }
    check_actions(path, rule, diagnostics);
    check_scope(path, rule, diagnostics);
    check_expiration(path, rule, diagnostics);
    check_days_and_dates(path, rule, diagnostics);
    let noncurrent = noncurrent_transitions(rule);
    check_order(
        &path.attribute("transitions"),
        &current_transitions(rule),
        diagnostics,
    );
    check_order(
        &path.attribute("noncurrent_version_transitions"),
        &noncurrent,
        diagnostics,
    );
    let expires = rule.noncurrent_version_expiration.known();
    let expires = expires.and_then(|e| e.noncurrent_days.known());
    let last = noncurrent.iter().filter_map(|to| to.days).max();
    if let (Some(expires), Some(last)) = (expires, last)
        && *expires <= last
    {
        let expiration = path.attribute("noncurrent_version_expiration");
        expires_too_early(
            expiration.attribute("noncurrent_days"),
            *expires,
            last,
            diagnostics,
        );
    }
}

fn check_actions(path: &AttributePath, rule: &LifecycleRuleModel, diagnostics: &mut Diagnostics) {
    let nothing = rule.expiration.is_null()
        && rule.noncurrent_version_expiration.is_null()
        && is_none(&rule.transitions)
        && is_none(&rule.noncurrent_version_transitions)
        && rule.abort_incomplete_multipart_upload_days.is_null();
    if nothing {
        diagnostics.error_at(
            path.clone(),
            "The rule does nothing",
            "S3 takes no lifecycle rule without an action: write `expiration`, `noncurrent_version_expiration`, `transitions`, `noncurrent_version_transitions` or `abort_incomplete_multipart_upload_days`, or leave the rule out. Terraform drops unknown names silently, so look for a mistyped one.",
        );
    }
    for (name, has_null) in [
        ("transitions", has_null(&rule.transitions)),
        (
            "noncurrent_version_transitions",
            has_null(&rule.noncurrent_version_transitions),
        ),
    ] {
        if has_null {
            diagnostics.error_at(
                path.attribute(name),
                "A transition is null",
                "Leave it out, or write what it does.",
            );
        }
    }
}

fn check_scope(path: &AttributePath, rule: &LifecycleRuleModel, diagnostics: &mut Diagnostics) {
    let narrowed = is_narrowed(rule);
    let expires = rule
        .expiration
        .known()
        .is_some_and(|e| !e.days.is_null() || !e.date.is_null());
    let acts_on_current = expires || rule.transitions.known().is_some_and(|t| !t.is_empty());
    match (&narrowed, &rule.whole_bucket) {
        (Known(true), Known(true)) => diagnostics.error_at(
            path.attribute("whole_bucket"),
            "The rule is for the whole bucket and is not",
            "`whole_bucket` is true, and `prefix`, `tags` or a size narrows the rule; write one or the other.",
        ),
        (Known(false), Known(false)) => diagnostics.error_at(
            path.attribute("whole_bucket"),
            "The rule is for nothing",
            "`whole_bucket` is false, and no `prefix`, `tags` or size says which objects are meant. Write one, or whole_bucket = true.",
        ),
        (Known(false), Attr::Null) if acts_on_current => diagnostics.error_at(
            path.clone(),
            "The rule does not say for which objects",
            "It acts on current objects, so it must name a `prefix`, `tags` or a size; or write whole_bucket = true, if every object is meant. (Terraform drops unknown names silently: a mistyped `prefix` would otherwise make this a rule for the whole bucket.)",
        ),
        _ => {}
    }
    if let (Some(more), Some(less)) = (
        rule.object_size_greater_than.known(),
        rule.object_size_less_than.known(),
    ) && more >= less
    {
        diagnostics.error_at(
            path.attribute("object_size_less_than"),
            "No object has such a size",
            format!("No object has more than {more} and less than {less} bytes."),
        );
    }
    let by_object = rule.tags.known().is_some_and(|tags| !tags.is_empty())
        || rule.object_size_greater_than.known().is_some()
        || rule.object_size_less_than.known().is_some();
    let markers = rule
        .expiration
        .known()
        .is_some_and(|e| e.expired_object_delete_marker == Known(true));
    let uploads = rule
        .abort_incomplete_multipart_upload_days
        .known()
        .is_some();
    let expiration = path.attribute("expiration");
    for (acts, path, what) in [
        (
            uploads,
            path.attribute("abort_incomplete_multipart_upload_days"),
            "Unfinished uploads have",
        ),
        (
            markers,
            expiration.attribute("expired_object_delete_marker"),
            "Delete markers have",
        ),
    ] {
        if acts && by_object {
            diagnostics.error_at(
                path,
                "Not with tags or sizes",
                format!("{what} neither tags nor a size, so S3 refuses this in a rule that is narrowed by them. Write a rule of its own for it, narrowed by a `prefix` or by nothing."),
            );
        }
    }
}

fn check_expiration(
    path: &AttributePath,
    rule: &LifecycleRuleModel,
    diagnostics: &mut Diagnostics,
) {
    let Known(expiration) = &rule.expiration else {
        return;
    };
    let path = path.attribute("expiration");
    let written = [
        ("days", expiration.days.known().is_some()),
        ("date", expiration.date.known().is_some()),
        (
            "expired_object_delete_marker",
            expiration.expired_object_delete_marker == Known(true),
        ),
    ];
    let written: Vec<&str> = written
        .iter()
        .filter(|(_, w)| *w)
        .map(|(n, _)| *n)
        .collect();
    if let [_, second, ..] = written[..] {
        diagnostics.error_at(
            path.attribute(second),
            "Two kinds of expiration",
            format!("`{}` exclude one another in one rule; write one of them here, and another rule for the other.", written.join("` and `")),
        );
    }
    let known = !expiration.days.is_unknown()
        && !expiration.date.is_unknown()
        && !expiration.expired_object_delete_marker.is_unknown();
    if written.is_empty() && known && expiration.expired_object_delete_marker == Known(false) {
        diagnostics.error_at(
            path,
            "Nothing expires",
            "Write `days`, `date`, or expired_object_delete_marker = true, or leave `expiration` out.",
        );
    }
}

fn check_days_and_dates(
    path: &AttributePath,
    rule: &LifecycleRuleModel,
    diagnostics: &mut Diagnostics,
) {
    let transitions = path.attribute("transitions");
    let items = rule.transitions.known().into_iter().flatten();
    let mut days = false;
    let mut dates = false;
    for (index, to) in (0..).zip(items) {
        let Known(to) = to else { continue };
        days |= to.days.known().is_some();
        dates |= to.date.known().is_some();
        let wrong = match (&to.days, &to.date) {
            (Known(_), Known(_)) => "`days` and `date` exclude each other; write one of them.",
            (Attr::Null, Attr::Null) => "Write `days` or `date`: when versions move.",
            _ => continue,
        };
        diagnostics.error_at(
            transitions.index(index),
            "When the versions move is not clear",
            wrong,
        );
    }
    if let Known(expiration) = &rule.expiration {
        days |= expiration.days.known().is_some();
        dates |= expiration.date.known().is_some();
    }
    if days && dates {
        diagnostics.error_at(
            path.clone(),
            "Days and dates in one rule",
            "S3 refuses a rule in which some of `expiration` and `transitions` have `days` and some have a `date`. Write two rules.",
        );
    }
    let Known(expiration) = &rule.expiration else {
        return;
    };
    let moves = current_transitions(rule);
    let last = moves.iter().filter_map(|to| to.days).max();
    if let (Some(expires), Some(last)) = (expiration.days.known(), last)
        && *expires <= last
    {
        let path = path.attribute("expiration").attribute("days");
        expires_too_early(path, *expires, last, diagnostics);
    }
    let last = moves.iter().filter_map(|to| to.date.clone()).max();
    if let (Some(expires), Some(last)) = (expiration.date.known(), last)
        && day(expires).is_ok_and(|expires| expires <= last)
    {
        diagnostics.error_at(
            path.attribute("expiration").attribute("date"),
            "It expires before it moves",
            format!("Versions expire on {expires} and move to another class on {last}; S3 wants the expiration after the last transition."),
        );
    }
}

fn expires_too_early(path: AttributePath, expires: i64, last: i64, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        path,
        "It expires before it moves",
        format!("Versions expire after {expires} days and move to another class after {last}; S3 wants the expiration after the last transition."),
    );
}

/// A transition with what is known of it.
struct Move<'a> {
    index: i64,
    class: &'a str,
    days: Option<i64>,
    date: Option<String>,
}

fn current_transitions(rule: &LifecycleRuleModel) -> Vec<Move<'_>> {
    let items = (0..).zip(rule.transitions.known().into_iter().flatten());
    let known = items.filter_map(|(index, to)| {
        let to = to.known()?;
        Some(Move {
            index,
            class: to.storage_class.known()?,
            days: to.days.known().copied(),
            date: to.date.known().and_then(|text| day(text).ok()),
        })
    });
    known.collect()
}

fn noncurrent_transitions(rule: &LifecycleRuleModel) -> Vec<Move<'_>> {
    let items = rule.noncurrent_version_transitions.known();
    let known = (0..).zip(items.into_iter().flatten());
    let known = known.filter_map(|(index, to)| {
        let to = to.known()?;
        Some(Move {
            index,
            class: to.storage_class.known()?,
            days: to.noncurrent_days.known().copied(),
            date: None,
        })
    });
    known.collect()
}

/// Versions go down through the classes, stay a while in those of infrequent access, and go through each once.
fn check_order(path: &AttributePath, moves: &[Move<'_>], diagnostics: &mut Diagnostics) {
    let rank = |class: &str| CLASSES.iter().position(|known| *known == class);
    let mut in_order: Vec<&Move<'_>> = moves.iter().collect();
    in_order.sort_by_key(|to| rank(to.class));
    for to in &in_order {
        if INFREQUENT_ACCESS.contains(&to.class)
            && to.days.is_some_and(|days| days < INFREQUENT_ACCESS_DAYS)
        {
            diagnostics.error_at(
                path.index(to.index),
                "Too early for this storage class",
                format!(
                    "S3 moves versions to {} after {INFREQUENT_ACCESS_DAYS} days at the earliest.",
                    to.class
                ),
            );
        }
    }
    for pair in in_order.windows(2) {
        let [earlier, later] = pair else { continue };
        if earlier.class == later.class {
            diagnostics.error_at(
                path.index(later.index),
                "One storage class twice",
                format!("Versions move to {} once.", later.class),
            );
            continue;
        }
        let gap = if INFREQUENT_ACCESS.contains(&earlier.class) {
            INFREQUENT_ACCESS_DAYS
        } else {
            1
        };
        let too_early = match (earlier.days, later.days) {
            (Some(first), Some(then)) => then < first + gap,
            _ => matches!((&earlier.date, &later.date), (Some(first), Some(then)) if then <= first),
        };
        if too_early {
            diagnostics.error_at(
                path.index(later.index),
                "Versions cannot move in this order",
                format!("Versions move from {} to {} and never back, and stay in {} for {gap} days or more; give {} a later time, or leave one of the two out.", earlier.class, later.class, earlier.class, later.class),
            );
        }
    }
}

fn is_none<T>(list: &Attr<Vec<T>>) -> bool {
    match list {
        Known(items) => items.is_empty(),
        Attr::Null => true,
        Unknown => false,
    }
}

fn has_null<T>(list: &Attr<Vec<Attr<T>>>) -> bool {
    let items = list.known().into_iter().flatten();
    items.into_iter().any(|item| item.is_null())
}
