//! What was called, and which permissions AWS asks for it.

use std::collections::{BTreeMap, BTreeSet};

use terraform_provider_replicated::replication::canary::DEFAULT_KEY_PREFIX;
use terraform_provider_replicated::replication::ids::{Location, WayIn};
use terraform_provider_replicated::replication::operation::permissions::{
    On, PERMISSIONS, Permission, When,
};
use terraform_provider_replicated::replication::operation::{
    ManagedPolicyOperation as Managed, Operation, Query,
};
use terraform_provider_replicated::replication::policy::{
    Decision, PolicyDocument, Request, evaluate,
};

use crate::configs::HOME;
use crate::fake::State;
use crate::operator_policy::{OWNER_TAG, is_theirs};

/// A call with all that it says.
pub struct Recorded {
    /// Where; none for the role that is assumed to enter an account.
    pub at: Option<Location>,
    pub call: Call,
    /// The ARN of the role that a call to IAM is about.
    role: String,
    /// The ARN of the key that a call to KMS is about, and whose it is by its tag.
    key: Option<(String, Option<String>)>,
}

/// What was called.
#[derive(Debug, Clone)]
pub enum Call {
    Enter(WayIn),
    Query(Query),
    Operation(Operation),
}

/// A permission that AWS asks for.
pub struct Asked {
    pub call: &'static str,
    /// Of whoever is asked.
    pub account: String,
    pub request: Request,
}

impl Asked {
    pub fn is_allowed_by(&self, document: &PolicyDocument) -> bool {
        evaluate(&[document], &self.request) == Decision::Allowed
    }
}

/// The permissions that AWS asks for these calls, each once.
pub fn asked(recorded: &[Recorded]) -> Vec<Asked> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for recorded in recorded {
        let call = recorded.call.name();
        for (account, request) in requests(recorded) {
            let is_new = seen.insert(format!("{call} {account} {request:?}"));
            if is_new {
                all.push(Asked {
                    call,
                    account,
                    request,
                });
            }
        }
    }
    all
}

/// The permissions that AWS asks for, with the account of whoever is asked.
fn requests(recorded: &Recorded) -> Vec<(String, Request)> {
    if let Call::Enter(way_in) = &recorded.call {
        let roles = way_in.assume_role.first();
        let request = |role: &str| request("sts:AssumeRole", role, BTreeMap::new());
        return roles
            .map(|role| (HOME.to_owned(), request(&role.role_arn)))
            .into_iter()
            .collect();
    }
    let account = recorded.at.as_ref().unwrap().account.to_string();
    let asked = PERMISSIONS
        .iter()
        .filter(|p| p.call == recorded.call.name());
    asked
        .filter_map(|permission| Some((account.clone(), recorded.request(permission)?)))
        .collect()
}

fn request(action: &str, resource: &str, context: BTreeMap<String, Vec<String>>) -> Request {
    Request {
        principal: "arn:aws:iam::111111111111:role/Deploy".to_owned(),
        bounded: false,
        action: action.to_owned(),
        resource: resource.to_owned(),
        context,
    }
}

impl Call {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enter(_) => "sts:AssumeRole",
            Self::Query(query) => query.call(),
            Self::Operation(operation) => operation.call(),
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Enter(_) => String::new(),
            Self::Query(query) => query.subject().to_owned(),
            Self::Operation(operation) => operation.subject(),
        }
    }
}

impl Recorded {
    /// A call, and what there is when it is made.
    pub fn of(at: Option<&Location>, call: Call, before: &State) -> Self {
        Self {
            at: at.cloned(),
            role: at.map_or_else(String::new, |at| call.role(at, before)),
            key: at.and_then(|at| call.key(at, before)),
            call,
        }
    }

    /// What is asked for by one row of the table; none where it is about another form of the call.
    fn request(&self, permission: &Permission) -> Option<Request> {
        if !self.is_of(permission.when) {
            return None;
        }
        let at = self.at.as_ref().unwrap();
        let (account, region) = (&at.account, &at.region);
        let subject = self.call.subject();
        let mut context = BTreeMap::new();
        let resource = match permission.on {
            On::Bucket => format!("arn:aws:s3:::{subject}"),
            On::Objects if self.call.canary().is_some() => return None,
            On::Objects => format!("arn:aws:s3:::{subject}/object"),
            On::Canaries => format!("arn:aws:s3:::{subject}/{}", self.call.canary()?),
            On::Account => "*".to_owned(),
            On::Role | On::SoughtRole => self.role.clone(),
            On::PassedRole => {
                let Call::Operation(Operation::PutBucketReplication { configuration, .. }) =
                    &self.call
                else {
                    unreachable!("only rules name a role");
                };
                let service = "s3.amazonaws.com".to_owned();
                context.insert("iam:PassedToService".to_owned(), vec![service]);
                configuration.role.clone()
            }
            On::ManagedPolicies | On::AttachedPolicies | On::Boundary => subject,
            On::Keys | On::NamedKeys | On::ManagedKeys => {
                let (arn, owner) = self.key.clone()?;
                if owner.is_some() != (permission.on == On::Keys) {
                    return None;
                }
                context.insert(
                    format!("aws:ResourceTag/{OWNER_TAG}"),
                    owner.into_iter().collect(),
                );
                arn
            }
            On::NewKey | On::NewKeyTags => {
                let Call::Operation(Operation::CreateKey { tags, .. }) = &self.call else {
                    unreachable!("only CreateKey makes keys");
                };
                context.insert(
                    format!("aws:RequestTag/{OWNER_TAG}"),
                    vec![tags[OWNER_TAG].clone()],
                );
                match permission.on {
                    On::NewKey => "*".to_owned(),
                    _ => format!("arn:aws:kms:{region}:{account}:key/new"),
                }
            }
            On::Alias => {
                let Call::Operation(
                    Operation::CreateAlias { alias, .. }
                    | Operation::UpdateAlias { alias, .. }
                    | Operation::DeleteAlias { alias },
                ) = &self.call
                else {
                    unreachable!("only these are about aliases");
                };
                format!("arn:aws:kms:{region}:{account}:{alias}")
            }
            On::MultiRegionRole => {
                let service = "mrk.kms.amazonaws.com";
                context.insert("iam:AWSServiceName".to_owned(), vec![service.to_owned()]);
                format!(
                    "arn:aws:iam::{account}:role/aws-service-role/{service}/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
                )
            }
            On::BackfillRole | On::PassedBackfillRole | On::Jobs | On::Report => {
                unreachable!("no resource has a backfill made")
            }
            On::Deployers => unreachable!("roles are assumed to enter accounts"),
        };
        Some(request(permission.action, &resource, context))
    }

    /// Whether the call has the form that a permission is about.
    fn is_of(&self, when: When) -> bool {
        match (&self.call, when) {
            // No resource has a backfill made.
            (
                _,
                When::Backfilled
                | When::BackfilledByOurRole
                | When::BackfilledByBoundedRole
                | When::BackfillReported,
            ) => false,
            (Call::Operation(Operation::CreateBucket { object_lock, .. }), When::Locked) => {
                *object_lock
            }
            (Call::Operation(Operation::PutObject { object, .. }), When::VerifiedFromByTags) => {
                !object.tags.is_empty()
            }
            (Call::Operation(Operation::CreateKey { multi_region, .. }), When::MultiRegionKey) => {
                *multi_region
            }
            (
                Call::Operation(Operation::DeleteObjects {
                    bypass_governance_retention,
                    ..
                }),
                When::Bypassed,
            ) => *bypass_governance_retention,
            (
                Call::Query(
                    Query::GetPolicy { policy_arn } | Query::GetPolicyVersion { policy_arn, .. },
                ),
                When::OthersRole | When::BoundedRole,
            ) => is_theirs(policy_arn),
            (
                Call::Query(
                    Query::GetPolicy { policy_arn } | Query::GetPolicyVersion { policy_arn, .. },
                ),
                When::LongPolicy,
            ) => !is_theirs(policy_arn),
            _ => true,
        }
    }
}

impl Call {
    /// The key of the canary that the call is about.
    fn canary(&self) -> Option<&str> {
        let key = match self {
            Self::Query(
                Query::HeadObject { key, .. }
                | Query::GetObjectTagging { key, .. }
                | Query::GetObjectAcl { key, .. },
            ) => key,
            Self::Operation(Operation::PutObject { object, .. }) => &object.key,
            Self::Operation(Operation::DeleteObjects { versions, .. }) => &versions.first()?.key,
            _ => return None,
        };
        key.contains(DEFAULT_KEY_PREFIX).then_some(key)
    }

    /// A role's ARN: as it is there, as it is made, or as IAM takes one that is not there.
    fn role(&self, at: &Location, before: &State) -> String {
        let account = at.account.to_string();
        let name = match self {
            Self::Operation(Operation::ManagedPolicy(Managed::Attach { role, .. })) => role.clone(),
            call => call.subject(),
        };
        if let Self::Operation(Operation::CreateRole { path, .. }) = self {
            return format!("arn:aws:iam::{account}:role{path}{name}");
        }
        let found = before.roles.get(&(account.clone(), name.to_lowercase()));
        found.map_or_else(
            || format!("arn:aws:iam::{account}:role/{name}"),
            |role| role.description.arn.clone(),
        )
    }

    /// The ARN of the key that the call is about, and whose it is by its tag; none for one that is not there, of
    /// which KMS says so before it asks for permissions, and for others' keys that a search passes over.
    fn key(&self, at: &Location, before: &State) -> Option<(String, Option<String>)> {
        let place = |name: &str| {
            (
                at.account.to_string(),
                at.region.to_string(),
                name.to_owned(),
            )
        };
        let named = match self {
            Self::Operation(Operation::DeleteAlias { alias }) => alias.clone(),
            Self::Operation(Operation::PutObject { bucket, object }) => {
                let default = before.buckets.get(bucket)?.encryption.kms_key.as_ref();
                let key = default.filter(|_| object.sse_algorithm.is_none())?;
                key.known()?.clone()
            }
            Self::Operation(operation) => operation.inputs().first()?.known()?.clone(),
            call => call.subject(),
        };
        let arn = if named.starts_with("alias/") {
            before.aliases.get(&place(&named))?.clone()
        } else if named.starts_with("arn:") {
            named
        } else {
            format!("arn:aws:kms:{}:{}:key/{named}", at.region, at.account)
        };
        let owner = before.keys.get(&arn)?.tags.get(OWNER_TAG).cloned();
        Some((arn, owner))
    }
}
