//! The data source `replicated_bucket_status`: whether what a setup needs is there, what CloudWatch measured of its
//! rules, and whether single objects have crossed.
//!
//! `model` is what it tells, `measured` and `objects` are the questions that nothing else asks. The setup itself is
//! found as an import finds it.

mod measured;
pub mod model;
mod objects;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use self::measured::Measured;
use self::model::{DestinationStatusModel, RuleStatusModel, StatusModel};
use super::replicated_bucket::status::{Status, look};
use super::settings::{Session, Shared, fitting};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::{Attr, FromValue as _, ToValue as _, known_items};
use crate::framework::provider::{DataReadRequest, DataReadResponse, DataSource};
use crate::framework::schema::Schema;
use crate::replication::component::Side;
use crate::replication::last_verified::remembered;
use crate::replication::rule_status::{RuleMetrics, RuleStatus};
use crate::replication::spec::{DestinationSpec, RuleSpec};
use crate::replication::wiring::Flaw;

/// So many questions about rules or objects are asked together.
const AT_ONCE: usize = 16;

/// The data source.
pub struct StatusDataSource {
    shared: Arc<Shared>,
}

impl StatusDataSource {
    /// A data source that uses the process's session.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl DataSource for StatusDataSource {
    fn type_name(&self) -> &str {
        "replicated_bucket_status"
    }

    fn schema(&self) -> Schema {
        model::schema()
    }

    async fn read(&self, request: DataReadRequest) -> DataReadResponse {
        let (session, mut response) = match self.shared.begin_data(&request.client) {
            Ok(begun) => begun,
            Err(response) => return response,
        };
        let config = StatusModel::from_known(&request.config);
        let Some(config) = fitting(config, &mut response.diagnostics) else {
            return response;
        };
        if let Some(model) = read(&session, config, &mut response.diagnostics).await {
            response.state = model.to_known();
        }
        response
    }
}

async fn read(
    session: &Session,
    config: StatusModel,
    diagnostics: &mut Diagnostics,
) -> Option<StatusModel> {
    let import_id = config.import_id.known().cloned().unwrap_or_default();
    let keys = known_items(&config.keys);
    let status = look(session, &import_id, diagnostics).await?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let (measured, objects) = futures::join!(
        measured::ask(session, &status.spec, now),
        objects::ask(session, &status.spec, &keys)
    );
    let (measured, objects) = match (measured, objects) {
        (Ok(measured), Ok(objects)) => (measured, objects),
        (measured, objects) => {
            let errors = measured.err().into_iter().chain(objects.err());
            for error in errors {
                diagnostics.error(
                    format!("Cannot read {}", error.subject),
                    format!("{error}. The status of a setup is whole or an error, so nothing is told of it. See \"What it needs\" on the page of this data source."),
                );
            }
            return None;
        }
    };
    let destinations = status.spec.destinations.iter();
    let destinations: BTreeMap<_, _> = destinations
        .map(|(key, to)| (key.clone(), destination(&status, &measured, key, to)))
        .collect();
    let source = &status.spec.source;
    let wired = destinations.values().map(|to| to.wired.known().copied());
    let wired = together(wired.chain([Some(status.flaws.is_empty())]));
    Some(StatusModel {
        bucket: Attr::Known(source.name.to_string()),
        account_id: Attr::Known(source.location.account.to_string()),
        region: Attr::Known(source.location.region.to_string()),
        wired: Attr::from_option(wired),
        problems: texts(status.flaws.iter()),
        destinations: known(destinations),
        objects: known(objects),
        ..config
    })
}

/// Whether all are; nothing where one cannot be told and none is not.
fn together(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<_> = all.collect();
    match all.contains(&Some(false)) {
        true => Some(false),
        false => (!all.contains(&None)).then_some(true),
    }
}

fn destination(
    status: &Status,
    measured: &Measured,
    key: &str,
    to: &DestinationSpec,
) -> DestinationStatusModel {
    let this = Side::Destination(key.to_owned());
    let is_two_way = to.two_way.is_some();
    let concerns_out = |flaw: &Flaw| flaw.concerns(&Side::Source, &this);
    let concerns_back = |flaw: &Flaw| is_two_way && flaw.concerns(&this, &Side::Source);
    let concerns = |flaw: &&Flaw| concerns_out(flaw) || concerns_back(flaw);
    let flaws: Vec<&Flaw> = status.flaws.iter().filter(concerns).collect();
    let role = status.role.as_ref();
    let verified_at = role.and_then(|role| remembered(&status.spec, role, &to.bucket.name));
    let reachable = to.bucket.is_reachable();
    let is_untold = !reachable
        || status.unread.contains(&Side::Source)
        || (is_two_way && status.unread.contains(&this));
    let is_wired = match flaws.is_empty() {
        false => Some(false),
        true => (!is_untold).then_some(true),
    };
    let rules_from = |from: &Side, has_flaws: bool| {
        let rules = to.rules.iter().map(|(name, rule)| {
            let metrics = measured.of(from, &rule.id);
            (name.clone(), rule_status(rule, has_flaws, metrics.as_ref()))
        });
        known(rules.collect::<BTreeMap<_, _>>())
    };
    DestinationStatusModel {
        bucket: Attr::Known(to.bucket.name.to_string()),
        account_id: Attr::Known(to.bucket.location.account.to_string()),
        region: Attr::Known(to.bucket.location.region.to_string()),
        reachable: Attr::Known(reachable),
        wired: Attr::from_option(is_wired),
        problems: texts(flaws.into_iter()),
        verified_at: Attr::from_option(verified_at),
        rules: rules_from(&Side::Source, status.flaws.iter().any(concerns_out)),
        two_way_rules: match &to.two_way {
            Some(_) => rules_from(&this, status.flaws.iter().any(concerns_back)),
            None => Attr::Null,
        },
    }
}

fn rule_status(rule: &RuleSpec, has_flaws: bool, metrics: Option<&RuleMetrics>) -> RuleStatusModel {
    let nothing = RuleMetrics::default();
    let seen = metrics.unwrap_or(&nothing);
    let status = RuleStatus::of(rule.enabled, has_flaws, seen);
    RuleStatusModel {
        id: Attr::Known(rule.id.clone()),
        enabled: Attr::Known(rule.enabled),
        status: Attr::Known(status.word().to_owned()),
        metrics: Attr::Known(rule.is_measured()),
        pending: Attr::from_option(seen.pending),
        pending_bytes: Attr::from_option(seen.pending_bytes),
        latency_seconds: Attr::from_option(seen.latency_seconds),
        failed: Attr::from_option(seen.failed),
    }
}

fn texts<'a>(flaws: impl Iterator<Item = &'a Flaw>) -> Attr<Vec<Attr<String>>> {
    Attr::Known(flaws.map(|flaw| Attr::Known(flaw.to_string())).collect())
}

fn known<T>(entries: BTreeMap<String, T>) -> Attr<BTreeMap<String, Attr<T>>> {
    let entries = entries.into_iter();
    Attr::Known(
        entries
            .map(|(key, value)| (key, Attr::Known(value)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_not_decides_and_one_that_is_unknown_leaves_it_open() {
        let (yes, no, unknown) = (Some(true), Some(false), None);
        for (all, expected) in [
            (vec![], yes),
            (vec![yes, yes], yes),
            (vec![yes, unknown], unknown),
            (vec![unknown, no], no),
            (vec![no, yes], no),
        ] {
            assert_eq!(together(all.iter().copied()), expected, "{all:?}");
        }
    }
}
