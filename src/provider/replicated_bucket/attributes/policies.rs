//! Policy documents that a practitioner writes: how they are spelled, what of them is at AWS, and whether they can
//! be there at all.

use futures::future::join_all;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::value::AttributePath;
use crate::provider::replicated_bucket::model::{BucketModel, SideModel};
use crate::provider::replicated_bucket::paths::{bucket_policy_path, key_policy_path, side_path};
use crate::provider::replicated_bucket::report::capitalised;
use crate::provider::settings::Session;
use crate::replication::caller::request;
use crate::replication::component::Side;
use crate::replication::observed::{ObservedBucket, Presence};
use crate::replication::policy::{
    self, Effect, Element, PolicyDocument, PolicyKind, PolicyShare, Principals, Statement,
};
use crate::replication::spec::{BucketSpec, KeyChoice, Spec};

use Attr::{Known, Null};

/// The document as it is written, in the spelling that the state has where both mean the same.
pub(crate) fn spelled(written: &Attr<String>, before: Attr<&String>) -> Attr<String> {
    match (written, before) {
        (Known(written), Known(before)) if policy::same_meaning_text(written, before) => {
            Known(before.clone())
        }
        _ => written.clone(),
    }
}

/// What of the user's statements a policy at AWS holds: the text as it stands where that is all of them.
pub(crate) fn seen(written: &Attr<String>, at_aws: &Presence<String>) -> Attr<String> {
    let Known(text) = written else {
        return written.clone();
    };
    let document = match at_aws {
        Presence::Unasked => return written.clone(),
        Presence::Absent => return Null,
        Presence::Present(document) => document,
    };
    let (Ok(written_document), Ok(document)) =
        (PolicyDocument::parse(text), PolicyDocument::parse(document))
    else {
        return written.clone();
    };
    let share = PolicyShare {
        written: written_document.statements,
        ..PolicyShare::default()
    };
    if share.written_match(&document) {
        return written.clone();
    }
    let statements = share.seen_of_written(&document);
    if statements.is_empty() {
        return Null;
    }
    Attr::from_option(PolicyDocument::new(statements).render().ok())
}

/// Whether our statement against plain HTTP is in the bucket's policy.
pub(crate) fn requires_tls(
    owner: &str,
    this: &Side,
    before: &Attr<bool>,
    seen: &ObservedBucket,
) -> Attr<bool> {
    let sid = policy::require_tls_sid(owner, this.key());
    match &seen.policy {
        Presence::Unasked => before.clone(),
        Presence::Absent => Known(false),
        Presence::Present(text) => match PolicyDocument::parse(text) {
            Ok(document) => Known(document.statements.iter().any(|s| s.name() == Some(&sid))),
            Err(_) => before.clone(),
        },
    }
}

/// Checks what can be said of a document as it is written, without credentials.
pub(crate) fn validate(model: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in model.sides() {
        for (path, text, kind) in documents(&this, side) {
            match PolicyDocument::parse(text) {
                Ok(document) => check(&path, &document, kind, diagnostics),
                Err(error) => diagnostics.error_at(
                    path,
                    "This is no policy",
                    format!("{}. Write a policy document as JSON, for example by jsonencode() or a data source that makes one.", capitalised(&error.to_string())),
                ),
            }
        }
        check_public(&this, side, diagnostics);
        let no_key = side
            .encryption
            .known()
            .is_some_and(|e| e.kms_key_arn.is_null());
        if side.manage_key_policy == Known(true) && no_key {
            diagnostics.error_at(
                side_path(&this).attribute("manage_key_policy"),
                "Only with an existing key",
                "`manage_key_policy` says what happens to the policy of the key that encryption.kms_key_arn names; the key that this resource makes always has what it needs.",
            );
        }
    }
}

/// The documents of a side with their places.
fn documents<'a>(this: &Side, side: &'a SideModel) -> Vec<(AttributePath, &'a String, PolicyKind)> {
    let key = side.encryption.known().and_then(|e| e.key.known());
    let of_key = key.and_then(|key| key.policy.known());
    let of_bucket = side.policy.known();
    of_bucket
        .map(|text| (bucket_policy_path(this), text, PolicyKind::Bucket))
        .into_iter()
        .chain(of_key.map(|text| (key_policy_path(this), text, PolicyKind::Key)))
        .collect()
}

fn check(
    path: &AttributePath,
    document: &PolicyDocument,
    kind: PolicyKind,
    diagnostics: &mut Diagnostics,
) {
    let mut refuse = |summary: &str, detail: String| {
        diagnostics.error_at(path.clone(), summary, detail);
    };
    if document.id.is_some() {
        refuse("A shared policy has no Id of yours", "`Id` labels a whole document, and in this one stand statements of others as well. Leave it out.".to_owned());
    }
    if document.is_older() && document.has_variables() {
        refuse("Policy variables need the current version", "The document has a policy variable (${...}) and not the version that knows them. Write \"Version\": \"2012-10-17\".".to_owned());
    }
    if document.statements.is_empty() {
        refuse(
            "The policy has no statement",
            "There is nothing to write. Leave `policy` out, or give it a statement.".to_owned(),
        );
    }
    for (index, statement) in document.statements.iter().enumerate() {
        let name = named(statement, index);
        if let Some(sid) = statement.name() {
            if policy::is_replicated(sid) {
                refuse(
                    "The Sid is one of this provider's",
                    format!(
                        "{name} has a Sid as this provider forms its own, by which it would be taken for one of them. Give it another."
                    ),
                );
            }
            let mut before = document.statements[..index].iter();
            if before.any(|other| other.name() == Some(sid)) {
                refuse(
                    "One Sid for two statements",
                    format!("{sid} stands twice. A Sid names one statement of a policy."),
                );
            }
        }
        let lacks = [
            ("Principal", statement.principal.is_none()),
            ("Action", statement.action.is_none()),
            ("Resource", statement.resource.is_none()),
        ];
        for (element, _) in lacks.iter().filter(|(_, lacks)| *lacks) {
            refuse(
                "The statement is not complete",
                format!(
                    "{name} has no {element}, and the policy of a bucket or a key needs one in each statement."
                ),
            );
        }
        for member in statement.other.keys() {
            refuse(
                "A policy has no such element",
                format!(
                    "{name} has the element {member:?}, which is none of a policy's. Correct it or leave it out."
                ),
            );
        }
        if kind == PolicyKind::Key && statement.resources().any(|resource| resource != "*") {
            refuse(
                "A key's policy is about this key",
                format!(
                    "{name} names another resource than \"*\", which in a key's policy stands for the key itself. Write \"Resource\": \"*\"."
                ),
            );
        }
    }
}

/// S3 refuses a policy that opens a bucket to everybody while Block Public Access is set against such policies.
fn check_public(this: &Side, side: &SideModel, diagnostics: &mut Diagnostics) {
    let block = side.public_access_block.known();
    let blocked = block.and_then(|block| block.block_public_policy.known()) == Some(&true);
    let document = side
        .policy
        .known()
        .and_then(|text| PolicyDocument::parse(text).ok());
    let (true, Some(document)) = (blocked, document) else {
        return;
    };
    for (index, statement) in document.statements.iter().enumerate() {
        if is_public(statement) {
            diagnostics.error_at(
                bucket_policy_path(this),
                "The policy is public",
                format!("{} allows everybody, without a condition, and S3 refuses such a policy while public_access_block.block_public_policy is on. Name principals or conditions; or, if the whole world is meant, write block_public_policy = false.", named(statement, index)),
            );
        }
    }
}

fn is_public(statement: &Statement) -> bool {
    let everybody = match &statement.principal {
        Some(Element::Is(Principals::Everyone)) => true,
        Some(Element::Is(Principals::Of(kinds))) => kinds
            .get("AWS")
            .is_some_and(|ids| ids.iter().any(|id| id == "*")),
        _ => false,
    };
    statement.effect == Effect::Allow && everybody && statement.condition.is_empty()
}

/// Checks what follows from names and accounts.
pub(crate) fn check_places(spec: &Spec, diagnostics: &mut Diagnostics) {
    for (this, bucket) in spec.buckets() {
        let own = bucket.arn();
        for (index, statement) in bucket.policy.statements.iter().enumerate() {
            let foreign = statement.resources().find(|resource| {
                let objects = resource.strip_prefix(&own);
                !objects.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            if let Some(resource) = foreign {
                diagnostics.error_at(
                    bucket_policy_path(&this),
                    "The policy is about another resource",
                    format!("{} names {resource}, and the policy of a bucket may name only the bucket ({own}) and its objects ({own}/*).", named(statement, index)),
                );
            }
        }
        if let Some(KeyChoice::Existing(key)) = &bucket.encryption.key
            && key.manage_policy
            && key.location.is_none()
        {
            let account = key.arn.split(':').nth(4).unwrap_or_default();
            diagnostics.error_at(
                side_path(&this).attribute("manage_key_policy"),
                "The key's account cannot be entered",
                format!("{} belongs to account {account}, a key's policy can be changed only from its own account, and no way there is known. Write an `account` block for {account} in the provider, or manage_key_policy = false: then the plan shows the statement that the key's owner has to add.", key.arn),
            );
        }
    }
}

/// The user's own statements in the policy of a bucket's key.
fn key_statements_of(bucket: &BucketSpec) -> Option<&Vec<Statement>> {
    bucket.owned_key().map(|key| &key.policy)
}

/// Refuses documents after which whoever applies them could not change them any more. Only what is new is looked at.
pub(crate) async fn check_lock_out(
    session: &Session,
    spec: &Spec,
    prior: Option<&Spec>,
    diagnostics: &mut Diagnostics,
) {
    let mut checks = Vec::new();
    for (this, bucket) in spec.buckets() {
        let before = prior.and_then(|prior| prior.bucket_named(&bucket.name));
        let of_bucket = &bucket.policy.statements;
        if before.map(|b| &b.policy.statements) != Some(of_bucket) && !of_bucket.is_empty() {
            checks.push((
                bucket_policy_path(&this),
                bucket,
                PolicyDocument::new(of_bucket.clone()),
                BUCKET_CALLS,
                bucket.arn(),
            ));
        }
        let of_key = key_statements_of(bucket).cloned().unwrap_or_default();
        if before.and_then(key_statements_of) != Some(&of_key) && !of_key.is_empty() {
            let document = PolicyDocument::new(of_key);
            checks.push((
                key_policy_path(&this),
                bucket,
                document,
                KEY_CALLS,
                any_key(bucket),
            ));
        }
    }
    let callers = join_all(checks.iter().map(|(_, bucket, ..)| async {
        let at = &bucket.location;
        // Where nobody asks who enters there is nothing to hold the documents against.
        session.enter(&at.way_in, &at.region, None).await
    }))
    .await;
    for ((path, bucket, document, calls, resource), caller) in checks.into_iter().zip(callers) {
        // A location that cannot be entered is an error of its own.
        let Ok(caller) = caller else { continue };
        if calls == BUCKET_CALLS && caller.arn.ends_with(":root") {
            // An account's root user may always change a bucket's policy.
            continue;
        }
        let denials = calls.iter().filter_map(|call| {
            let request = request(bucket, &caller.arn, call, &resource);
            let denial = policy::denial(&document, &request)?;
            Some((denial.certain, denial.statement.clone(), *call))
        });
        let Some((certain, statement, call)) = denials.max_by_key(|(certain, ..)| *certain) else {
            continue;
        };
        let name = statement.name().map_or_else(
            || "A statement without a Sid".to_owned(),
            |sid| format!("Statement {sid}"),
        );
        if certain {
            diagnostics.error_at(
                path,
                "The policy would lock Terraform out",
                format!("{name} denies {call} to {}, who enters this account. After it is written, this policy could not be changed any more by this configuration. Exempt that identity, for example by a condition on aws:PrincipalArn. Nothing was changed.", caller.arn),
            );
        } else {
            diagnostics.warning_at(
                path,
                "The policy may lock Terraform out",
                format!("Whether {name} denies {call} to {}, who enters this account, hangs on what is not known here (such as addresses, networks or tags, or a session that NotPrincipal would have to list). If it does, this policy cannot be changed any more by this configuration once it is written.", caller.arn),
            );
        }
    }
}

/// What it takes to change a bucket's policy and to see what is in it.
const BUCKET_CALLS: &[&str] = &["s3:PutBucketPolicy", "s3:GetBucketPolicy"];
/// The same for a key's.
const KEY_CALLS: &[&str] = &["kms:PutKeyPolicy", "kms:GetKeyPolicy"];

/// Statements of a key's policy are about `*`, so any key of the place will do.
fn any_key(bucket: &BucketSpec) -> String {
    let at = &bucket.location;
    format!(
        "arn:{}:kms:{}:{}:key/*",
        at.partition, at.region, at.account
    )
}

fn named(statement: &Statement, index: usize) -> String {
    statement.name().map_or_else(
        || format!("Statement {}", index + 1),
        |sid| format!("Statement {sid}"),
    )
}
