//! What is missing or changed of what replication needs, so that objects do not cross.
//!
//! A setup may differ from what would be written here and replicate all the same: an alias, a description, a grant under
//! another name. Of the role's policies only what they grant counts: [`lacking`].

use std::fmt;

use super::component::{ComponentId, Part, Side};
use super::denials::denials_seen;
use super::diff::{Difference, Shows};
use super::names;
use super::observed::Observed;
use super::policy::{Effect, Element, PolicyDocument, Principals, Statement, missing_grants_among};
use super::spec::{RoleOwnership, Spec};

/// Something that replication needs and that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The component.
    pub component: ComponentId,
    /// What about it, in words that follow the component's name: `versioning suspended`.
    pub what: String,
    /// Whether a statement denies something, to whoever it is.
    denies: bool,
}

const MISSING: &str = "missing";

impl Flaw {
    /// A component with words about it.
    pub fn new(component: ComponentId, what: impl Into<String>) -> Self {
        Self {
            component,
            what: what.into(),
            denies: false,
        }
    }

    /// Whether it concerns objects on their way between the buckets of two sides. A bucket's policy lets in what
    /// arrives, and may deny what leaves.
    pub fn concerns(&self, from: &Side, to: &Side) -> bool {
        let side = self.component.side();
        match &self.component {
            ComponentId::Of(_, Part::BucketPolicy) if !self.denies => side == to,
            ComponentId::Of(_, Part::Replication)
            | ComponentId::Role(_)
            | ComponentId::RolePolicy(_)
            | ComponentId::ManagedPolicy(..) => side == from,
            ComponentId::Of(..) | ComponentId::RetiredKey(..) => side == from || side == to,
        }
    }

    /// Grants that a role's policies do not hold.
    pub fn not_granted(from: &Side, missing: &[Statement]) -> Self {
        let mut actions: Vec<&str> = missing
            .iter()
            .flat_map(|statement| statement.actions_named())
            .map(String::as_str)
            .collect();
        actions.sort_unstable();
        actions.dedup();
        let what = format!("does not grant {}", actions.join(", "));
        Self::new(ComponentId::RolePolicy(from.clone()), what)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.component, self.what)
    }
}

/// What a look at a setup shows: the `differences` and what buckets of others `lack`, as far as objects need it, and
/// the statements that deny it.
pub fn flaws<'a>(
    spec: &Spec,
    observed: &Observed,
    differences: &[Difference],
    lack: impl IntoIterator<Item = (ComponentId, &'a str)>,
) -> Vec<Flaw> {
    if spec.destinations.is_empty() {
        let source = observed.buckets.get(&Side::Source);
        let part = match source.is_some_and(|seen| seen.region.is_absent()) {
            true => Part::Bucket,
            false => Part::Replication,
        };
        return vec![Flaw::new(ComponentId::Of(Side::Source, part), MISSING)];
    }
    let needed = differences
        .iter()
        .filter(|difference| is_needed(difference, observed));
    let mut flaws: Vec<Flaw> = needed
        .map(|difference| Flaw::new(difference.component.clone(), &difference.what))
        .collect();
    let lack = lack.into_iter().filter(|(component, _)| match component {
        ComponentId::Of(_, part) => is_counted(*part),
        _ => true,
    });
    flaws.extend(lack.map(|(component, what)| Flaw::new(component, what)));
    flaws.extend(spec.directions().filter_map(|direction| {
        let theirs = matches!(direction.role.ownership, RoleOwnership::Existing { .. });
        let gone = theirs && observed.role(&direction.from).is_absent();
        gone.then(|| Flaw::new(ComponentId::Role(direction.from), MISSING))
    }));
    // What is found disabled counts as wanted so.
    flaws.extend(observed.buckets.iter().filter_map(|(side, seen)| {
        let key = seen.key.present()?;
        let is_disabled = key.description.state == "Disabled";
        let component = || ComponentId::Of(side.clone(), Part::Key);
        is_disabled.then(|| Flaw::new(component(), "disabled"))
    }));
    let denied = denials_seen(spec, observed).into_iter();
    flaws.extend(denied.filter(|denied| denied.certain).map(|denied| {
        let actions = denied.actions.join(", ");
        let what = match denied.statement.name() {
            Some(sid) => format!("statement {sid} denies {actions}"),
            None => format!("a statement without a Sid denies {actions}"),
        };
        Flaw {
            denies: true,
            ..Flaw::new(denied.component, what)
        }
    }));
    flaws.extend(rules_back(spec, observed));
    let mut told = Vec::new();
    for flaw in &flaws {
        if !told.contains(flaw) && !is_of_a_missing_bucket(flaw, &flaws) {
            told.push(flaw.clone());
        }
    }
    told
}

/// Rules of ways back that somebody took away or paused: a way back is found by its role, whatever its rules say.
fn rules_back(spec: &Spec, observed: &Observed) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for direction in spec.directions().skip(1) {
        let seen = observed.buckets.get(&direction.from);
        let Some(seen) = seen.and_then(|bucket| bucket.replication.present()) else {
            continue;
        };
        // Those of others have IDs of their own.
        let ours = |id: &str| names::named_by_rule_id(id).is_some();
        let rules = direction.to.iter().flat_map(|to| &to.rules);
        for rule in rules.filter(|rule| rule.enabled) {
            let what = match seen.rules.iter().find(|seen| seen.id == rule.id) {
                Some(seen) if seen.enabled => continue,
                Some(_) => "paused",
                None if seen.rules.iter().any(|seen| ours(&seen.id)) => MISSING,
                None => continue,
            };
            let component = ComponentId::Of(direction.from.clone(), Part::Replication);
            flaws.push(Flaw::new(component, format!("rule {} {what}", rule.id)));
        }
    }
    flaws
}

fn is_needed(difference: &Difference, observed: &Observed) -> bool {
    let is_wired = match &difference.component {
        ComponentId::Of(_, part) => is_counted(*part),
        ComponentId::RetiredKey(..) => true,
        ComponentId::Role(from) => {
            let role = observed.role(from).present();
            !role.is_some_and(|role| lets_s3_in(&role.description.trust_policy))
        }
        ComponentId::RolePolicy(_) | ComponentId::ManagedPolicy(..) => false,
    };
    is_wired && difference.shows == Shows::Component
}

/// Whether differences of a part matter. The rules are what a setup is found by, so whatever they say is meant.
fn is_counted(part: Part) -> bool {
    !matches!(part, Part::Alias | Part::Replication)
}

/// Whether a role's trust policy, whoever wrote it, lets S3 assume the role. Its conditions are taken to be met.
fn lets_s3_in(trust_policy: &str) -> bool {
    let lets_in = |statement: &Statement| {
        let Some(Element::Is(Principals::Of(kinds))) = &statement.principal else {
            return false;
        };
        let mut services = kinds.get("Service").into_iter().flatten();
        let mut actions = statement.actions_named().iter();
        statement.effect == Effect::Allow
            && services.any(|service| service == "s3.amazonaws.com")
            && actions.any(|action| action == "sts:AssumeRole")
    };
    PolicyDocument::parse(trust_policy).is_ok_and(|trust| trust.statements.iter().any(lets_in))
}

/// Which of the `wanted` grants a role's policies do not hold, each action by itself. Of a key they need not hold all:
/// what else S3 may ask of it hangs on its bucket keys, and many a role that works has one alone.
pub fn lacking(documents: &[PolicyDocument], wanted: &[Statement]) -> Vec<Statement> {
    let mut lacking = Vec::new();
    for statement in wanted {
        let single = |action: &String| Statement {
            action: Some(Element::Is(vec![action.clone()])),
            ..statement.clone()
        };
        let actions = statement.actions_named();
        let singles: Vec<Statement> = actions.iter().map(single).collect();
        let missing = missing_grants_among(documents, &singles);
        let is_of_key = actions.iter().all(|action| action.starts_with("kms:"));
        if !is_of_key || missing.len() == singles.len() {
            lacking.extend(missing);
        }
    }
    lacking
}

/// Of a bucket that is missing nothing more needs to be said.
fn is_of_a_missing_bucket(flaw: &Flaw, flaws: &[Flaw]) -> bool {
    let ComponentId::Of(side, part) = &flaw.component else {
        return false;
    };
    let bucket = Flaw::new(ComponentId::Of(side.clone(), Part::Bucket), MISSING);
    matches!(part, Part::Bucket | Part::BucketPolicy | Part::Replication)
        && *flaw != bucket
        && flaws.contains(&bucket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::policy::PolicyDocument;

    #[test]
    fn a_flaw_reads_as_a_line_of_components() {
        let bucket = ComponentId::Of(Side::Destination("dr".to_owned()), Part::Bucket);
        let flaw = Flaw::new(bucket, "versioning suspended");
        assert_eq!(
            flaw.to_string(),
            "destination/dr/bucket: versioning suspended"
        );
    }

    #[test]
    fn of_a_bucket_every_grant_counts_and_of_a_key_one_is_enough() {
        let document = |actions: &str, resource: &str| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"{resource}"}}]}}"#
            );
            PolicyDocument::parse(&text).unwrap()
        };
        let objects = "arn:aws:s3:::b/*";
        let wanted: Vec<Statement> = [
            document(r#""s3:ReplicateObject","s3:ReplicateTags""#, objects),
            document(r#""kms:Encrypt","kms:GenerateDataKey""#, "arn:aws:kms:x"),
        ]
        .into_iter()
        .flat_map(|document| document.statements)
        .collect();
        let told = |documents: &[PolicyDocument]| {
            let missing = lacking(documents, &wanted);
            let actions = missing.iter().flat_map(|s| s.actions_named().to_vec());
            actions.collect::<Vec<String>>()
        };
        assert_eq!(told(&[]).len(), 4);
        let object = document(r#""s3:ReplicateObject""#, objects);
        let key = document(r#""kms:Encrypt""#, "*");
        assert_eq!(told(&[object.clone(), key.clone()]), ["s3:ReplicateTags"]);
        let all = document(r#""s3:Replicate*""#, "*");
        assert_eq!(told(&[all, key]), Vec::<String>::new());
    }

    #[test]
    fn s3_is_let_in_by_whatever_statement_says_so() {
        let trust = |effect: &str, principal: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
            )
        };
        let s3 = r#"{"Service":["batchoperations.s3.amazonaws.com","s3.amazonaws.com"]}"#;
        assert!(lets_s3_in(&trust("Allow", s3)));
        assert!(!lets_s3_in(&trust("Deny", s3)));
        assert!(!lets_s3_in(&trust(
            "Allow",
            r#"{"Service":"ec2.amazonaws.com"}"#
        )));
        assert!(!lets_s3_in(&trust(
            "Allow",
            r#"{"AWS":"arn:aws:iam::111111111111:root"}"#
        )));
        assert!(!lets_s3_in("nonsense"));
    }

    #[test]
    fn what_a_role_lacks_is_told_by_its_actions_each_once() {
        let statement = |action: &str, resource: &str| {
            format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
        };
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{},{},{}]}}"#,
            statement("s3:ReplicateObject", "arn:aws:s3:::a/*"),
            statement("kms:Decrypt", "*"),
            statement("s3:ReplicateObject", "arn:aws:s3:::b/*"),
        );
        let missing = PolicyDocument::parse(&text).unwrap().statements;
        assert_eq!(
            Flaw::not_granted(&Side::Source, &missing).to_string(),
            "role/policy: does not grant kms:Decrypt, s3:ReplicateObject"
        );
    }
}
