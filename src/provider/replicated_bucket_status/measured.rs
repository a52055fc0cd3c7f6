//! What CloudWatch measured of the rules that have metrics.
//!
//! S3 publishes them in the account of the bucket that objects leave: failures in that bucket's region, and what waits in
//! the region of the bucket where they arrive
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html>).

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::AT_ONCE;
use crate::execution::cloud::{CallError, Cloud};
use crate::provider::settings::Session;
use crate::replication::component::Side;
use crate::replication::ids::Location;
use crate::replication::operation::{Answer, DataPoint, MeasuredRule, Query, ReplicationMetric};
use crate::replication::rule_status::{NEWS, REMEMBERED, RuleMetrics};
use crate::replication::spec::Spec;

/// What was measured, by the side that objects leave and the rule's ID.
pub(super) struct Measured(BTreeMap<(Side, String), RuleMetrics>);

impl Measured {
    /// Of one rule; none where it has no metrics.
    pub(super) fn of(&self, from: &Side, rule_id: &str) -> Option<RuleMetrics> {
        self.0.get(&(from.clone(), rule_id.to_owned())).copied()
    }
}

/// One rule with its places.
struct Asked {
    from: Side,
    rule: MeasuredRule,
    /// In the region of the bucket that objects leave.
    at_the_source: Location,
    /// In the region of the bucket where they arrive.
    at_the_destination: Location,
}

/// Asks about every rule that is measured.
pub(super) async fn ask(session: &Session, spec: &Spec, now: i64) -> Result<Measured, CallError> {
    let cloud = &*session.cloud;
    let found = stream::iter(asked(spec))
        .map(|asked| async move {
            let metrics = RuleMetrics::of(&asked.points(cloud, now).await?);
            Ok::<_, CallError>(((asked.from, asked.rule.rule_id), metrics))
        })
        .buffered(AT_ONCE)
        .try_collect();
    Ok(Measured(found.await?))
}

fn asked(spec: &Spec) -> Vec<Asked> {
    let mut asked = Vec::new();
    for direction in spec.directions().filter(|d| d.bucket.is_reachable()) {
        let at = &direction.bucket.location;
        for to in &direction.to {
            let rules = to.rules.iter().filter(|rule| rule.is_measured());
            asked.extend(rules.map(|rule| Asked {
                from: direction.from.clone(),
                rule: MeasuredRule {
                    source_bucket: direction.bucket.name.to_string(),
                    destination_bucket: to.bucket.name.to_string(),
                    rule_id: rule.id.clone(),
                },
                at_the_source: at.clone(),
                at_the_destination: Location {
                    region: to.bucket.location.region.clone(),
                    ..at.clone()
                },
            }));
        }
    }
    asked
}

impl Asked {
    async fn points(
        &self,
        cloud: &dyn Cloud,
        now: i64,
    ) -> Result<BTreeMap<ReplicationMetric, Vec<DataPoint>>, CallError> {
        let query = |metrics: &[ReplicationMetric], seconds: i64| Query::GetMetricData {
            rule: self.rule.clone(),
            metrics: metrics.to_vec(),
            from: now - seconds,
            until: now,
        };
        let (waiting, failed) = (
            query(&ReplicationMetric::AT_THE_DESTINATION, NEWS),
            query(&ReplicationMetric::AT_THE_SOURCE, REMEMBERED),
        );
        let (waiting, failed) = futures::try_join!(
            cloud.query(&self.at_the_destination, &waiting),
            cloud.query(&self.at_the_source, &failed)
        )?;
        let points = [waiting, failed]
            .into_iter()
            .filter_map(|answer| match answer {
                Answer::Metrics(points) => Some(points),
                _ => None,
            });
        Ok(points.flatten().collect())
    }
}
