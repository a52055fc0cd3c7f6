//! What is missing or changed of what replication needs, so that objects do not cross.
//!
//! A setup may differ from what would be written here and replicate all the same: an alias, a description, a grant under
//! another name. Of the role's policies only what they grant counts: [`refusals`].

use std::fmt;

use super::component::{ComponentId, Part, Side};
use super::diff::{Difference, Shows};
use super::ids::Arn;
use super::names;
use super::observed::Observed;
use super::permission::{Document, Refusal, Why, by_document, once, refusals};
use super::policy::{Effect, Element, PolicyDocument, Principals, Statement};
use super::spec::{RoleOwnership, Spec};

/// Something that replication needs and that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The component.
    pub component: ComponentId,
    /// What about it, in words that follow the component's name: `versioning suspended`.
    pub what: String,
    /// What kind of flaw it is.
    pub kind: FlawKind,
}

/// How something is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlawKind {
    /// It is missing, or another than replication needs; what S3 is refused for it follows from the component.
    Differs,
    /// Its policies or its bound do not grant the actions that `what` names.
    NotGranted,
    /// A statement denies the actions that `what` names, to whoever it is.
    Denied,
}

const MISSING: &str = "missing";

impl Flaw {
    /// A component with words about it.
    pub fn new(component: ComponentId, what: impl Into<String>) -> Self {
        Self {
            component,
            what: what.into(),
            kind: FlawKind::Differs,
        }
    }

    /// Whether it concerns objects on their way between the buckets of two sides. A bucket's policy lets in what
    /// arrives, and may deny what leaves.
    pub fn concerns(&self, from: &Side, to: &Side) -> bool {
        let side = self.component.side();
        match &self.component {
            ComponentId::Of(_, Part::BucketPolicy) if self.kind != FlawKind::Denied => side == to,
            ComponentId::Of(_, Part::Replication)
            | ComponentId::Role(_)
            | ComponentId::RolePolicy(_)
            | ComponentId::ManagedPolicy(..) => side == from,
            ComponentId::Of(..) | ComponentId::RetiredKey(..) => side == from || side == to,
        }
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
    let refused = refused(spec, observed).into_iter().filter(|refused| {
        let is_key = matches!(refused.component, ComponentId::Of(_, Part::Key));
        // Of a key that differs it is told already what its policy lacks.
        let is_denied = refused.kind == FlawKind::Denied;
        is_denied || !is_key || !flaws.iter().any(|flaw| flaw.component == refused.component)
    });
    let refused: Vec<Flaw> = refused.collect();
    flaws.extend(refused);
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

/// What documents certainly refuse, but for statements of ours that are missing, which differ, and for those that the
/// owners of buckets and keys in other accounts have to be asked for, which are looked for by themselves.
fn refused(spec: &Spec, observed: &Observed) -> Vec<Flaw> {
    let mut refusals = refusals(spec, observed);
    refusals.retain(|refusal| refusal.certain);
    by_document(&refusals)
        .into_iter()
        .filter_map(|group| {
            let refusal = group.first()?;
            let mut actions = once(group.iter().map(|refusal| refusal.action.as_str()));
            let is_theirs = || {
                let direction = spec.direction(&refusal.from);
                let role = direction.map(|direction| direction.role.ownership.clone());
                matches!(role, Some(RoleOwnership::Existing { .. }))
            };
            let (kind, what) = match (&refusal.why, &refusal.document) {
                (Why::Denied(statement), _) => {
                    let name = match statement.name() {
                        Some(sid) => format!("statement {sid}"),
                        None => "a statement without a Sid".to_owned(),
                    };
                    let what = format!("{name} denies {}", actions.join(", "));
                    (FlawKind::Denied, what)
                }
                (Why::NotAllowed, Document::RolePolicies) => {
                    actions.sort_unstable();
                    let what = format!("does not grant {}", actions.join(", "));
                    (FlawKind::NotGranted, what)
                }
                (Why::NotAllowed, Document::Boundary(arn)) => {
                    let what = format!(
                        "permissions boundary {arn} does not allow {}",
                        actions.join(", ")
                    );
                    (FlawKind::NotGranted, what)
                }
                (Why::NotAllowed, Document::Trust) if is_theirs() => {
                    let what = "trust policy does not let S3 in".to_owned();
                    (FlawKind::Differs, what)
                }
                // The key of the role's own account, whose policy leaves nothing to that account's other policies.
                (Why::NotAllowed, Document::Key(arn)) if is_at_home(refusal) => {
                    let what = format!("the policy of {arn} does not allow {}", actions.join(", "));
                    (FlawKind::NotGranted, what)
                }
                _ => return None,
            };
            let flaw = Flaw::new(refusal.component(), what);
            Some(Flaw { kind, ..flaw })
        })
        .collect()
}

/// Whether the document is one of the role's own account.
fn is_at_home(refusal: &Refusal) -> bool {
    Arn::parse(&refusal.role).is_ok_and(|role| role.account == refusal.account)
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
    fn a_bucket_policy_concerns_what_arrives_and_what_it_denies_also_what_leaves() {
        let policy = ComponentId::Of(Side::Source, Part::BucketPolicy);
        let backup = Side::Destination("backup".to_owned());
        let differs = Flaw::new(policy, "statements missing");
        let denied = Flaw {
            kind: FlawKind::Denied,
            ..differs.clone()
        };
        for (flaw, leaving) in [(differs, false), (denied, true)] {
            assert_eq!(flaw.concerns(&Side::Source, &backup), leaving);
            assert!(flaw.concerns(&backup, &Side::Source));
        }
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
}
