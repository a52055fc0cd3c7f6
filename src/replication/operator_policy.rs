//! What whoever runs Terraform has to be allowed in each account, and nothing beyond it.
//!
//! The documents follow from the table of [`PERMISSIONS`] and from what a setup has: a bucket without Object Lock
//! needs no permission for it. They hold for the setup as it is written, its repair and its destroy. What a setup
//! had before and has no more is not in them.

use std::collections::{BTreeMap, BTreeSet};

use super::canary::{Canary, canaries};
use super::component::Side;

use super::direction::Direction;
use super::grants::{bucket_policy, key_statements, managed_policy_count};
use super::ids::{AccountId, Arn};
use super::names::OWNER_TAG;
use super::operation::Input;
use super::operation::permissions::{Access, On, PERMISSIONS, When};
use super::policy::{Condition, Effect, Element, PolicyDocument, Statement};
use super::spec::{
    BucketSpec, ExistingKey, KeyChoice, KeySpec, RoleOwnership, RoleSpec, RuleSpec, Spec,
};

/// The documents by account; one that needs nothing has none.
pub fn operator_policies(spec: &Spec, access: Access) -> BTreeMap<AccountId, PolicyDocument> {
    let mut grants = Grants::default();
    for subject in Subject::all(spec) {
        for permission in PERMISSIONS {
            let allowed = permission.access == Access::Read || access == Access::Write;
            if allowed && subject.has(permission.when) {
                for (account, scope) in subject.scopes(permission.on, permission.when) {
                    grants.add(account, scope, permission.action);
                }
            }
        }
    }
    grants.documents()
}

/// Where actions are granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    resources: BTreeSet<String>,
    condition: Condition,
}

/// Actions by account and scope.
#[derive(Default)]
struct Grants(BTreeMap<AccountId, BTreeMap<Scope, BTreeSet<&'static str>>>);

impl Grants {
    fn add(&mut self, account: AccountId, scope: Scope, action: &'static str) {
        let scopes = self.0.entry(account).or_default();
        scopes.entry(scope).or_default().insert(action);
    }

    fn documents(self) -> BTreeMap<AccountId, PolicyDocument> {
        let accounts = self.0.into_iter();
        accounts
            .map(|(account, scopes)| (account, document(scopes)))
            .collect()
    }
}

/// One statement for each set of actions: buckets that need the same stand together.
fn document(scopes: BTreeMap<Scope, BTreeSet<&'static str>>) -> PolicyDocument {
    let mut merged: BTreeMap<(BTreeSet<&str>, Condition), BTreeSet<String>> = BTreeMap::new();
    for (scope, actions) in scopes {
        let resources = merged.entry((actions, scope.condition));
        resources.or_default().extend(scope.resources);
    }
    let statements = merged
        .into_iter()
        .map(|((actions, condition), resources)| Statement {
            sid: None,
            effect: Effect::Allow,
            principal: None,
            action: Some(Element::Is(
                actions.into_iter().map(str::to_owned).collect(),
            )),
            resource: Some(Element::Is(
                resources.into_iter().map(Input::Known).collect(),
            )),
            condition,
            other: BTreeMap::new(),
        });
    PolicyDocument::new(statements.collect())
}

/// A bucket with its key, and the role that it replicates by.
struct Subject<'a> {
    spec: &'a Spec,
    side: Side,
    bucket: &'a BucketSpec,
    sends: Option<Direction<'a>>,
}

impl<'a> Subject<'a> {
    /// Every bucket whose account is entered.
    fn all(spec: &'a Spec) -> impl Iterator<Item = Self> {
        let entered = spec.buckets().filter(|(_, bucket)| bucket.is_reachable());
        entered.map(move |(side, bucket)| Self {
            spec,
            sends: spec.direction(&side),
            side,
            bucket,
        })
    }

    fn has(&self, when: When) -> bool {
        let settings = self.bucket.settings();
        let ours = settings.is_some();
        let emptied = self.bucket.may_be_emptied() && !self.bucket.stays();
        let locked = settings.is_some_and(|s| s.object_lock.is_some());
        let existing = self.bucket.existing();
        let managed = self.bucket.policy_is_managed();
        let has_statements = !bucket_policy(self.spec, &self.side).statements.is_empty();
        let key = self.bucket.owned_key();
        let role = self
            .sends
            .as_ref()
            .map(|direction| &direction.role.ownership);
        let own_role = matches!(role, Some(RoleOwnership::Owned { .. }));
        let is_bounded = matches!(
            role,
            Some(RoleOwnership::Owned {
                permissions_boundary: Some(_),
                ..
            })
        );
        match when {
            When::Listed
            | When::KeysWatched
            | When::Backfilled
            | When::BackfilledByOurRole
            | When::BackfilledByBoundedRole
            | When::BackfillReported => false,
            When::Verified => !self.canary_prefixes().is_empty(),
            When::VerifiedFrom => self.canaries().any(|canary| canary.from == self.side),
            When::VerifiedFromByTags => self.tagged_canaries(true),
            When::VerifiedToByTags => self.tagged_canaries(false),
            When::VerifiedOwnKey => key.is_some() && self.has(When::VerifiedFrom),
            When::VerifiedNamedKey => key.is_none() && self.has(When::VerifiedFrom),
            When::Entered => true,
            When::Ours => ours,
            When::Emptied => emptied,
            When::Locked => locked,
            When::LockedAndEmptied => locked && emptied,
            When::Bypassed => emptied && settings.is_some_and(|s| s.bypass_governance_on_destroy),
            When::Sends => role.is_some(),
            When::Measured => self.sends.as_ref().is_some_and(|direction| {
                let mut rules = direction.to.iter().flat_map(|to| &to.rules);
                rules.any(RuleSpec::is_measured)
            }),
            When::PolicyWritten => managed && has_statements,
            When::PolicyEmptied => {
                let exclusive = self.bucket.policy.exclusive;
                managed
                    && if has_statements {
                        self.bucket.stays()
                    } else {
                        exclusive
                    }
            }
            When::Versioned => existing.is_none_or(|existing| existing.enable_versioning),
            When::Encrypted => existing.is_none_or(|existing| existing.enable_encryption),
            When::OwnKey => key.is_some() || !self.bucket.retired_keys.is_empty(),
            When::GrantedKey => key.is_some_and(|key| {
                let granted = !key_statements(self.spec, &self.side).is_empty();
                granted || !key.policy.is_empty() || self.bucket.policy.exclusive
            }),
            When::RotatedKey => key.is_some_and(|key| key.enable_key_rotation),
            When::UnrotatedKey => key.is_some_and(|key| !key.enable_key_rotation),
            When::DisabledKey => key.is_some_and(|key| !key.enabled),
            When::MultiRegionKey => key.is_some_and(|key| key.multi_region),
            When::NamedKey | When::ManagedKey => true,
            When::OwnRole => own_role,
            When::BoundedRole => own_role && is_bounded,
            When::UnboundedRole => own_role && !is_bounded,
            When::GrantedRole => role.is_some_and(|role| *role != UNTOUCHED),
            When::OthersRole => matches!(role, Some(RoleOwnership::Existing { .. })),
            When::LongPolicy => {
                let long = |direction| managed_policy_count(direction) > 0;
                own_role && self.sends.as_ref().is_some_and(long)
            }
            When::Assumed | When::AssumedWithTags | When::AssumedWithSourceIdentity => {
                // Whose credentials are used before the source's own role is told by nobody.
                let source = &self.spec.source.location.way_in;
                self.side == Side::Source && source.assume_role.is_empty()
            }
        }
    }

    /// Where an action is granted, with the account whose operator needs it.
    fn scopes(&self, on: On, when: When) -> Vec<(AccountId, Scope)> {
        let at = &self.bucket.location;
        let (account, partition, region) = (&at.account, &at.partition, &at.region);
        let here = |resources: Vec<String>, condition| {
            if resources.is_empty() {
                return Vec::new();
            }
            let resources = resources.into_iter().collect();
            vec![(
                account.clone(),
                Scope {
                    resources,
                    condition,
                },
            )]
        };
        let always = Condition::new;
        let keys = || vec![format!("arn:{partition}:kms:{region}:{account}:key/*")];
        let owner = |key: &str| equals(format!("{key}/{OWNER_TAG}"), self.spec.owner());
        let role = || {
            self.sends
                .iter()
                .map(|direction| direction.role_arn().to_string())
                .collect()
        };
        match on {
            On::Bucket => here(vec![self.bucket.arn()], always()),
            On::Objects => here(vec![format!("{}/*", self.bucket.arn())], always()),
            On::Canaries => here(
                self.canary_prefixes()
                    .iter()
                    .map(|prefix| format!("{}/{prefix}*", self.bucket.arn()))
                    .collect(),
                always(),
            ),
            On::Role => here(role(), always()),
            On::SoughtRole => here(self.role_arns(), always()),
            On::PassedRole => here(
                role(),
                equals(
                    "iam:PassedToService".to_owned(),
                    "s3.amazonaws.com".to_owned(),
                ),
            ),
            // What a backfill needs is told apart: no setup has one.
            On::BackfillRole | On::PassedBackfillRole | On::Jobs | On::Report => Vec::new(),
            On::ManagedPolicies => here(self.managed_policies(), always()),
            On::AttachedPolicies => here(
                vec![
                    format!("arn:{partition}:iam::{account}:policy/*"),
                    format!("arn:{partition}:iam::aws:policy/*"),
                ],
                always(),
            ),
            On::Boundary => {
                let role = self
                    .sends
                    .as_ref()
                    .map(|direction| &direction.role.ownership);
                let boundary = match role {
                    Some(RoleOwnership::Owned {
                        permissions_boundary,
                        ..
                    }) => permissions_boundary.clone(),
                    _ => None,
                };
                here(boundary.into_iter().collect(), always())
            }
            On::Keys => here(keys(), owner("aws:ResourceTag")),
            On::NewKeyTags => here(keys(), owner("aws:RequestTag")),
            On::NewKey => here(vec!["*".to_owned()], owner("aws:RequestTag")),
            On::Alias => {
                let alias =
                    |key: &KeySpec| format!("arn:{partition}:kms:{region}:{account}:{}", key.alias);
                here(
                    self.bucket.owned_key().map(alias).into_iter().collect(),
                    always(),
                )
            }
            On::NamedKeys | On::ManagedKeys => self.keys_of_others(on),
            On::Account => here(vec!["*".to_owned()], always()),
            On::MultiRegionRole => here(
                vec![format!(
                    "arn:{partition}:iam::{account}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
                )],
                equals(
                    "iam:AWSServiceName".to_owned(),
                    "mrk.kms.amazonaws.com".to_owned(),
                ),
            ),
            On::Deployers => here(self.deployers(when), always()),
        }
    }

    /// The canaries of this setup that are in this bucket at some time.
    fn canaries(&self) -> impl Iterator<Item = Canary> {
        let verification = self.spec.verification.as_ref().filter(|v| v.enabled);
        let all = verification.map(|v| canaries(self.spec, &v.key_prefix));
        let name = self.bucket.name.to_string();
        let all = all.unwrap_or_default().into_iter();
        all.filter(move |canary| canary.places().any(|(_, bucket)| bucket == name))
    }

    fn canary_prefixes(&self) -> BTreeSet<String> {
        self.canaries().map(|canary| canary.prefix).collect()
    }

    /// Whether canaries with tags are written to this bucket, or arrive in it.
    fn tagged_canaries(&self, written: bool) -> bool {
        let mut tagged = self.canaries().filter(|canary| !canary.tags.is_empty());
        tagged.any(|canary| (canary.from == self.side) == written)
    }

    /// The role's ARN, and the one by which IAM judges questions about a role that is not there: its path is not in
    /// the request. One of somebody else's has to be there.
    fn role_arns(&self) -> Vec<String> {
        let Some(direction) = &self.sends else {
            return Vec::new();
        };
        let arn = direction.role_arn();
        let without_path = Arn {
            resource: format!("role/{}", direction.role.name),
            ..arn.clone()
        };
        let is_ours = matches!(direction.role.ownership, RoleOwnership::Owned { .. });
        let sought = is_ours.then(|| without_path.to_string());
        std::iter::once(arn.to_string()).chain(sought).collect()
    }

    /// Managed policies of ours differ in a number at the end.
    fn managed_policies(&self) -> Vec<String> {
        let role = self.sends.iter().map(|direction| direction.role);
        let at = &self.bucket.location;
        let arn = |role: &RoleSpec| {
            let (partition, account, path) = (&at.partition, &at.account, &role.path);
            format!("arn:{partition}:iam::{account}:policy{path}{}-*", role.name)
        };
        role.map(arn).collect()
    }

    /// Keys of others, each in the account from which it is asked for.
    fn keys_of_others(&self, on: On) -> Vec<(AccountId, Scope)> {
        let here = &self.bucket.location.account;
        let mut keys: Vec<(AccountId, &String)> = Vec::new();
        if let Some(KeyChoice::Existing(ExistingKey {
            arn,
            location,
            manage_policy,
        })) = &self.bucket.encryption.key
            && (on == On::NamedKeys || (*manage_policy && location.is_some()))
        {
            let account = location.as_ref().map_or(here, |location| &location.account);
            keys.push((account.clone(), arn));
        }
        if on == On::NamedKeys {
            let rules = self
                .side
                .key()
                .and_then(|key| self.spec.destinations.get(key));
            let rules = rules
                .iter()
                .flat_map(|destination| destination.rules.values());
            let of_rules = rules.filter_map(|rule| rule.replica_kms_key.as_ref());
            let named = self
                .bucket
                .encryption
                .additional_keys
                .iter()
                .chain(of_rules);
            keys.extend(named.map(|arn| (here.clone(), arn)));
        }
        let scope = |arn: &String| Scope {
            resources: BTreeSet::from([arn.clone()]),
            condition: Condition::new(),
        };
        let keys = keys.into_iter();
        keys.map(|(account, arn)| (account, scope(arn))).collect()
    }

    /// The roles that the source's credentials assume to enter the other accounts.
    fn deployers(&self, when: When) -> Vec<String> {
        let ways = self
            .spec
            .buckets()
            .map(|(_, bucket)| &bucket.location.way_in);
        let first = ways
            .filter(|way| way.profile.is_none() && way.web_identity.is_none())
            .filter_map(|way| way.assume_role.first());
        first
            .filter(|role| match when {
                When::AssumedWithTags => !role.tags.is_empty(),
                When::AssumedWithSourceIdentity => role.source_identity.is_some(),
                _ => true,
            })
            .map(|role| role.role_arn.clone())
            .collect()
    }
}

/// A role of somebody else's that is left as it is.
const UNTOUCHED: RoleOwnership = RoleOwnership::Existing {
    manage_policy: false,
};

fn equals(key: String, value: String) -> Condition {
    let keys = BTreeMap::from([(key, vec![value])]);
    Condition::from([("StringEquals".to_owned(), keys)])
}
