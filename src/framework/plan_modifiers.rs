//! Common plan modifiers.

use super::schema::{PlanModification, PlanModifier};

/// A change of the attribute replaces the object.
pub fn requires_replace() -> impl PlanModifier {
    RequiresReplace
}

/// A value that the provider once computed stays: it is planned as known instead of as known after apply.
/// For what never changes in the life of an object, such as an ID.
pub fn use_state_for_unknown() -> impl PlanModifier {
    UseStateForUnknown
}

#[derive(Debug)]
struct RequiresReplace;

impl PlanModifier for RequiresReplace {
    fn modify(&self, modification: &mut PlanModification<'_>) {
        if !modification.creating && !modification.planned.same(modification.prior) {
            modification.requires_replace = true;
        }
    }
}

#[derive(Debug)]
struct UseStateForUnknown;

impl PlanModifier for UseStateForUnknown {
    fn modify(&self, modification: &mut PlanModification<'_>) {
        // An unknown configured value must stay unknown: only apply will tell whether it is the old one.
        let computed = modification.planned.is_unknown() && modification.config.is_null();
        if computed && !modification.prior.is_null() {
            *modification.planned = modification.prior.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::value::{AttributePath, Value};

    fn modified(
        modifier: impl PlanModifier,
        [config, prior, mut planned]: [Value; 3],
    ) -> (Value, bool) {
        let mut modification = PlanModification {
            path: &AttributePath::root("a"),
            config: &config,
            prior: &prior,
            creating: prior.is_null(),
            planned: &mut planned,
            requires_replace: false,
        };
        modifier.modify(&mut modification);
        let replace = modification.requires_replace;
        (planned, replace)
    }

    #[test]
    fn only_a_change_of_an_existing_value_replaces() {
        let replaces = |values| modified(requires_replace(), values).1;
        let [old, new] = [Value::string("old"), Value::string("new")];
        assert!(replaces([new.clone(), old.clone(), new.clone()]));
        assert!(replaces([Value::Unknown, old.clone(), Value::Unknown]));
        assert!(!replaces([old.clone(), old.clone(), old.clone()]));
        assert!(!replaces([new.clone(), Value::Null, new]));
    }

    #[test]
    fn only_what_nobody_configures_keeps_its_prior_value() {
        let planned = |values| modified(use_state_for_unknown(), values).0;
        let old = Value::string("old");
        assert_eq!(planned([Value::Null, old.clone(), Value::Unknown]), old);
        assert_eq!(
            planned([Value::Unknown, old.clone(), Value::Unknown]),
            Value::Unknown
        );
        assert_eq!(
            planned([Value::Null, Value::Null, Value::Unknown]),
            Value::Unknown
        );
        assert_eq!(
            planned([Value::Null, old, Value::Bool(true)]),
            Value::Bool(true)
        );
    }
}
