//! The policies of a setup, worked out from its object alone: without credentials, and without looking at AWS.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{BucketModel, SideModel};
use super::paths::side_path;
use super::plan::target::{For, target};
use super::private::Private;
use super::report;
use super::schema;
use super::validate::{check_worked_out, validate};
use super::values::computed::carry_keys;
use super::values::effective::{Found, Ground, effective};
use super::values::expand::{Incomplete, expand};
use futures::future::try_join_all;

use crate::execution::cloud::CallError;
use crate::execution::observe::{Purpose, observe_bucket};
use crate::framework::diagnostics::{Diagnostics, Severity};
use crate::framework::model::Attr;
use crate::framework::schema::{Misfit, complete, walk_config};
use crate::framework::value::Value;
use crate::provider::settings::{Session, Settings};
use crate::provider::spelling::did_you_mean;
use crate::replication::component::Side;
use crate::replication::grants::{bucket_policy, key_policy_of, key_statements, role_document};
use crate::replication::ids::Arn;
use crate::replication::names::OWNER_TAG;
use crate::replication::observed::{Observed, Presence};
use crate::replication::operation::permissions::Access;
use crate::replication::operator_policy::operator_policies;
use crate::replication::policy::{PolicyDocument, Unresolved, trust_policy};
use crate::replication::spec::Spec;

/// A document for each destination, by its key; none where it needs none.
pub type ByDestination = BTreeMap<String, Option<String>>;

/// A document for each account, by its id.
pub type ByAccount = BTreeMap<String, String>;

/// A setup of which enough is told to write its policies.
#[derive(Debug, Clone)]
pub struct Documents {
    spec: Spec,
}

impl Documents {
    /// Takes an object of the resource's shape: the resource itself, or what somebody would write there. What it
    /// leaves out has the resource's defaults. The error is a sentence that says where the object is wrong.
    pub fn of(setup: Value) -> Result<Self, String> {
        let schema = schema::schema();
        let setup = complete(setup, &schema.block.attributes).map_err(|misfit| told(&misfit))?;
        let mut diagnostics = Diagnostics::new();
        walk_config(&schema.block, &setup, &mut |attribute, path, value| {
            if attribute.configurable() && !value.is_null() {
                for validator in &attribute.validators {
                    validator.validate(path, value, &mut diagnostics);
                }
            }
        });
        let config = config_of(setup)?;
        diagnostics.extend(validate(&config));
        refuse(diagnostics)?;
        let accounts = accounts(&config)?;
        let region = config
            .source
            .known()
            .map_or(Attr::Null, |s| s.0.region.clone());
        if region.is_null() {
            return Err(
                "source.region: nothing here tells the provider's region, so write it.".to_owned(),
            );
        }
        let mut model = effective(
            &config,
            &Ground {
                prior: None,
                kept: None,
                region,
                accounts: &accounts,
                own_encryption: &BTreeSet::new(),
                // Which numbers rules of others have is in no document.
                found: Some(&Found::default()),
                drawn: None,
            },
        );
        let mut diagnostics = Diagnostics::new();
        check_worked_out(&model, &mut diagnostics);
        refuse(diagnostics)?;
        // An object that is the resource itself knows the keys that were made.
        carry_keys(&mut model, &config);
        match expand(&model, &Settings::default()) {
            Ok(spec) => Ok(Self { spec }),
            Err(Incomplete::Invalid(path, why)) => Err(format!("{path}: {why}.")),
            Err(Incomplete::Unknown) => Err(untold(&model)),
        }
    }

    /// Works the documents out for the accounts, buckets and keys that are there; nothing is written.
    pub(in crate::provider) async fn look(
        session: &Session,
        config: &BucketModel,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let private = Private::default();
        let target = target(
            Some(session),
            config,
            None,
            &private,
            For::Plan,
            diagnostics,
        )
        .await;
        if diagnostics.has_error() {
            return None;
        }
        let Some(mut spec) = target.spec else {
            diagnostics.error("Too little is known", untold(&target.model));
            return None;
        };
        match made_keys(session, &spec).await {
            Ok(observed) => spec.learn_keys(&observed),
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        }
        Some(Self { spec })
    }

    /// What the replication role may do.
    pub fn role_policy(&self) -> Result<String, String> {
        rendered(&role_document(&self.spec.outward()))
    }

    /// Who may assume the replication role.
    pub fn trust_policy(&self) -> Result<String, String> {
        rendered(&trust_policy())
    }

    /// What each destination's bucket policy has to hold, by destination; none where nothing has to.
    pub fn destination_bucket_policies(&self) -> Result<ByDestination, String> {
        self.of_destinations(|side| {
            let policy = bucket_policy(&self.spec, side);
            (!policy.statements.is_empty()).then_some(policy)
        })
    }

    /// What the policy of each destination's key has to hold, by destination: the whole policy of a key that the
    /// resource makes, the statement that one of somebody else's needs, or none.
    pub fn destination_key_policies(&self) -> Result<ByDestination, String> {
        self.of_destinations(|side| {
            key_policy_of(&self.spec, side).or_else(|| {
                let statements = key_statements(&self.spec, side);
                (!statements.is_empty()).then(|| PolicyDocument::new(statements))
            })
        })
    }

    /// What whoever runs Terraform has to be allowed, by account id.
    pub fn operator_policies(&self, access: Access) -> Result<ByAccount, String> {
        let documents = operator_policies(&self.spec, access).into_iter();
        documents
            .map(|(account, document)| Ok((account.to_string(), rendered(&document)?)))
            .collect()
    }

    fn of_destinations(
        &self,
        document: impl Fn(&Side) -> Option<PolicyDocument>,
    ) -> Result<ByDestination, String> {
        let keys = self.spec.destinations.keys();
        keys.map(|key| {
            let document = document(&Side::Destination(key.clone()));
            Ok((key.clone(), document.as_ref().map(rendered).transpose()?))
        })
        .collect()
    }
}

/// The model of an object of the resource's shape, in which anything may be unknown.
pub(in crate::provider) fn config_of(setup: Value) -> Result<BucketModel, String> {
    let schema = schema::schema();
    let setup = complete(setup, &schema.block.attributes).map_err(|misfit| told(&misfit))?;
    let mut config = match Attr::<BucketModel>::from_value(&setup) {
        Ok(Attr::Known(config)) => config,
        Ok(_) => BucketModel::default(),
        Err(error) => return Err(error.to_string()),
    };
    for (_, side) in config.sides_mut() {
        if side.bucket.known().is_some() {
            // The resource itself has both: the name is what came of the prefix.
            side.bucket_prefix = Attr::Null;
        }
    }
    Ok(config)
}

/// What the resource would say of it.
pub(in crate::provider) fn checked(config: &BucketModel) -> Diagnostics {
    validate(config)
}

/// The keys that the resource has made already, by their alias and its tag.
async fn made_keys(session: &Session, spec: &Spec) -> Result<Observed, CallError> {
    let cloud = &*session.cloud;
    let ours = spec
        .buckets()
        .filter(|(_, bucket)| bucket.owned_key().is_some());
    let looks = ours.map(|(side, bucket)| async move {
        let seen = observe_bucket(cloud, spec, &side, bucket, Purpose::Create, false).await;
        seen.map(|seen| (side, seen))
    });
    let mut observed = Observed::default();
    for (side, mut seen) in try_join_all(looks).await? {
        let tags = seen.key.present().and_then(|key| key.tags.present());
        if tags.and_then(|tags| tags.get(OWNER_TAG)) != Some(&spec.owner()) {
            seen.key = Presence::Absent;
        }
        observed.buckets.insert(side, seen);
    }
    Ok(observed)
}

/// The account of each side: as written, else as its role says, else the source's.
fn accounts(config: &BucketModel) -> Result<BTreeMap<Side, String>, String> {
    let Some(source) = config.source.known().and_then(|source| account(&source.0)) else {
        return Err(
            "source.account_id: nothing here tells the provider's account, so write it.".to_owned(),
        );
    };
    let sides = config.sides().into_iter();
    Ok(sides
        .map(|(this, side)| (this, account(side).unwrap_or_else(|| source.clone())))
        .collect())
}

fn account(side: &SideModel) -> Option<String> {
    let role = side
        .assume_role
        .known()
        .and_then(|role| role.role_arn.known());
    let of_role = || Some(Arn::parse_role(role?).ok()?.account);
    side.account_id.known().cloned().or_else(of_role)
}

/// Where too little is told: nobody asks AWS about a bucket that is there already, and none is drawn a name.
fn untold(model: &BucketModel) -> String {
    for (this, side) in model.sides() {
        if side.bucket.known().is_none() {
            let path = side_path(&this).attribute("bucket");
            return format!(
                "{path}: too little is told to write policies: the bucket needs its name."
            );
        }
        if !side.encryption.to_value().is_wholly_known() {
            let path = side_path(&this).attribute("encryption");
            return format!(
                "{path}: too little is told to write policies: of a bucket that is there already, write the encryption that it has."
            );
        }
    }
    "Too little is told to write policies: each bucket needs its name, and one that is there already its encryption.".to_owned()
}

fn rendered(document: &PolicyDocument) -> Result<String, String> {
    document.render().map_err(|Unresolved::Component(component)| {
        let path = side_path(component.side()).attribute("encryption");
        format!("{path}: A key of this setup is still to be made, and the policies name it: write kms_key_arn in each `encryption`, or ask once the resource has made it.")
    })
}

fn refuse(diagnostics: Diagnostics) -> Result<(), String> {
    let error = diagnostics
        .into_iter()
        .find(|d| d.severity == Severity::Error);
    error.map_or(Ok(()), |error| {
        let place = error
            .path
            .map_or_else(String::new, |path| format!("{path}: "));
        Err(format!("{place}{}. {}", error.summary, error.detail))
    })
}

fn told(misfit: &Misfit) -> String {
    match misfit {
        Misfit::Kind(..) => format!("{misfit}."),
        Misfit::Unknown { name, names, .. } => {
            let meant = did_you_mean(name, names.iter().map(String::as_str));
            format!("{misfit}.{meant}")
        }
    }
}
