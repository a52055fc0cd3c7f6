//! Keys of somebody else's, of buckets and of single rules: they must be usable, and let the role in.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::is_known;
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::{BucketModel, RuleModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Side};
use crate::replication::grants::{additional_key_statement, key_statements, rules_key_statement};
use crate::replication::ids::{Arn, Location};
use crate::replication::observed::{ObservedForeignKey, Presence};
use crate::replication::operation::{Answer, KeyDescription, Query};
use crate::replication::policy::{PolicyDocument, Statement, missing_grants};
use crate::replication::spec::{BucketSpec, KeyChoice, Spec};

/// Asks about every existing key that state does not know in its place, and tells what was seen.
pub(crate) async fn check(
    session: &Session,
    spec: &Spec,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ObservedForeignKey> {
    let uses = uses(spec, &|side, bucket| {
        prior
            .and_then(|prior| prior.side_of_bucket(bucket.name.as_str()))
            .map(|(_, side)| side)
            // A key that was told to let one role in has to let another one in, too.
            .filter(|_| !by_a_new_role(spec, model, prior, side))
    });
    let answers = join_all(uses.iter().map(|of| of.ask(session))).await;
    let mut keys = BTreeMap::new();
    for (of, answers) in uses.iter().zip(answers) {
        keys.insert(of.arn.clone(), seen(&answers));
        let (description, document) = answers;
        of.judge(&description, diagnostics);
        of.warn_of_policy(parsed(document).as_ref(), diagnostics);
    }
    keys
}

/// Looks again at the policies of the existing keys of the state that are left to their owners, and tells what was
/// seen: what they granted once may be gone. One that cannot be read was told of when it came.
pub(crate) async fn look_again(
    session: &Session,
    spec: &Spec,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ObservedForeignKey> {
    let mut uses = uses(spec, &|_, _| None);
    uses.retain(|of| !of.is_managed);
    let keys: BTreeMap<&String, &Location> = uses.iter().map(|of| (of.arn, of.at)).collect();
    let texts = join_all(keys.into_iter().map(|(arn, at)| async move {
        let query = Query::GetKeyPolicy { key: arn.clone() };
        match session.cloud.query(at, &query).await {
            Ok(Answer::Text(text)) => Some((arn.clone(), text)),
            _ => None,
        }
    }));
    let texts: BTreeMap<String, String> = texts.await.into_iter().flatten().collect();
    for of in &uses {
        let document = texts
            .get(of.arn)
            .and_then(|text| PolicyDocument::parse(text).ok());
        if document.is_some() {
            of.warn_of_policy(document.as_ref(), diagnostics);
        }
    }
    let seen = |text| ObservedForeignKey {
        state: Presence::Unasked,
        policy: Presence::Present(text),
    };
    texts
        .into_iter()
        .map(|(arn, text)| (arn, seen(text)))
        .collect()
}

/// What stands against the existing keys of a setup that is there, as far as they may be looked at, and these keys.
pub(crate) async fn look_closely(
    session: &Session,
    spec: &Spec,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ObservedForeignKey> {
    let uses = uses(spec, &|_, _| None);
    let answers = join_all(uses.iter().map(|of| of.ask(session))).await;
    let mut keys = BTreeMap::new();
    for (of, answers) in uses.iter().zip(answers) {
        keys.insert(of.arn.clone(), seen(&answers));
        let (description, document) = answers;
        of.judge(&description, diagnostics);
        // The policy of a key that is ours to complete is looked at with the buckets.
        if let Some(document) = parsed(document).filter(|_| !of.is_managed) {
            of.warn_of_policy(Some(&document), diagnostics);
        }
    }
    keys
}

/// A key as far as it could be looked at.
fn seen((description, document): &Answers) -> ObservedForeignKey {
    ObservedForeignKey {
        state: match description {
            Ok(Answer::Key(key)) => Presence::Present(key.state.clone()),
            _ => Presence::Unasked,
        },
        policy: match document {
            Ok(Answer::Text(text)) => Presence::Present(text.clone()),
            _ => Presence::Unasked,
        },
    }
}

/// The places where existing keys are used, but for those that the side of before knows.
fn uses<'a, 'm>(
    spec: &'a Spec,
    before: &dyn Fn(&Side, &BucketSpec) -> Option<&'m SideModel>,
) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    // Where an account is not entered, the key's owner is told what is needed by an attribute.
    for (side, bucket) in spec.buckets().filter(|(_, b)| b.is_reachable()) {
        let before = before(&side, bucket);
        uses.extend(of_bucket(spec, before, &side, bucket));
        uses.extend(of_writers(spec, before, &side, bucket));
        uses.extend(of_rules(spec, before, &side, bucket));
    }
    uses
}

fn parsed(answer: Result<Answer, CallError>) -> Option<PolicyDocument> {
    match answer {
        Ok(Answer::Text(text)) => PolicyDocument::parse(&text).ok(),
        _ => None,
    }
}

/// What a key is, and its policy.
type Answers = (Result<Answer, CallError>, Result<Answer, CallError>);

/// One place where an existing key is used.
struct Use<'a> {
    path: AttributePath,
    bucket: &'a BucketSpec,
    arn: &'a String,
    /// Where it is asked for.
    at: &'a Location,
    /// Whether no way into its account is known.
    foreign: bool,
    /// Whether our statements are merged into its policy.
    is_managed: bool,
    /// What its policy must hold and we do not write.
    statements: Vec<Statement>,
    /// What would write it for us.
    remedy: &'static str,
    /// Whether objects under it go to, or come from, another account.
    crosses_accounts: bool,
}

/// Whether objects arrive in a side's bucket, or leave it, by a role that state does not know.
fn by_a_new_role(
    spec: &Spec,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    side: &Side,
) -> bool {
    spec.directions().any(|direction| {
        let concerned = direction.from == *side || direction.to.iter().any(|to| to.side == *side);
        concerned && !is_known(prior, spec, model, &ComponentId::Role(direction.from))
    })
}

/// The key of a bucket, where it is new.
fn of_bucket<'a>(
    spec: &'a Spec,
    before: Option<&SideModel>,
    side: &Side,
    bucket: &'a BucketSpec,
) -> Option<Use<'a>> {
    let Some(KeyChoice::Existing(key)) = &bucket.encryption.key else {
        return None;
    };
    if before.and_then(|side| side.kms_key_arn.known()) == Some(&key.arn) {
        return None;
    }
    Some(Use {
        path: side_path(side)
            .attribute("encryption")
            .attribute("kms_key_arn"),
        bucket,
        arn: &key.arn,
        at: key.location.as_ref().unwrap_or(&bucket.location),
        foreign: key.location.is_none(),
        is_managed: key.manage_policy,
        statements: if key.manage_policy {
            Vec::new()
        } else {
            key_statements(spec, side)
        },
        remedy: " With manage_key_policy = true it is merged into the policy.",
        crosses_accounts: crosses_accounts(spec, side),
    })
}

/// The keys that writers use besides, where they are new.
fn of_writers<'a>(
    spec: &'a Spec,
    before: Option<&SideModel>,
    side: &Side,
    bucket: &'a BucketSpec,
) -> Vec<Use<'a>> {
    let before = before.and_then(|side| side.encryption.known());
    let known = before.and_then(|encryption| encryption.additional_kms_key_arns.known());
    let known = |arn: &String| known.is_some_and(|known| known.contains(&Attr::Known(arn.clone())));
    let keys = (0..).zip(&bucket.encryption.additional_keys);
    keys.filter(|(_, arn)| !known(arn))
        .filter_map(|(at, arn)| {
            let account = Arn::parse_key(arn).ok()?.account;
            let path = side_path(side).attribute("encryption");
            Some(Use {
                path: path.attribute("additional_kms_key_arns").index(at),
                bucket,
                arn,
                at: &bucket.location,
                foreign: account != bucket.location.account.as_str(),
                is_managed: false,
                statements: additional_key_statement(spec, side, arn)
                    .into_iter()
                    .collect(),
                remedy: "",
                crosses_accounts: crosses_accounts(spec, side),
            })
        })
        .collect()
}

/// The keys that rules to a bucket name themselves, where they are new.
fn of_rules<'a>(
    spec: &'a Spec,
    before: Option<&SideModel>,
    side: &Side,
    bucket: &'a BucketSpec,
) -> Vec<Use<'a>> {
    let Side::Destination(key) = side else {
        return Vec::new();
    };
    let before = before.and_then(|side| side.rules.known());
    let known = |name: &str| -> Option<&String> {
        let rule: Option<&RuleModel> = before?.get(name).and_then(Attr::known);
        rule?.replica_kms_key_arn.known()
    };
    let rules = spec.destinations.get(key).map(|to| &to.rules);
    rules
        .into_iter()
        .flatten()
        .filter_map(|(name, rule)| {
            let arn = rule.replica_kms_key.as_ref()?;
            if known(name) == Some(arn) {
                return None;
            }
            let account = Arn::parse_key(arn).ok()?.account;
            Some(Use {
                path: side_path(side)
                    .attribute("rules")
                    .key(name)
                    .attribute("replica_kms_key_arn"),
                bucket,
                arn,
                at: &bucket.location,
                foreign: account != bucket.location.account.as_str(),
                is_managed: false,
                statements: rules_key_statement(spec, side, arn).into_iter().collect(),
                remedy: "",
                crosses_accounts: crosses_accounts(spec, side),
            })
        })
        .collect()
}

/// Whether objects under a side's key go to, or come from, another account.
fn crosses_accounts(spec: &Spec, side: &Side) -> bool {
    let home = &spec.source.location.account;
    spec.destinations.iter().any(|(key, to)| {
        let concerned = matches!(side, Side::Source) || side.key() == Some(key);
        let encrypted = to
            .rules
            .values()
            .any(|rule| rule.replicate_encrypted_objects);
        concerned && encrypted && to.bucket.location.account != *home
    })
}

impl Use<'_> {
    /// What the key is, and its policy.
    async fn ask(&self, session: &Session) -> Answers {
        let key = || self.arn.clone();
        let (describe, read) = (
            Query::DescribeKey { key: key() },
            Query::GetKeyPolicy { key: key() },
        );
        futures::join!(
            session.cloud.query(self.at, &describe),
            session.cloud.query(self.at, &read)
        )
    }

    /// Whether the key can be used at all.
    fn judge(&self, description: &Result<Answer, CallError>, diagnostics: &mut Diagnostics) {
        let arn = self.arn;
        match description {
            Ok(Answer::Key(key)) => {
                if let Some(wrong) = unusable(key) {
                    diagnostics.error_at(
                        self.path.clone(),
                        "The key cannot be used",
                        format!("S3 needs an enabled symmetric encryption key; of {arn} {wrong}."),
                    );
                }
                if key.manager == "AWS" && self.crosses_accounts {
                    diagnostics.warning_at(
                        self.path.clone(),
                        "AWS's own key does not reach another account",
                        format!("{arn} is the key that AWS manages in its account, and nobody can let a role of another account use it: objects under it are not replicated across accounts. Leave the key out, and one is made, or name a customer managed key."),
                    );
                }
            }
            Err(error) if error.kind == CallErrorKind::NotFound && !self.foreign => {
                diagnostics.error_at(
                    self.path.clone(),
                    "The key does not exist",
                    format!("{error}."),
                );
            }
            // A key of a third account, or one that may be used and not described, cannot be judged from here.
            _ => {}
        }
    }

    /// Whether its owner has still to let the role in; what could not be read lets nobody in for sure.
    fn warn_of_policy(&self, document: Option<&PolicyDocument>, diagnostics: &mut Diagnostics) {
        let nothing = PolicyDocument::default();
        let missing = missing_grants(document.unwrap_or(&nothing), &self.statements);
        if missing.is_empty() {
            return;
        }
        let what_is_wrong = if document.is_some() {
            "does not grant this"
        } else {
            "could not be read and must grant this"
        };
        diagnostics.warning_at(
            self.path.clone(),
            "The key's policy must let the role in",
            format!("Objects in {} are encrypted under {}, whose policy {what_is_wrong}:\n\n{}\n\nUntil its owner adds it, objects fail to replicate.{}", self.bucket.name, self.arn, PolicyDocument::new(missing).pretty(), self.remedy),
        );
    }
}

/// What stands against a key, in words that follow its ARN.
fn unusable(key: &KeyDescription) -> Option<String> {
    if key.state != "Enabled" {
        Some(format!("its state is {}", key.state))
    } else if key.key_spec != "SYMMETRIC_DEFAULT" || key.key_usage != "ENCRYPT_DECRYPT" {
        Some(format!(
            "it is a {} key for {}",
            key.key_spec, key.key_usage
        ))
    } else {
        None
    }
}
