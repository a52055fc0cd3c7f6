//! Lifecycle rules: what S3 refuses, and what it makes of the rest.

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::operation::{
    DEFAULT_TRANSITION_MINIMUM, Expiration, LifecycleConfiguration, LifecycleRule, Moment,
};

use super::{Refused, refuse};

/// What S3 says to a configuration.
pub(super) fn check(lifecycle: &LifecycleConfiguration) -> Result<(), Refused> {
    let malformed = |why: &str| refuse(Kind::Invalid, "MalformedXML", why);
    if lifecycle.rules.is_empty() || lifecycle.rules.len() > 1000 {
        return malformed("no rules, or too many");
    }
    for (id, rule) in &lifecycle.rules {
        if id.is_empty() || id.len() > 255 {
            return malformed("ID");
        }
        check_rule(rule)?;
    }
    Ok(())
}

/// The configuration with the defaults that AWS writes out.
pub(super) fn stored(lifecycle: &LifecycleConfiguration) -> LifecycleConfiguration {
    let mut stored = lifecycle.clone();
    for rule in stored.rules.values_mut() {
        if rule.scope.prefix.is_some() && !rule.scope.tags.is_empty() {
            let size = &mut rule.scope.object_size_greater_than;
            size.get_or_insert(0);
        }
    }
    stored
        .transition_default_minimum_object_size
        .get_or_insert_with(|| DEFAULT_TRANSITION_MINIMUM.to_owned());
    stored
}

fn check_rule(rule: &LifecycleRule) -> Result<(), Refused> {
    let invalid = |why: &str| refuse(Kind::Invalid, "InvalidRequest", why);
    let uploads = rule.abort_incomplete_multipart_upload_days;
    let markers = rule.expiration == Some(Expiration::ExpiredObjectDeleteMarker);
    if rule.expiration.is_none()
        && rule.noncurrent_version_expiration.is_none()
        && rule.transitions.is_empty()
        && rule.noncurrent_version_transitions.is_empty()
        && uploads.is_none()
    {
        return invalid("At least one action needs to be specified in a rule.");
    }
    let scope = &rule.scope;
    let by_object = !scope.tags.is_empty()
        || scope.object_size_greater_than.is_some()
        || scope.object_size_less_than.is_some();
    if by_object && (uploads.is_some() || markers) {
        return invalid("cannot be specified with Tags or sizes.");
    }
    if let (Some(more), Some(less)) = (scope.object_size_greater_than, scope.object_size_less_than)
        && more >= less
    {
        return invalid("'ObjectSizeLessThan' has to be larger.");
    }
    let expires = match &rule.expiration {
        Some(Expiration::At(moment)) => Some(moment),
        _ => None,
    };
    let mut moments = rule.transitions.values().chain(expires);
    let is_dated = |moment: &Moment| matches!(moment, Moment::Date(_));
    if moments.clone().any(is_dated) && !moments.all(is_dated) {
        return invalid("Found mixed 'Date' and 'Days' based actions.");
    }
    for (class, moment) in &rule.transitions {
        let waits = matches!(class.as_str(), "STANDARD_IA" | "ONEZONE_IA");
        match (moment, expires) {
            (Moment::Days(days), _) if waits && *days < 30 => {
                return invalid("'Days' must be greater than or equal to 30.");
            }
            (Moment::Days(days), Some(Moment::Days(expires))) if expires <= days => {
                return invalid("'Days' in the Expiration action must be greater.");
            }
            (Moment::Date(date), Some(Moment::Date(expires))) if expires <= date => {
                return invalid("'Date' in the Expiration action must be later.");
            }
            _ => {}
        }
    }
    let too_few = |days: i32| days < 1;
    if uploads.is_some_and(too_few)
        || rule
            .noncurrent_version_expiration
            .as_ref()
            .is_some_and(|e| too_few(e.days))
        || matches!(expires, Some(Moment::Days(days)) if too_few(*days))
    {
        return refuse(
            Kind::Invalid,
            "InvalidArgument",
            "must be a positive integer",
        );
    }
    Ok(())
}
