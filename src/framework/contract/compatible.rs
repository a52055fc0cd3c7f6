//! What a result may be, given what was planned.

use super::{Finding, Findings};
use crate::framework::schema::Schema;
use crate::framework::value::{AttributePath, Value};

/// Checks a new state against the planned one: what was planned as known is so, what was unknown may be
/// anything. The same rule joins the plan of the apply phase to the first one.
pub fn assert_object_compatible(schema: &Schema, planned: &Value, actual: &Value) -> Vec<Finding> {
    let mut findings = Findings::default();
    let root = AttributePath::default();
    if let Err(error) = actual.conforms(&schema.block.ty()) {
        findings.add(
            &root,
            format!("the result does not fit the schema: {error}"),
        );
        return findings.0;
    }
    compare(&root, planned, actual, &mut findings);
    findings.0
}

fn compare(path: &AttributePath, planned: &Value, actual: &Value, findings: &mut Findings) {
    if planned.is_unknown() {
        return;
    }
    if actual.is_unknown() {
        findings.add(path, "planned as known, but the result is unknown");
        return;
    }
    match (planned.is_null(), actual.is_null()) {
        (true, true) => return,
        (true, false) => return findings.add(path, "planned as null, but the result is not"),
        (false, true) => return findings.add(path, "planned, but the result is null"),
        (false, false) => {}
    }
    match (planned, actual) {
        (Value::Object(planned), Value::Object(actual)) => {
            for (name, planned) in planned {
                let actual = actual.get(name).unwrap_or(&Value::Null);
                compare(&path.attribute(name), planned, actual, findings);
            }
        }
        (Value::Map(planned), Value::Map(actual)) => {
            for (key, planned) in planned {
                match actual.get(key) {
                    Some(actual) => compare(&path.key(key), planned, actual, findings),
                    None => findings.add(&path.key(key), "planned, but not in the result"),
                }
            }
            for key in actual.keys().filter(|key| !planned.contains_key(*key)) {
                findings.add(&path.key(key), "in the result, but not planned");
            }
        }
        (Value::List(planned), Value::List(actual)) => {
            if planned.len() != actual.len() {
                let message = format!(
                    "{} elements planned, {} in the result",
                    planned.len(),
                    actual.len()
                );
                findings.add(path, message);
            }
            for (index, (planned, actual)) in (0..).zip(planned.iter().zip(actual)) {
                compare(&path.index(index), planned, actual, findings);
            }
        }
        (Value::Set(planned), Value::Set(actual)) => sets(path, planned, actual, findings),
        (Value::Dynamic(planned), Value::Dynamic(actual)) => {
            if planned.0 == actual.0 {
                compare(path, &planned.1, &actual.1, findings);
            } else {
                findings.add(path, "the result is of another type than planned");
            }
        }
        (planned, actual) => {
            if !planned.same(actual) {
                findings.add(path, "the result is another value than planned");
            }
        }
    }
}

/// Elements of sets are matched by compatibility. Two planned elements may turn out the same, so the
/// result may have fewer elements, never more.
fn sets(path: &AttributePath, planned: &[Value], actual: &[Value], findings: &mut Findings) {
    let compatible = |planned: &Value, actual: &Value| {
        let mut differences = Findings::default();
        compare(path, planned, actual, &mut differences);
        differences.0.is_empty()
    };
    if !planned
        .iter()
        .all(|p| actual.iter().any(|a| compatible(p, a)))
    {
        findings.add(path, "a planned element is not in the result");
    }
    if !actual
        .iter()
        .all(|a| planned.iter().any(|p| compatible(p, a)))
    {
        findings.add(path, "the result has an element that was not planned");
    }
    if actual.len() > planned.len() {
        let message = format!(
            "{} elements planned, {} in the result",
            planned.len(),
            actual.len()
        );
        findings.add(path, message);
    }
}
