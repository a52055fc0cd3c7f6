//! When a fault is played, and which.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::Outcome;

/// Plays a fault on some of the calls that match a pattern.
#[derive(Debug, Clone)]
pub struct Rule {
    pattern: Regex,
    first: usize,
    times: usize,
    fault: Fault,
    matched: usize,
    asleep_until: Option<Regex>,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is forwarded later.
    Delay(Duration),
    /// It is not forwarded; this status and body are the answer.
    Status(u16, String),
    /// The same, with what is told of the call's `METHOD path Operation`: services say the same thing in different forms.
    StatusFor(fn(&str) -> (u16, String)),
    /// It is not forwarded, and the connection closes.
    CutBefore,
    /// It is carried out, and the connection closes without an answer.
    CutAfter,
    /// It is carried out, and the answer breaks off half way.
    Truncate,
    /// It is carried out, and the answer's body is nonsense of the same length.
    Garble,
    /// It is not forwarded and never answered.
    Hang,
    /// It is not forwarded, all connections close, and new ones are refused until the proxy is reopened.
    Refuse,
    /// The action runs (say, it kills the caller); the call is not forwarded.
    RunBefore(Action),
    /// The call is carried out, then the action runs; there is no answer.
    RunAfter(Action),
}

/// Something that a fault does beside the call.
#[derive(Clone)]
pub struct Action(Arc<dyn Fn() + Send + Sync>);

impl Rule {
    /// On every call whose `METHOD path Operation` matches the regular expression.
    pub fn on(pattern: &str, fault: Fault) -> Outcome<Self> {
        Ok(Self {
            pattern: Regex::new(pattern)?,
            first: 1,
            times: usize::MAX,
            fault,
            matched: 0,
            asleep_until: None,
        })
    }

    /// Only from the first call on that matches this; calls before it are not counted.
    pub fn from(mut self, pattern: &str) -> Outcome<Self> {
        self.asleep_until = Some(Regex::new(pattern)?);
        Ok(self)
    }

    /// Only from the `nth` matching call on, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.first = nth;
        self
    }

    /// Only for so many calls.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Lets every rule count the call; the first whose turn it is gives its fault.
    pub(super) fn first_fault(rules: &mut [Self], line: &str) -> Option<Fault> {
        let mut fault = None;
        for rule in rules.iter_mut() {
            rule.asleep_until.take_if(|alarm| alarm.is_match(line));
        }
        let awake = |rule: &&mut Self| rule.asleep_until.is_none() && rule.pattern.is_match(line);
        for rule in rules.iter_mut().filter(awake) {
            rule.matched += 1;
            let turn = rule.matched >= rule.first && rule.matched - rule.first < rule.times;
            if turn && fault.is_none() {
                fault = Some(match &rule.fault {
                    Fault::StatusFor(told) => {
                        let (status, body) = told(line);
                        Fault::Status(status, body)
                    }
                    fault => fault.clone(),
                });
            }
        }
        fault
    }
}

impl Action {
    /// Wraps what is to be done.
    pub fn new(action: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(action))
    }

    pub(super) fn run(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Action")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(mut rules: Vec<Rule>, lines: &[&str]) -> Vec<bool> {
        lines
            .iter()
            .map(|line| Rule::first_fault(&mut rules, line).is_some())
            .collect()
    }

    #[test]
    fn a_rule_acts_from_its_nth_match_for_so_many_times() {
        let rule = Rule::on(" CreateKey$", Fault::Hang)
            .unwrap()
            .nth(2)
            .times(2);
        let lines = [
            "POST / CreateKey",
            "POST / CreateAlias",
            "POST / CreateKey",
            "POST / CreateKey",
            "POST / CreateKey",
        ];
        assert_eq!(
            faults(vec![rule], &lines),
            [false, false, true, true, false]
        );
    }

    #[test]
    fn a_sleeping_rule_counts_from_the_call_that_wakes_it() {
        let rule = Rule::on("Key", Fault::Hang).unwrap().nth(2);
        let rule = rule.from("CreateRole|TagKey").unwrap();
        let lines = ["CreateKey", "TagKey", "CreateKey", "DescribeKey"];
        assert_eq!(faults(vec![rule], &lines), [false, false, true, true]);
    }

    #[test]
    fn what_is_answered_may_follow_from_the_call() {
        let told = |line: &str| (400, line.to_uppercase());
        let mut rules = vec![Rule::on("Key", Fault::StatusFor(told)).unwrap()];
        let fault = Rule::first_fault(&mut rules, "CreateKey");
        let is_told = matches!(&fault, Some(Fault::Status(400, body)) if body == "CREATEKEY");
        assert!(is_told, "{fault:?}");
    }

    #[test]
    fn of_two_rules_that_match_the_first_acts_and_both_count() {
        let mut rules = vec![
            Rule::on("CreateKey", Fault::CutBefore).unwrap().times(1),
            Rule::on("Create", Fault::Hang).unwrap().nth(2),
        ];
        let first = Rule::first_fault(&mut rules, "POST / CreateKey");
        let second = Rule::first_fault(&mut rules, "POST / CreateKey");
        assert!(matches!(first, Some(Fault::CutBefore)), "{first:?}");
        assert!(matches!(second, Some(Fault::Hang)), "{second:?}");
    }
}
