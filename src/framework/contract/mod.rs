//! Terraform's own checks of a plan and of a result, as pure functions.
//!
//! A provider whose answers pass here never makes Terraform say "Provider produced invalid plan" or
//! "Provider produced inconsistent result after apply". The server runs them in debug builds, the tests
//! everywhere. Entry points: [`assert_plan_valid`], [`assert_object_compatible`],
//! [`assert_replace_paths`], and [`proposed_new_state`] to make plans without Terraform.

mod compatible;
mod plan;

use std::fmt;

pub use self::compatible::assert_object_compatible;
pub use self::plan::{assert_plan_valid, assert_replace_paths};
pub(crate) use self::plan::{changes, is_write_only};
pub use super::proposed::proposed_new_state;
use super::value::AttributePath;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub path: AttributePath,
    /// Which rule.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// The findings as lines of text.
pub(crate) fn list(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(|f| format!("  - {f}")).collect();
    lines.join("\n")
}

/// Collects findings.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: &AttributePath, message: impl Into<String>) {
        self.0.push(Finding {
            path: path.clone(),
            message: message.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::{
        Attribute, Block, BlockNesting, NestedBlock, Nesting, Schema, Setter,
    };
    use crate::framework::value::{Type, Value};

    /// Every kind of setter, a list of nested objects, a set, and a list of blocks.
    fn schema() -> Schema {
        let inner = || {
            vec![
                Attribute::string("key", Setter::Required, ""),
                Attribute::string("given", Setter::Computed, ""),
            ]
        };
        let mut schema = Schema::new(
            "",
            vec![
                Attribute::string("plain", Setter::Optional, ""),
                Attribute::string("both", Setter::OptionalComputed, ""),
                Attribute::string("given", Setter::Computed, ""),
                Attribute::string("secret", Setter::Optional, "").write_only(),
                Attribute::new("tags", Type::set(Type::String), Setter::Optional, ""),
                Attribute::nested("rules", Nesting::List, inner(), Setter::Optional, ""),
            ],
        );
        schema.block.blocks.push(NestedBlock {
            name: "hosts".to_owned(),
            nesting: BlockNesting::List,
            block: Block {
                attributes: inner(),
                ..Block::default()
            },
            min_items: 0,
            max_items: 0,
        });
        schema
    }

    /// An object of the schema; what is not given is null, or no block.
    fn thing<const N: usize>(values: [(&str, Value); N]) -> Value {
        let Value::Object(mut all) = schema().empty() else {
            panic!("a schema is an object");
        };
        all.extend(values.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(all)
    }

    fn text(text: &str) -> Value {
        Value::string(text)
    }

    fn rules<const N: usize>(rules: [(&str, Value); N]) -> Value {
        Value::List(
            rules
                .map(|(key, given)| Value::object([("key", text(key)), ("given", given)]))
                .into(),
        )
    }

    fn lines(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    fn plan_of<const N: usize>(
        prior: [(&str, Value); N],
        config: [(&str, Value); N],
        planned: [(&str, Value); N],
    ) -> Vec<String> {
        let (prior, config, planned) = (thing(prior), thing(config), thing(planned));
        lines(&assert_plan_valid(&schema(), &prior, &config, &planned))
    }

    #[test]
    fn a_plan_may_keep_configured_or_prior_values_and_choose_computed_ones() {
        let [old, new] = [text("old"), text("new")];
        for (name, prior, config, planned) in [
            ("plain", &old, &new, &new),
            ("plain", &old, &new, &old),
            ("plain", &old, &Value::Unknown, &Value::Unknown),
            ("plain", &old, &Value::Null, &Value::Null),
            ("both", &old, &Value::Null, &Value::Unknown),
            ("both", &old, &Value::Null, &new),
            ("given", &old, &Value::Null, &new),
            ("secret", &Value::Null, &new, &Value::Null),
        ] {
            let one = |value: &Value| [(name, value.clone())];
            assert_eq!(
                plan_of(one(prior), one(config), one(planned)),
                Vec::<String>::new(),
                "{name}: {config:?} planned as {planned:?}"
            );
        }
    }

    #[test]
    fn a_plan_may_not_say_anything_else() {
        let [old, new] = [text("old"), text("new")];
        let neither = "the plan is neither the configured nor the prior value";
        for (name, prior, config, planned, finding) in [
            ("plain", &Value::Null, &old, &new, neither),
            ("plain", &old, &new, &Value::Unknown, neither),
            ("plain", &old, &new, &Value::Null, neither),
            ("both", &Value::Null, &Value::Unknown, &new, neither),
            (
                "plain",
                &old,
                &Value::Null,
                &old,
                "planned, but neither configured nor computed by the provider",
            ),
            (
                "secret",
                &Value::Null,
                &new,
                &new,
                "a write-only value is in the plan",
            ),
        ] {
            let one = |value: &Value| [(name, value.clone())];
            assert_eq!(
                plan_of(one(prior), one(config), one(planned)),
                [format!("{name}: {finding}")],
                "{config:?} planned as {planned:?}"
            );
        }
    }

    #[test]
    fn nested_objects_are_checked_one_by_one() {
        let config = || [("rules", rules([("a", Value::Null), ("b", Value::Null)]))];
        let check = |planned| plan_of([("rules", Value::Null)], config(), [("rules", planned)]);
        let fine = rules([("a", Value::Unknown), ("b", text("x"))]);
        assert_eq!(check(fine), Vec::<String>::new());
        assert_eq!(
            check(rules([("a", Value::Null), ("c", Value::Null)])),
            ["rules[1].key: the plan is neither the configured nor the prior value"]
        );
        assert_eq!(
            check(rules([("a", Value::Null)])),
            ["rules: 2 elements configured, 1 planned"]
        );
        assert_eq!(
            check(Value::Unknown),
            ["rules: configured, but planned as unknown"]
        );
        assert_eq!(
            check(Value::Null),
            ["rules: in the configuration, but planned as absent"]
        );
    }

    #[test]
    fn blocks_are_neither_added_nor_removed() {
        let check = |config, planned| {
            plan_of(
                [("hosts", rules([]))],
                [("hosts", config)],
                [("hosts", planned)],
            )
        };
        let one = || rules([("a", Value::Null)]);
        assert_eq!(
            check(one(), rules([("a", text("x"))])),
            Vec::<String>::new()
        );
        assert_eq!(
            check(rules([]), one()),
            ["hosts: 0 elements configured, 1 planned"]
        );
        assert_eq!(
            check(rules([]), Value::Null),
            ["hosts: a collection of blocks is planned as null"]
        );
        assert_eq!(
            check(Value::Unknown, one()),
            ["hosts: known and unknown do not match the configuration"]
        );
    }

    #[test]
    fn an_object_is_planned_exactly_when_it_is_configured() {
        let absent = assert_plan_valid(&schema(), &Value::Null, &thing([]), &Value::Null);
        assert_eq!(
            lines(&absent),
            ["in the configuration, but planned as absent"]
        );
        let extra = assert_plan_valid(&schema(), &thing([]), &Value::Null, &thing([]));
        assert_eq!(lines(&extra), ["planned, but not in the configuration"]);
    }

    #[test]
    fn a_result_keeps_what_was_planned_as_known() {
        let set = |items: &[&str]| Value::set(items.iter().map(|item| text(item)));
        let unknown_and_a = || Value::set([text("a"), Value::Unknown]);
        for (name, planned, actual, finding) in [
            ("given", Value::Unknown, text("x"), None),
            ("given", Value::Unknown, Value::Null, None),
            ("tags", unknown_and_a(), set(&["a", "b"]), None),
            ("tags", unknown_and_a(), set(&["a"]), None),
            (
                "plain",
                text("x"),
                text("y"),
                Some("the result is another value than planned"),
            ),
            (
                "plain",
                text("x"),
                Value::Null,
                Some("planned, but the result is null"),
            ),
            (
                "plain",
                Value::Null,
                text("x"),
                Some("planned as null, but the result is not"),
            ),
            (
                "plain",
                text("x"),
                Value::Unknown,
                Some("planned as known, but the result is unknown"),
            ),
            (
                "tags",
                set(&["a", "b"]),
                set(&["a"]),
                Some("a planned element is not in the result"),
            ),
            (
                "tags",
                set(&["a"]),
                set(&["a", "b"]),
                Some("the result has an element that was not planned"),
            ),
            (
                "rules",
                rules([("a", Value::Unknown)]),
                rules([]),
                Some("1 elements planned, 0 in the result"),
            ),
        ] {
            let findings = assert_object_compatible(
                &schema(),
                &thing([(name, planned)]),
                &thing([(name, actual)]),
            );
            let expected = finding.map(|finding| format!("{name}: {finding}"));
            assert_eq!(lines(&findings).first(), expected.as_ref());
        }
    }

    #[test]
    fn only_what_changes_can_replace() {
        let prior = thing([("plain", text("old")), ("both", text("same"))]);
        let planned = thing([("plain", text("new")), ("both", text("same"))]);
        let check = |name: &str| {
            let paths = [AttributePath::root(name)];
            lines(&assert_replace_paths(&schema(), &prior, &planned, &paths))
        };
        assert_eq!(check("plain"), Vec::<String>::new());
        assert_eq!(check("secret"), Vec::<String>::new());
        assert_eq!(
            check("both"),
            ["both: nothing changes here that could replace the object"]
        );
        assert_eq!(
            check("absent"),
            ["absent: the path is in neither the prior nor the planned state"]
        );
    }

    #[test]
    fn the_proposal_takes_what_is_configured_and_keeps_what_is_computed() {
        let prior = thing([
            ("plain", text("old")),
            ("both", text("kept")),
            ("given", text("g")),
            ("rules", rules([("a", text("1")), ("b", text("2"))])),
            ("hosts", rules([("h", text("3"))])),
        ]);
        let config = thing([
            ("secret", text("s")),
            ("rules", rules([("a", Value::Null)])),
            ("hosts", rules([("h", Value::Null), ("i", Value::Null)])),
        ]);
        let expected = thing([
            ("both", text("kept")),
            ("given", text("g")),
            ("secret", text("s")),
            ("rules", rules([("a", text("1"))])),
            ("hosts", rules([("h", text("3")), ("i", Value::Null)])),
        ]);
        assert_eq!(proposed_new_state(&schema(), &prior, &config), expected);
        assert_eq!(
            proposed_new_state(&schema(), &prior, &Value::Null),
            Value::Null
        );
    }

    #[test]
    fn elements_of_a_set_find_their_prior_by_what_is_configured() {
        let rule = |key: &str, given: Value| Value::object([("key", text(key)), ("given", given)]);
        let inner = vec![
            Attribute::string("key", Setter::Required, ""),
            Attribute::string("given", Setter::Computed, ""),
        ];
        let rules = Attribute::nested("rules", Nesting::Set, inner, Setter::Optional, "");
        let schema = Schema::new("", vec![rules]);
        let thing = |rules: [Value; 2]| Value::object([("rules", Value::set(rules))]);
        let prior = thing([rule("b", text("2")), rule("a", text("1"))]);
        let config = thing([rule("b", Value::Null), rule("c", Value::Null)]);
        let expected = thing([rule("b", text("2")), rule("c", Value::Null)]);
        assert!(proposed_new_state(&schema, &prior, &config).same(&expected));
    }

    #[test]
    fn a_nested_object_that_was_written_goes_when_it_is_removed() {
        let schema = |inner| {
            let inner = vec![Attribute::string("name", inner, "")];
            let main =
                Attribute::nested("main", Nesting::Single, inner, Setter::OptionalComputed, "");
            Schema::new("", vec![main])
        };
        let main = |main| Value::object([("main", main)]);
        let prior = main(Value::object([("name", text("n"))]));
        let removed = main(Value::Null);
        assert_eq!(
            proposed_new_state(&schema(Setter::Optional), &prior, &removed),
            removed
        );
        assert_eq!(
            proposed_new_state(&schema(Setter::OptionalComputed), &prior, &removed),
            prior
        );
    }
}
