//! Import: an ID or an identity names the source; everything else is found from its replication configuration.

mod custody;
mod id;
mod object_keys;
mod rule;
mod shut;
mod two_way;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use self::id::ImportId;

use self::custody::{
    Tagged, arrival_key, arriving_under, is_our_rule, is_shut_or_gone, leave, tagged,
};
use self::object_keys::{Leaving, keys_of};
use self::rule::Arriving;
use self::shut::Shut;
use super::model::{BucketModel, RoleModel, SideModel, SourceModel};
use super::private::Private;
use super::retired_keys::{self, is_ours};
use super::values::effective::path_and_name;
use super::values::expand::way_in;
use super::values::flatten::imported_encryption;
use super::{ReplicatedBucket, default_key, encode, identity, report};
use crate::execution::cloud::{CallError, CallErrorKind};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, text_map};
use crate::framework::provider::{ImportRequest, ImportResponse};
use crate::provider::assume_role::AssumeRoleModel;
use crate::provider::settings::Session;
use crate::replication::component::{ComponentId, Part, Side};
use crate::replication::ids::{AccountId, Arn, Location, Region, WayIn};
use crate::replication::names;
use crate::replication::observed::{ObservedBucket, ObservedKey, Presence};
use crate::replication::operation::{
    Answer, BucketEncryption, Input, Query, ReplicationConfiguration, ReplicationRule,
};

impl ReplicatedBucket {
    /// Finds everything that a read then looks at.
    pub(crate) async fn import_state(&self, request: ImportRequest) -> ImportResponse {
        let mut response = ImportResponse::default();
        let diagnostics = &mut response.diagnostics;
        let by_identity = request.id.is_empty();
        let id = match by_identity {
            true => ImportId::of_identity(&request.identity),
            false => ImportId::parse(&request.id),
        };
        let id = match id {
            Ok(id) => id,
            Err(why) => {
                id::refuse(by_identity, &why, diagnostics);
                return response;
            }
        };
        response.deferred = self.shared.deferral(&request.client);
        if response.deferred.is_some() {
            return response;
        }
        let Some(session) = self.shared.session_or_tell(diagnostics) else {
            return response;
        };
        let Some((model, private)) = import(&session, id, diagnostics).await else {
            return response;
        };
        let state = encode(&model);
        if let Some(why) = identity::misfit(&request.identity, &state) {
            diagnostics.error(
                "The identity does not fit the bucket",
                format!("{why}. Correct the identity; only `bucket` must be written in it, what is left out is found. Nothing was imported."),
            );
            return response;
        }
        response.identity = identity::of(&state);
        response.state = state;
        response.private = private.write();
        response
    }
}

/// What a setup is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// To be taken into a state: nothing that it needs may be missing.
    Import,
    /// To tell how it is: what is missing is told, and what only a state remembers is not looked for.
    Status,
}

/// Everything that a read then looks at, and what is remembered until then.
pub(crate) async fn import(
    session: &Session,
    id: ImportId,
    diagnostics: &mut Diagnostics,
) -> Option<(BucketModel, Private)> {
    find(session, id, Intent::Import, diagnostics).await
}

/// A setup, for whatever it is looked for.
pub(crate) async fn find(
    session: &Session,
    id: ImportId,
    intent: Intent,
    diagnostics: &mut Diagnostics,
) -> Option<(BucketModel, Private)> {
    let importer = Importer {
        session,
        id,
        intent,
    };
    let (model, own_encryption) = importer.import(diagnostics).await?;
    let private = Private {
        importing: true,
        own_encryption,
        ..Private::default()
    };
    Some((model, private))
}

/// What is known of the setup from its source.
struct Setup {
    /// The value of our owner tag.
    owner: String,
    /// Where the source is.
    source: Location,
    /// Whether this resource replicates here: what has no tags of ours is then somebody else's.
    wired: bool,
    /// The key that the source is under.
    source_keys: Vec<String>,
}

impl Setup {
    fn belongs_to_others(&self, tags: Tagged) -> bool {
        match tags {
            Tagged::Ours => false,
            Tagged::Others => true,
            Tagged::Nobody => self.wired,
        }
    }
}

/// What the model has no attribute for.
#[derive(Default)]
struct Found {
    /// Existing buckets that have an encryption of their own.
    own_encryption: BTreeSet<String>,
    /// Keys of before, by their components.
    retired_keys: BTreeMap<String, String>,
}

struct Importer<'a> {
    session: &'a Session,
    id: ImportId,
    intent: Intent,
}

impl Importer<'_> {
    /// What is found, and the existing buckets that have an encryption of their own.
    async fn import(
        &self,
        diagnostics: &mut Diagnostics,
    ) -> Option<(BucketModel, BTreeSet<String>)> {
        let Some(region) = self
            .id
            .region
            .clone()
            .or_else(|| self.session.settings.region.clone())
        else {
            diagnostics.error(
                "No region",
                "The import ID names no region, and neither does the provider: append @<region>, or set the provider's region.",
            );
            return None;
        };
        let mut source = self.place(self.id.account.as_ref());
        let at = self
            .locate(&Side::Source, &source, &region, diagnostics)
            .await?;
        let bucket = self.id.bucket.to_string();
        let at = self.in_its_region(&bucket, at, diagnostics).await?;
        source.bucket = Attr::Known(bucket.clone());
        source.account_id = Attr::Known(at.account.to_string());
        source.region = Attr::Known(at.region.to_string());
        let query = Query::GetBucketReplication {
            bucket: bucket.clone(),
        };
        let configuration = match self.session.cloud.query(&at, &query).await {
            Ok(Answer::Replication(configuration)) => Some(configuration),
            Ok(_) => return None,
            // The configuration says where it is to replicate; the apply makes the rest.
            Err(error) if error.kind == CallErrorKind::NotFound => None,
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        };
        let rules = configuration.as_ref().map_or(&[][..], |c| &c.rules);
        let owner = format!("{}/{bucket}", at.account);
        let by_our_rules = rules.iter().any(is_our_rule);
        let tags = self
            .tags_of(&owner, &bucket, &at, by_our_rules, diagnostics)
            .await?;
        let mut setup = Setup {
            wired: by_our_rules || tags == Tagged::Ours,
            owner,
            source: at,
            source_keys: Vec::new(),
        };
        if setup.belongs_to_others(tags) {
            leave(&mut source);
        }
        let this = Side::Source;
        let mut found = Found::default();
        self.complete(
            &setup,
            &this,
            &mut source,
            &setup.source,
            &[],
            &mut found,
            diagnostics,
        )
        .await?;
        setup.source_keys = keys_of(&source).collect();
        // In somebody else's bucket rules of theirs may stand beside ours.
        let theirs = |rule: &ReplicationRule| {
            by_our_rules && source.existing == Attr::Known(true) && !is_our_rule(rule)
        };
        let mut rules = rules.to_vec();
        rules.retain(|rule| !theirs(rule));
        let arn = configuration.as_ref().map(|c| c.role.as_str());
        let mut destinations = BTreeMap::new();
        for arriving in rule::by_bucket(&bucket, &rules) {
            let side = self
                .destination(&setup, &arriving, arn, &mut found, diagnostics)
                .await?;
            destinations.insert(arriving.key, Attr::Known(side));
        }
        let role = match &configuration {
            Some(configuration) => {
                let (role, role_is) = self
                    .role(&setup, &bucket, &setup.source, configuration, diagnostics)
                    .await?;
                let arrivals = destinations.values().filter_map(Attr::known);
                let leaving = Leaving {
                    this: &this,
                    at: &setup.source,
                    rules: &rules,
                    role: &role,
                    role_is,
                    others: arrivals
                        .flat_map(keys_of)
                        .chain(found.retired_keys.values().cloned())
                        .collect(),
                };
                self.object_keys(&leaving, &mut source, diagnostics).await?;
                role
            }
            None => role_to_be(&bucket),
        };
        let model = BucketModel {
            id: Attr::Known(bucket),
            source: Attr::Known(SourceModel(source)),
            destinations: Attr::Known(destinations),
            role: Attr::Known(role),
            components: Attr::Known(text_map(found.retired_keys)),
            ..BucketModel::default()
        };
        Some((model, found.own_encryption))
    }

    /// A side with nothing but the way into an account.
    fn place(&self, account: Option<&AccountId>) -> SideModel {
        let role = account.and_then(|account| self.id.roles.get(account.as_str()));
        SideModel {
            account_id: Attr::from_option(account.map(ToString::to_string)),
            assume_role: role.map_or(Attr::Null, |role| {
                Attr::Known(AssumeRoleModel {
                    role_arn: Attr::Known(role.to_string()),
                    ..AssumeRoleModel::default()
                })
            }),
            existing: Attr::Known(false),
            manage_bucket_policy: Attr::Known(true),
            reachable: Attr::Known(true),
            force_destroy: Attr::Known(false),
            retain_on_destroy: Attr::Known(false),
            require_tls: Attr::Known(false),
            exclusive_policy: Attr::Known(false),
            manage_key_policy: Attr::Known(false),
            ..SideModel::default()
        }
    }

    async fn locate(
        &self,
        this: &Side,
        side: &SideModel,
        region: &Region,
        diagnostics: &mut Diagnostics,
    ) -> Option<Location> {
        match self.entered(side, region).await {
            Ok(location) => Some(location),
            Err(shut) => {
                shut.report(this, side, diagnostics);
                None
            }
        }
    }

    /// Where a side is, once its account has been entered.
    async fn entered(&self, side: &SideModel, region: &Region) -> Result<Location, Shut> {
        let way: WayIn = way_in(side, &self.session.settings);
        let told = side.account_id.known().map(String::as_str);
        let entered = self.session.enter(&way, region, told).await;
        let identity = entered.map_err(Shut::Refused)?;
        if let Some(wanted) = side.account_id.known()
            && wanted != identity.account.as_str()
        {
            return Err(Shut::LeadsElsewhere {
                wanted: wanted.clone(),
                account: identity.account,
            });
        }
        Ok(Location {
            account: identity.account,
            partition: region.partition(),
            region: region.clone(),
            way_in: Arc::new(way),
        })
    }

    /// The location with the region that the bucket really is in.
    async fn in_its_region(
        &self,
        bucket: &str,
        at: Location,
        diagnostics: &mut Diagnostics,
    ) -> Option<Location> {
        let query = Query::HeadBucket {
            bucket: bucket.to_owned(),
        };
        match self.session.cloud.query(&at, &query).await {
            Ok(Answer::BucketRegion(region)) => {
                let region = Region::parse(&region).unwrap_or_else(|_| at.region.clone());
                Some(Location { region, ..at })
            }
            Ok(_) => Some(at),
            Err(error) if error.kind == CallErrorKind::NotFound => {
                if self.intent == Intent::Status {
                    // It is missing everywhere.
                    return Some(at);
                }
                diagnostics.error(
                    format!("Bucket {bucket} does not exist"),
                    format!("{error}. An import begins with the source bucket and follows its replication rules: correct the name, or take a rule away whose destination is gone. Nothing was imported."),
                );
                None
            }
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                None
            }
        }
    }

    async fn destination(
        &self,
        setup: &Setup,
        arriving: &Arriving<'_>,
        role: Option<&str>,
        found: &mut Found,
        diagnostics: &mut Diagnostics,
    ) -> Option<SideModel> {
        let accounts = arriving.rules.iter().filter_map(|r| r.account.as_deref());
        let account = accounts
            .filter_map(|account| AccountId::parse(account).ok())
            .next()
            .unwrap_or_else(|| setup.source.account.clone());
        let mut side = self.place(Some(&account));
        let this = Side::Destination(arriving.key.clone());
        let at = match self.entered(&side, &setup.source.region).await {
            Ok(at) => at,
            Err(shut) if shut.is_for_good() => {
                return self
                    .left_alone(setup, arriving, side, &shut, diagnostics)
                    .await;
            }
            Err(shut) => {
                shut.report(&this, &side, diagnostics);
                return None;
            }
        };
        let key = arrival_key(&arriving.rules, None).and_then(|key| Arn::parse_key(key).ok());
        let at = match key.map(|key| Region::parse(&key.region)) {
            // One that is gone was where its replicas' key is.
            Some(Ok(region)) if self.intent == Intent::Status => Location { region, ..at },
            _ => at,
        };
        let at = self.in_its_region(arriving.bucket, at, diagnostics).await?;
        side.bucket = Attr::Known(arriving.bucket.to_owned());
        side.region = Attr::Known(at.region.to_string());
        let owner = &setup.owner;
        let tags = self
            .tags_of(owner, arriving.bucket, &at, setup.wired, diagnostics)
            .await?;
        let is_shared = tags == Tagged::Nobody
            && self
                .is_shared(setup, role, arriving.bucket, &at, diagnostics)
                .await?;
        if setup.belongs_to_others(tags) || is_shared {
            leave(&mut side);
        }
        let rules = self
            .with_keys_by_arn(&this, &at, &arriving.rules, diagnostics)
            .await?;
        let arriving = &Arriving {
            bucket: arriving.bucket,
            rules: rules.iter().collect(),
            key: arriving.key.clone(),
        };
        let rules = &arriving.rules;
        self.complete(setup, &this, &mut side, &at, rules, found, diagnostics)
            .await?;
        let existing = side.encryption.known().and_then(|e| e.kms_key_arn.known());
        let bucket_key = side.kms_key_arn.known().or(existing).cloned();
        rule::fill(&mut side, arriving, bucket_key.as_ref());
        self.way_back(setup, &this, &mut side, &at, found, diagnostics)
            .await?;
        Some(side)
    }

    /// Encryption, and whether its keys are ours: what decides how the read looks at the bucket.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a side is completed from and what with are different things"
    )]
    async fn complete(
        &self,
        setup: &Setup,
        this: &Side,
        side: &mut SideModel,
        at: &Location,
        arriving: &[&ReplicationRule],
        found: &mut Found,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let owner = &setup.owner;
        let bucket = side.bucket.known().cloned().unwrap_or_default();
        let query = Query::GetBucketEncryption { bucket };
        let mut seen = ObservedBucket::default();
        match self.session.cloud.query(at, &query).await {
            Ok(Answer::Encryption(encryption)) => seen.encryption = Presence::Present(encryption),
            Ok(_) => {}
            Err(error) if error.kind == CallErrorKind::NotFound => {}
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        }
        let is_existing = side.existing == Attr::Known(true);
        let own_key = seen.encryption.present();
        let own_key = own_key.and_then(|e| e.kms_key.as_ref()?.known());
        let arrival = arrival_key(arriving, own_key).filter(|_| is_existing);
        if let Some(key) = arrival {
            seen.encryption = Presence::Present(arriving_under(key));
        } else if !is_existing {
            self.name_by_arn(at, &mut seen.encryption, diagnostics)
                .await?;
        }
        let key_arn = seen
            .encryption
            .present()
            .and_then(|e| e.kms_key.as_ref())
            .and_then(Input::known)
            .cloned();
        let ours = match key_arn.clone() {
            Some(arn) => match self.own_key(setup, this, at, &arn, diagnostics).await {
                Ok(key) => key,
                Err(error) => {
                    report::read_errors(&[error], diagnostics);
                    return None;
                }
            },
            None => None,
        };
        if let Some(key) = &ours {
            side.kms_key_arn = Attr::Known(key.description.arn.clone());
        }
        let mut encryption = imported_encryption(&seen, ours.as_ref());
        if let (Attr::Known(model), Some(key)) = (&mut encryption.key, &ours) {
            model.alias = key
                .aliases
                .present()
                .and_then(|aliases| aliases.first())
                .map_or_else(
                    || side.bucket.clone().map(|name| names::default_alias(&name)),
                    |alias| Attr::Known(alias.clone()),
                );
            model.description = Attr::Known(key.description.description.clone());
            model.enable_key_rotation = Attr::Known(true);
            model.enabled = Attr::Known(true);
            model.multi_region = Attr::Known(key.description.multi_region);
        }
        side.encryption = Attr::Known(encryption);
        if let (None, Some(key)) = (&ours, key_arn) {
            let query = Query::GetKeyPolicy { key };
            match self.holds_ours(owner, at, &query).await {
                Ok(holds) => side.manage_key_policy = Attr::Known(holds),
                Err(error) => {
                    report::read_errors(&[error], diagnostics);
                    return None;
                }
            }
        }
        if setup.wired && self.intent == Intent::Import {
            let in_use: Vec<String> = side.kms_key_arn.known().cloned().into_iter().collect();
            let keys = retired_keys::find(self.session, owner, this, &in_use, at, diagnostics);
            for arn in keys.await? {
                found
                    .retired_keys
                    .insert(ComponentId::retired_key(this, &arn).to_string(), arn);
            }
        }
        if is_existing {
            // A key of ours is a source's default only where it was asked for.
            let is_written = *this == Side::Source && ours.is_some();
            if *this == Side::Source {
                side.enable_encryption = Attr::Known(is_written);
            }
            if !is_written && arrival.is_none() {
                found.own_encryption.extend(side.bucket.known().cloned());
            }
            return Some(());
        }
        side.object_ownership = Attr::Known("BucketOwnerEnforced".to_owned());
        side.public_access_block = Attr::Known(super::model::PublicAccessBlockModel {
            block_public_acls: Attr::Known(true),
            block_public_policy: Attr::Known(true),
            ignore_public_acls: Attr::Known(true),
            restrict_public_buckets: Attr::Known(true),
        });
        Some(())
    }

    /// Names the key of a default encryption by its ARN.
    async fn name_by_arn(
        &self,
        at: &Location,
        encryption: &mut Presence<BucketEncryption>,
        diagnostics: &mut Diagnostics,
    ) -> Option<()> {
        let Presence::Present(encryption) = encryption else {
            return Some(());
        };
        match default_key::look_up(self.session, at, encryption).await {
            Ok(Some(arn)) => encryption.kms_key = Some(Input::Known(arn)),
            Ok(None) => {}
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        }
        Some(())
    }

    /// The key, where it carries the tags of this very component; else it is somebody else's.
    async fn own_key(
        &self,
        setup: &Setup,
        this: &Side,
        at: &Location,
        arn: &str,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<ObservedKey>, CallError> {
        let cloud = &self.session.cloud;
        let component = ComponentId::Of(this.clone(), Part::Key);
        let query = Query::ListKeyTags {
            key: arn.to_owned(),
        };
        let ours = match cloud.query(at, &query).await {
            Ok(Answer::Tags(tags)) => is_ours(&tags, &setup.owner, &component),
            Ok(_) => false,
            // A key that may not be looked at is not ours either, where nothing else here is.
            Err(error) if is_shut_or_gone(error.kind) => {
                if setup.wired && error.kind == CallErrorKind::AccessDenied {
                    diagnostics.warning(
                        format!("Whose key {arn} is cannot be told"),
                        format!("{error}. So it is taken for somebody else's, with kms_key_arn: at most this resource's statements in its policy are written, and a destroy leaves the key. Where it is this resource's own, allow kms:ListResourceTags on it and begin again, before anything is applied."),
                    );
                }
                false
            }
            Err(error) => return Err(error),
        };
        if !ours {
            return Ok(None);
        }
        let description = cloud
            .query(
                at,
                &Query::DescribeKey {
                    key: arn.to_owned(),
                },
            )
            .await?;
        let aliases = cloud
            .query(
                at,
                &Query::ListAliases {
                    key: arn.to_owned(),
                },
            )
            .await?;
        let (Answer::Key(description), Answer::Names(aliases)) = (description, aliases) else {
            return Ok(None);
        };
        Ok(Some(ObservedKey {
            description,
            policy: Presence::Unasked,
            rotation: Presence::Unasked,
            tags: Presence::Unasked,
            aliases: Presence::Present(aliases),
        }))
    }

    /// The role that replicates out of `bucket`, and what its tags say.
    async fn role(
        &self,
        setup: &Setup,
        bucket: &str,
        at: &Location,
        configuration: &ReplicationConfiguration,
        diagnostics: &mut Diagnostics,
    ) -> Option<(RoleModel, Tagged)> {
        let arn = match Arn::parse_role(&configuration.role) {
            Ok(arn) => arn,
            Err(error) => {
                diagnostics.error("The replication role is not one", format!("{error}."));
                return None;
            }
        };
        let (path, name) = path_and_name(&arn);
        let query = Query::GetRole { role: name.clone() };
        let tags = match self.session.cloud.query(at, &query).await {
            Ok(Answer::Role(role)) => tagged(&role.tags, &setup.owner),
            Ok(_) => Tagged::Nobody,
            // The role is gone: it imports as ours, and the next apply makes it again.
            Err(error) if error.kind == CallErrorKind::NotFound => Tagged::Ours,
            Err(error) => {
                report::read_errors(&[error], diagnostics);
                return None;
            }
        };
        let role = RoleModel {
            name: Attr::Known(name.clone()),
            path: Attr::Known(path),
            arn: Attr::Known(arn.to_string()),
            ..RoleModel::default()
        };
        let ours = RoleModel {
            description: Attr::Known(String::new()),
            ..role.clone()
        };
        if tags == Tagged::Ours {
            return Some((ours, tags));
        }
        let managed = self
            .holds_our_policy(&name, bucket, at, diagnostics)
            .await?;
        if !managed && !setup.belongs_to_others(tags) {
            return Some((ours, tags));
        }
        let theirs = RoleModel {
            existing_arn: Attr::Known(arn.to_string()),
            manage_policy: Attr::Known(managed),
            ..role
        };
        Some((theirs, tags))
    }
}

/// The role of a bucket that does not replicate yet.
fn role_to_be(bucket: &str) -> RoleModel {
    RoleModel {
        name: Attr::Known(names::default_role_name(bucket)),
        path: Attr::Known("/".to_owned()),
        description: Attr::Known(names::default_role_description(bucket)),
        ..RoleModel::default()
    }
}
