//! Whether S3 may make every request that replication needs, and whether anything is granted that it does not.
//!
//! An emulator looks at next to none of the documents that replication stands on. So this reads them all
//! ([`Picture`]), works out each request that S3 makes for each rule (`requests`, after AWS's tables), and answers
//! it as IAM does (`documents`): the policy of the role *and* that of the bucket or key, across accounts both, and
//! an explicit Deny above all. The other way round, each grant of ours has to be what some request asks for.
//!
//! Nothing here is the product's own code: two errors of one mind would agree with each other.

mod documents;
mod picture;
mod reading;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::Outcome;
use documents::{Asker, Call, Grant, Judgement, grants};
pub use picture::{Bucket, Encryption, Key, Picture, Replication, Role, Rule};
use requests::{Document, Request};

/// The answer for everything that replicates in a [`Picture`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// What has to be so besides permissions, such as versioning.
    pub states: Vec<Answer>,
    /// Each request that S3 makes, in the order of sources, and what it lacks.
    pub answers: Vec<Answer>,
    /// Grants that no request asks for, one sentence each.
    pub excess: Vec<String>,
}

/// What S3 asks for or presumes, and what stands against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The request, such as `kms:Encrypt on <key> for <objects>`, or the state.
    pub request: String,
    /// What is missing, by the document in which it is; nothing where the request is allowed.
    pub missing: Vec<String>,
}

/// Answers every request for every rule, and looks for grants that none of them needs.
pub fn evaluate(picture: &Picture) -> Outcome<Evaluation> {
    let (mut states, mut answers) = (Vec::new(), Vec::new());
    let mut all = Vec::new();
    for (source, bucket) in &picture.buckets {
        let Some(replication) = &bucket.replication else {
            continue;
        };
        states.extend(requests::states(picture, source, bucket, replication)?);
        for request in requests::requests(picture, source, bucket, replication)? {
            if request.required {
                answers.push(answer(picture, &request)?);
            }
            all.push(request);
        }
    }
    let excess = excess(picture, &all)?;
    Ok(Evaluation {
        states,
        answers,
        excess,
    })
}

fn answer(picture: &Picture, request: &Request) -> Outcome<Answer> {
    let answer = answer_to(picture, request)?;
    let Some(action) = request.or else {
        return Ok(answer);
    };
    let instead = Request {
        action,
        or: None,
        ..request.clone()
    };
    let denied = answer.missing.iter().any(|m| m.contains(" denies it by "));
    let missing = match !denied && answer_to(picture, &instead)?.missing.is_empty() {
        true => Vec::new(),
        false => answer.missing,
    };
    Ok(Answer { missing, ..answer })
}

fn answer_to(picture: &Picture, request: &Request) -> Outcome<Answer> {
    let (mut denied, mut silent) = (Vec::new(), Vec::new());
    let mut judge = |name: &str, document: &Value| -> Outcome<Judgement> {
        let found = documents::judge(document, &request.call())?;
        if let Some(sid) = &found.denied {
            denied.push(format!("{name} denies it by statement {sid:?}"));
        }
        Ok(found)
    };
    let mut needed = |name: &str, allowed: bool| {
        if !allowed {
            silent.push(format!("{name} does not allow it"));
        }
    };
    match &request.documents[..] {
        [Document::Trust] => {
            let name = format!("the trust of {}", request.resource);
            needed(
                &name,
                judge(&name, &picture.role(&request.role)?.trust)?.direct,
            );
        }
        [Document::Bucket] => {
            let (name, policy) = picture.resource_policy(&request.resource)?;
            let found = judge(&name, policy)?;
            needed(&name, found.direct || found.account);
        }
        _ => {
            let name = format!("the policy of {}", request.role);
            let role = picture.role(&request.role)?;
            let by_role = judge(&name, &role.grants())?.direct;
            let (its_name, policy) = picture.resource_policy(&request.resource)?;
            let found = judge(&its_name, policy)?;
            let at_home = picture.owner_of(&request.resource)? == role.account;
            let is_key = request.resource.contains(":kms:");
            // Across accounts both have to allow it. Within one, either will do, but that a key's policy decides
            // whether the policies of its account count at all.
            if !(at_home && found.direct) {
                needed(&name, by_role);
            }
            if is_key || !at_home {
                needed(&its_name, found.direct || found.account);
            }
        }
    }
    Ok(Answer {
        request: request.to_string(),
        missing: [denied, silent].concat(),
    })
}

/// Every grant in the roles' own policies, and in the statements of ours in other documents, that no request asks
/// for; and those on keys that would also hold outside S3.
fn excess(picture: &Picture, requests: &[Request]) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let used: BTreeSet<&str> = requests
        .iter()
        .map(|request| request.role.as_str())
        .collect();
    for (arn, role) in picture
        .roles
        .iter()
        .filter(|(arn, _)| used.contains(arn.as_str()))
    {
        if role.ours {
            let name = format!("the trust of {arn}");
            judge_grants(
                &name,
                &role.trust,
                Document::Trust,
                arn,
                requests,
                &mut found,
            )?;
        }
        // A role of ours has nothing but our policies; in another's, ours has its own name.
        let policies = role.policies.iter();
        for (policy, document) in policies.filter(|(name, _)| role.ours || is_our_policy(name)) {
            let name = format!("policy {policy} of {arn}");
            judge_grants(&name, document, Document::Role, arn, requests, &mut found)?;
        }
    }
    for (name, bucket) in &picture.buckets {
        let document = statements_of(&bucket.policy, is_our_sid);
        let name = format!("the policy of bucket {name}");
        judge_grants(
            &name,
            &document,
            Document::Bucket,
            &bucket.arn,
            requests,
            &mut found,
        )?;
    }
    for (arn, key) in &picture.keys {
        let document = statements_of(&key.policy, is_our_sid);
        let name = format!("the policy of {arn}");
        judge_grants(&name, &document, Document::Key, arn, requests, &mut found)?;
    }
    Ok(found)
}

fn judge_grants(
    name: &str,
    document: &Value,
    kind: Document,
    of: &str,
    requests: &[Request],
    found: &mut Vec<String>,
) -> Outcome {
    for grant in grants(document) {
        let mut needed = None;
        for request in requests {
            if request.documents.contains(&kind)
                && asks_for(request, &grant, kind, of)
                && grant.conditions_hold(&request.call())?
            {
                needed = Some(request);
                break;
            }
        }
        match needed {
            None => found.push(format!("{name}: nobody asks for {grant}")),
            Some(request) => {
                for elsewhere in request.elsewhere() {
                    if grant.conditions_hold(&Call {
                        context: &elsewhere,
                        ..request.call()
                    })? {
                        found.push(format!("{name}: {grant} holds for more than {request}"));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Whether a grant says no more than this request: a wildcard says more, but for what is below a bucket, and for
/// `*` in a document that belongs to one resource.
fn asks_for(request: &Request, grant: &Grant<'_>, kind: Document, of: &str) -> bool {
    let by_name = grant.action.eq_ignore_ascii_case(request.action);
    let resource = match kind {
        Document::Trust => request.resource == of,
        Document::Key => grant.resource == "*" && request.resource == of,
        Document::Role | Document::Bucket => grant.resource == request.scope,
    };
    let asker = match (&request.asker, kind) {
        (Asker::Role { arn, .. }, Document::Role) => arn == of,
        (Asker::Role { arn, .. }, _) => grant.principal == ("AWS", arn.as_str()),
        (Asker::Service(name), _) => grant.principal == ("Service", name.as_str()),
    };
    by_name && resource && asker
}

/// The policy that a `replicated_bucket` writes into a role carries this name, and the source's behind it where the
/// role is another's.
fn is_our_policy(name: &str) -> bool {
    name.starts_with("replication")
}

fn is_our_sid(sid: &str) -> bool {
    sid.starts_with("Replicated")
}

/// A document with only those statements whose Sid is chosen.
fn statements_of(document: &Value, chosen: impl Fn(&str) -> bool) -> Value {
    let all = documents::statements(document).into_iter();
    let some = all.filter(|statement| chosen(statement["Sid"].as_str().unwrap_or_default()));
    serde_json::json!({ "Statement": some.collect::<Vec<_>>() })
}

impl Evaluation {
    /// Everything that is wrong, one line each; empty where all is allowed and nothing more.
    pub fn findings(&self) -> Vec<String> {
        let missing = self.states.iter().chain(&self.answers).flat_map(|answer| {
            let request = &answer.request;
            answer
                .missing
                .iter()
                .map(move |missing| format!("{request}: {missing}"))
        });
        missing.chain(self.excess.iter().cloned()).collect()
    }

    /// The table in one line.
    pub fn summary(&self) -> String {
        let all = self.answers.len();
        let allowed = self.answers.iter().filter(|a| a.missing.is_empty()).count();
        let allowed = if allowed == all {
            format!("requests allowed {all}")
        } else {
            format!("requests allowed {allowed} of {all}")
        };
        match self.excess.len() {
            0 => format!("{allowed}, excess grants none"),
            excess => format!("{allowed}, excess grants {excess}"),
        }
    }
}

/// The table: each request, allowed or what it lacks.
impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for answer in self.states.iter().chain(&self.answers) {
            let word = if answer.missing.is_empty() {
                "allowed"
            } else {
                "missing"
            };
            writeln!(f, "  {word}  {}", answer.request)?;
            for missing in &answer.missing {
                writeln!(f, "             {missing}")?;
            }
        }
        for excess in &self.excess {
            writeln!(f, "  excess   {excess}")?;
        }
        Ok(())
    }
}
