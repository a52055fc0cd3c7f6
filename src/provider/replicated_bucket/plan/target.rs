//! What a configuration amounts to here and now: every value worked out, every account entered that has to be.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::either_way;
use super::found::{find, locks};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::provider::regions;
use crate::provider::replicated_bucket::abandoned::refuse_abandoned;
use crate::provider::replicated_bucket::attributes::bucket_prefix::Drawn;
use crate::provider::replicated_bucket::attributes::ignored_tags::refuse_ignored;
use crate::provider::replicated_bucket::attributes::tags_all::{
    differs_in_tags_all_alone, fill_tags_all,
};
use crate::provider::replicated_bucket::attributes::{
    bucket_prefix, existing, policies, verification,
};
use crate::provider::replicated_bucket::model::{BucketModel, SideModel};
use crate::provider::replicated_bucket::paths::side_path;
use crate::provider::replicated_bucket::preflight::{policy_sizes, roles};
use crate::provider::replicated_bucket::private::{Private, StoredWay};
use crate::provider::replicated_bucket::validate::{
    check_distinct, check_key_region, check_two_way, check_worked_out,
};
use crate::provider::replicated_bucket::values::computed::{carry_keys, fill};
use crate::provider::replicated_bucket::values::effective::{Found, Ground, effective};
use crate::provider::replicated_bucket::values::expand::{
    Incomplete, expand, way_in, way_is_known,
};
use crate::provider::replicated_bucket::values::previous::previous;
use crate::provider::replicated_bucket::{kept_model, report};
use crate::provider::settings::{Session, Settings};
use crate::replication::component::Side;
use crate::replication::ids::{BucketName, Region};
use crate::replication::ignored_tags::IgnoredTags;
use crate::replication::spec::Spec;

/// A configuration, worked out.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Every attribute; unknown is only what follows from something unknown, or what AWS decides.
    pub(crate) model: BucketModel,
    /// The same with what existing buckets show, which a plan's attributes do not follow from: for checks.
    pub(crate) as_found: BucketModel,
    /// The same for the domain, where enough is known.
    pub(crate) spec: Option<Spec>,
}

/// Works a configuration out: enters its locations, looks at what it leaves open, and settles what follows. Errors,
/// such as a role that cannot be assumed, go to `diagnostics`.
pub(crate) async fn target(
    session: Option<&Session>,
    config: &BucketModel,
    prior: Option<&BucketModel>,
    private: &Private,
    purpose: For<'_>,
    diagnostics: &mut Diagnostics,
) -> Target {
    let work = Work {
        session,
        config,
        prior,
        kept: kept_model(private),
        private,
        drawn: match purpose {
            For::Plan => None,
            For::Apply(drawn) => Some(drawn),
        },
    };
    let accounts = work.locate(diagnostics).await;
    let model = work.effective(&accounts, None);
    let found = match session {
        Some(session) if !diagnostics.has_error() => {
            find(session, &model, prior, private, diagnostics).await
        }
        _ => Found::default(),
    };
    let as_found = work.effective(&accounts, Some(&found));
    work.settle(model, as_found, &found, diagnostics)
}

/// What a target follows from.
struct Work<'a> {
    session: Option<&'a Session>,
    config: &'a BucketModel,
    prior: Option<&'a BucketModel>,
    kept: Option<BucketModel>,
    private: &'a Private,
    /// What an apply has drawn; none for a plan.
    drawn: Option<&'a Drawn>,
}

impl Work<'_> {
    /// Checks where everything is to be, and enters what has to be entered; the accounts that the locations lead to.
    async fn locate(&self, diagnostics: &mut Diagnostics) -> BTreeMap<Side, String> {
        existing::check(self.config, diagnostics);
        bucket_prefix::check(self.config, diagnostics);
        let nowhere = BTreeMap::new();
        let model = self.effective(&nowhere, None);
        check_regions(&model, diagnostics);
        let ignored = self.session.map(|session| &session.settings.ignored_tags);
        refuse_ignored(
            self.config,
            ignored.unwrap_or(&IgnoredTags::default()),
            diagnostics,
        );
        let Some(session) = self.session else {
            return nowhere;
        };
        check_known_regions(&model, &session.settings, diagnostics);
        refuse_abandoned(&model, &session.settings, diagnostics);
        if diagnostics.has_error() {
            return nowhere;
        }
        enter(session, &model, self.prior, self.private, diagnostics).await
    }

    /// The configuration with its defaults.
    fn effective(&self, accounts: &BTreeMap<Side, String>, found: Option<&Found>) -> BucketModel {
        let ground = Ground {
            prior: self.prior,
            kept: self.kept.as_ref(),
            region: ground_region(self.session),
            accounts,
            own_encryption: &self.private.own_encryption,
            found,
            drawn: self.drawn,
        };
        effective(self.config, &ground)
    }

    /// Checks what it all amounts to, and fills what follows. An apply goes by what was found.
    fn settle(
        &self,
        mut model: BucketModel,
        mut as_found: BucketModel,
        found: &Found,
        diagnostics: &mut Diagnostics,
    ) -> Target {
        let is_plan = self.drawn.is_none();
        let mut locked = locks(&model, self.prior, self.private);
        if !is_plan {
            missing(&as_found, found, diagnostics);
            model = as_found.clone();
            for (name, lock) in &found.locked {
                locked.entry(name.clone()).or_insert(*lock);
            }
        }
        check_places(&as_found, diagnostics);
        check_worked_out(&as_found, diagnostics);
        let mut spec = self.finish(&mut model, diagnostics);
        let mut numbered = None;
        if spec.is_none() && !diagnostics.has_error() {
            numbered = self.finish(&mut with_numbers(&model), diagnostics);
        }
        for spec in [&mut spec, &mut numbered].into_iter().flatten() {
            spec.tell_locks(&locked);
        }
        let told = spec.as_ref().or(numbered.as_ref());
        let either_way = match told {
            None => self.filled_either_way(&model, &locked),
            Some(_) => None,
        };
        match either_way {
            Some(filled) => model = filled,
            None => fill(&mut model, self.prior, told),
        }
        verification::plan_moments(&mut model, self.prior);
        fill_tags_all(&mut model, self.session.map(|s| &s.settings.default_tags));
        if let (None, Some(prior)) = (self.session, self.prior)
            && differs_in_tags_all_alone(&model, prior)
        {
            // Nobody knows the default tags yet, and nothing says that they change.
            model = prior.clone();
        }
        // The checks may know more than the plan shows.
        if spec.is_none() {
            spec = self.finish(&mut as_found, diagnostics);
        }
        if let Some(spec) = &mut spec {
            spec.tell_locks(&found.locked);
            spec.tell_locks(&locked);
            policies::check_places(spec, diagnostics);
            policy_sizes::check(spec, diagnostics);
            verification::check_keys(spec, diagnostics);
        }
        Target {
            model,
            as_found,
            spec,
        }
    }

    /// What follows where nobody may say yet how an existing bucket is encrypted; none where more than that is open.
    fn filled_either_way(
        &self,
        model: &BucketModel,
        locked: &BTreeMap<String, bool>,
    ) -> Option<BucketModel> {
        let [one, other] =
            either_way::settled(self.config, &with_numbers(model))?.map(|mut settled| {
                let mut spec = self.finish(&mut settled, &mut Diagnostics::new())?;
                spec.tell_locks(locked);
                let mut filled = model.clone();
                fill(&mut filled, self.prior, Some(&spec));
                Some(filled)
            });
        either_way::common(&one?, &other?)
    }

    /// Carries keys over, and makes the spec where enough is known.
    fn finish(&self, model: &mut BucketModel, diagnostics: &mut Diagnostics) -> Option<Spec> {
        if let Some(prior) = self.prior {
            carry_keys(model, prior);
        }
        let unconfigured = Settings::default();
        let settings = self.session.map_or(&unconfigured, |s| &s.settings);
        match expand(model, settings) {
            Ok(spec) => Some(spec),
            Err(Incomplete::Unknown) => None,
            Err(Incomplete::Invalid(path, why)) => {
                diagnostics.error_at(path, "Invalid value", format!("{why}."));
                None
            }
        }
    }
}

/// What a target is worked out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For<'a> {
    /// A plan: what existing buckets show counts for its checks and fills no attribute.
    Plan,
    /// An apply, with what it has drawn for the names of new buckets.
    Apply(&'a Drawn),
}

/// The model with some number for each priority that only the source's present rules can tell. No number stands in a
/// document or a name, so these follow from the rest, and a plan knows them.
fn with_numbers(model: &BucketModel) -> BucketModel {
    let mut numbered = model.clone();
    for (_, side) in numbered.sides_mut() {
        let mut priorities = vec![&mut side.priority];
        if let Attr::Known(rules) = &mut side.rules {
            priorities.extend(rules.values_mut().filter_map(|rule| match rule {
                Attr::Known(rule) => Some(&mut rule.priority),
                Attr::Unknown | Attr::Null => None,
            }));
        }
        for priority in priorities {
            if priority.is_unknown() {
                *priority = Attr::Known(0);
            }
        }
    }
    numbered
}

/// The provider's region, as far as it is known.
fn ground_region(session: Option<&Session>) -> Attr<String> {
    match session.map(|session| &session.settings.region) {
        None => Attr::Unknown,
        Some(None) => Attr::Null,
        Some(Some(region)) => Attr::Known(region.to_string()),
    }
}

/// An existing bucket of which something is open must be there by the time of the apply.
fn missing(model: &BucketModel, found: &Found, diagnostics: &mut Diagnostics) {
    for this in &found.missing {
        if let Some(side) = model.side(this) {
            existing::missing_bucket(this, side, diagnostics);
        }
    }
}

/// Each side needs a region, and all of them must be of one partition. Looked at before any account is entered:
/// credentials of one partition mean nothing in another.
fn check_regions(model: &BucketModel, diagnostics: &mut Diagnostics) {
    let parsed = |side: &SideModel| Region::parse(side.region.known()?).ok();
    let source = model.source.known().and_then(|source| parsed(&source.0));
    for (this, side) in model.sides() {
        if let (Some(source), Some(region)) = (&source, parsed(side))
            && source.partition() != region.partition()
        {
            diagnostics.error_at(
                side_path(&this).attribute("region"),
                "The region is in another partition",
                format!(
                    "{this}: region {region} is in partition {}, and the source's region {source} in {}. S3 does not replicate from one partition to another; choose a region of {}. Nothing was changed.",
                    region.partition(),
                    source.partition(),
                    source.partition()
                ),
            );
        }
        if side.region.is_null() {
            diagnostics.error_at(
                side_path(&this).attribute("region"),
                "No region",
                format!("{this} names no region, and neither does the provider. Write `region` here or in the provider block, or set AWS_REGION."),
            );
        }
    }
}

/// A region that is not known is most likely mistyped, and every call to it would fail.
fn check_known_regions(model: &BucketModel, settings: &Settings, diagnostics: &mut Diagnostics) {
    if settings.skip_region_validation {
        return;
    }
    for (this, side) in model.sides() {
        let region = side
            .region
            .known()
            .and_then(|code| Region::parse(code).ok());
        if let Some(Err(why)) = region.map(|region| regions::check_known(&region)) {
            let path = side_path(&this).attribute("region");
            diagnostics.error_at(path, regions::UNKNOWN, why);
        }
    }
}

/// Existing keys must be in their bucket's region, existing roles in their bucket's account, and a role back needs a
/// way back; all of it may follow from what validation does not know.
fn check_places(model: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in model.sides() {
        if let Some(encryption) = side.encryption.known() {
            let path = side_path(&this).attribute("encryption");
            check_key_region(&path, side, encryption, diagnostics);
        }
    }
    roles::check_accounts(model, diagnostics);
    check_regional_names(model, diagnostics);
    check_distinct(model, diagnostics);
    check_two_way(model, diagnostics);
}

/// A name of a regional namespace belongs to one account and one region.
fn check_regional_names(model: &BucketModel, diagnostics: &mut Diagnostics) {
    for (this, side) in model.sides() {
        let name = side
            .bucket
            .known()
            .and_then(|name| BucketName::parse(name).ok());
        let Some((account, region)) = name.as_ref().and_then(|name| name.regional_namespace())
        else {
            continue;
        };
        let elsewhere = |is: &Attr<String>, told: &str| is.known().is_some_and(|is| is != told);
        if elsewhere(&side.account_id, account) || elsewhere(&side.region, region) {
            diagnostics.error_at(
                side_path(&this).attribute("bucket"),
                "The name belongs to another account or region",
                format!("A name that ends in -<account>-<region>-an is of the namespace that an account has in a region. This one is of account {account} in {region}, and {this} is not there. Write the name for the place where it is, or one without that ending. Nothing was changed."),
            );
        }
    }
}

/// Enters every location whose account is not known yet, whose way in is new, or that the refresh did not get to;
/// the accounts that they lead to.
async fn enter(
    session: &Session,
    model: &BucketModel,
    prior: Option<&BucketModel>,
    private: &Private,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<Side, String> {
    let is_unseen = |side: &SideModel| {
        let bucket = side.bucket.known();
        bucket.is_some_and(|bucket| private.unseen.contains(bucket))
    };
    let sides = model.sides().into_iter();
    let sides = sides.filter(|(this, side)| is_unseen(side) || must_enter(this, side, prior));
    enter_each(session, sides, diagnostics).await
}

/// Enters what nobody entered on the way to this plan, although it is to be changed: the way that was last used into
/// its account is written nowhere any more. The refresh found that other one, or the provider has another block.
pub(crate) async fn enter_anew(
    session: &Session,
    model: &BucketModel,
    private: &Private,
    diagnostics: &mut Diagnostics,
) {
    let ways: Vec<(&Attr<String>, StoredWay)> = model
        .sides()
        .into_iter()
        .map(|(_, side)| (&side.account_id, (&way_in(side, &session.settings)).into()))
        .collect();
    let sides = model.sides().into_iter().filter(|(_, side)| {
        let used = side.account_id.known().and_then(|id| private.ways.get(id));
        let is_used =
            |way: &(&Attr<String>, StoredWay)| *way.0 == side.account_id && Some(&way.1) == used;
        used.is_some() && !ways.iter().any(is_used)
    });
    enter_each(session, sides, diagnostics).await;
}

/// Enters locations, as far as they are known; the accounts that they lead to.
async fn enter_each<'a>(
    session: &Session,
    sides: impl Iterator<Item = (Side, &'a SideModel)>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<Side, String> {
    let sides: Vec<_> = sides
        .filter(|(_, side)| {
            way_is_known(side) && !side.reachable.is_unknown() && !side.is_unreachable()
        })
        .filter_map(|(this, side)| {
            let region = Region::parse(side.region.known()?).ok()?;
            Some((this, side, region))
        })
        .collect();
    let answers = join_all(sides.iter().map(|(_, side, region)| async {
        let told = side.account_id.known().map(String::as_str);
        session
            .enter(&way_in(side, &session.settings), region, told)
            .await
    }))
    .await;
    let mut accounts = BTreeMap::new();
    for ((this, side, region), answer) in sides.into_iter().zip(answers) {
        let identity = match answer {
            Ok(identity) => identity,
            Err(error) => {
                report::enter_error(&this, side, &error, diagnostics);
                continue;
            }
        };
        if let Some(wanted) = side.account_id.known()
            && wanted != identity.account.as_str()
        {
            diagnostics.error_at(
                side_path(&this).attribute("account_id"),
                "The way in leads to another account",
                format!(
                    "{this} is in account {wanted}, but its credentials ({}) belong to account {}. Write an assume_role or a profile that leads to {wanted}, or an `account` block for it in the provider. Nothing was changed.",
                    identity.arn, identity.account
                ),
            );
            continue;
        }
        if identity.partition != region.partition() {
            diagnostics.error_at(
                side_path(&this).attribute("region"),
                "The region is in another partition",
                format!(
                    "{this}: region {region} is in partition {}, but the credentials ({}) are in {}. Choose a region of {}, or credentials of an account in the other partition. Nothing was changed.",
                    region.partition(),
                    identity.arn,
                    identity.partition,
                    identity.partition
                ),
            );
            continue;
        }
        accounts.insert(this, identity.account.to_string());
    }
    accounts
}

fn must_enter(this: &Side, side: &SideModel, prior: Option<&BucketModel>) -> bool {
    let previous = prior.and_then(|prior| previous(prior, this, side).known().copied());
    previous.is_none_or(|p| p.profile != side.profile || p.assume_role != side.assume_role)
}
