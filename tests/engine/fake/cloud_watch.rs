//! What was measured of replication rules.

use std::collections::BTreeMap;

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::Location;
use terraform_provider_replicated::replication::operation::{
    Answer, DataPoint, MeasuredRule, Query, ReplicationMetric,
};

use super::{Refused, State, refuse};

/// The values of one metric of one rule in one region, each with how many seconds before the end of what is asked for it
/// was measured.
pub(crate) type Measurements = BTreeMap<(String, MeasuredRule, ReplicationMetric), Vec<(i64, i64)>>;

impl State {
    /// CloudWatch knows nothing of buckets: what it has no data of it answers with nothing. Only the account of the
    /// bucket that objects leave has any.
    pub(super) fn query_cloud_watch(
        &self,
        at: &Location,
        query: &Query,
    ) -> Result<Answer, Refused> {
        let Query::GetMetricData {
            rule,
            metrics,
            from,
            until,
        } = query
        else {
            unreachable!("{query} is not a query of CloudWatch");
        };
        if metrics.is_empty() || from >= until {
            return refuse(Kind::Invalid, "ValidationError", "nothing is asked for");
        }
        let source = self.buckets.get(&rule.source_bucket);
        let is_here = source.is_some_and(|source| source.account == at.account.as_str());
        let points = |metric: &ReplicationMetric| {
            let key = (at.region.to_string(), rule.clone(), *metric);
            let measured = self.measurements.get(&key).filter(|_| is_here)?;
            let points: Vec<DataPoint> = measured
                .iter()
                .map(|(before, value)| DataPoint {
                    at: until - before,
                    value: *value,
                })
                .filter(|point| point.at >= *from)
                .collect();
            (!points.is_empty()).then_some((*metric, points))
        };
        Ok(Answer::Metrics(metrics.iter().filter_map(points).collect()))
    }
}
