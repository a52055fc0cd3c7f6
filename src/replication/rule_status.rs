//! How a replication rule is doing: a word for it, and what was measured.

use std::collections::BTreeMap;

use super::operation::{DataPoint, ReplicationMetric};

/// For so many seconds what waits is news: S3 measures it every minute.
pub const NEWS: i64 = 60 * 60;
/// For so many seconds failures are counted.
pub const REMEMBERED: i64 = 24 * 60 * 60;

/// How a rule is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleStatus {
    /// It is enabled, and nothing is known that keeps objects from crossing.
    Active,
    /// It is turned off.
    Disabled,
    /// Something that it needs is missing or changed.
    Broken,
    /// Everything that it needs is there, and operations have failed all the same.
    Failing,
}

impl RuleStatus {
    /// What follows from what is known of a rule.
    pub fn of(enabled: bool, has_flaws: bool, metrics: &RuleMetrics) -> Self {
        match (enabled, has_flaws) {
            (false, _) => Self::Disabled,
            (true, true) => Self::Broken,
            (true, false) if metrics.failed.is_some_and(|failed| failed > 0) => Self::Failing,
            (true, false) => Self::Active,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
            Self::Broken => "BROKEN",
            Self::Failing => "FAILING",
        }
    }
}

/// What was measured of a rule; nothing where there are no data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleMetrics {
    /// Operations that wait.
    pub pending: Option<i64>,
    /// Bytes that wait.
    pub pending_bytes: Option<i64>,
    /// By how many seconds the destination is behind.
    pub latency_seconds: Option<i64>,
    /// Operations that failed.
    pub failed: Option<i64>,
}

impl RuleMetrics {
    /// What waits is what was measured last, and failures count together.
    pub fn of(points: &BTreeMap<ReplicationMetric, Vec<DataPoint>>) -> Self {
        let last = |metric| {
            let points: &Vec<DataPoint> = points.get(&metric)?;
            let last = points.iter().max_by_key(|point| point.at)?;
            Some(last.value)
        };
        let all = |metric| {
            let points: &Vec<DataPoint> = points.get(&metric)?;
            (!points.is_empty()).then(|| points.iter().map(|point| point.value).sum())
        };
        Self {
            pending: last(ReplicationMetric::OperationsPending),
            pending_bytes: last(ReplicationMetric::BytesPending),
            latency_seconds: last(ReplicationMetric::Latency),
            failed: all(ReplicationMetric::OperationsFailed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, i64)]) -> Vec<DataPoint> {
        let points = values.iter();
        points.map(|&(at, value)| DataPoint { at, value }).collect()
    }

    #[test]
    fn the_last_minute_tells_what_waits_and_all_minutes_what_failed() {
        let measured = BTreeMap::from([
            (
                ReplicationMetric::OperationsPending,
                points(&[(120, 3), (180, 0), (60, 9)]),
            ),
            (ReplicationMetric::BytesPending, Vec::new()),
            (
                ReplicationMetric::OperationsFailed,
                points(&[(120, 3), (60, 2)]),
            ),
        ]);
        let expected = RuleMetrics {
            pending: Some(0),
            failed: Some(5),
            ..RuleMetrics::default()
        };
        assert_eq!(RuleMetrics::of(&measured), expected);
    }

    #[test]
    fn a_rule_that_is_turned_off_is_neither_broken_nor_failing() {
        let quiet = RuleMetrics::default();
        let failing = RuleMetrics {
            failed: Some(1),
            ..quiet
        };
        let none_failed = RuleMetrics {
            failed: Some(0),
            ..quiet
        };
        for (enabled, has_flaws, metrics, word) in [
            (true, false, quiet, "ACTIVE"),
            (true, false, none_failed, "ACTIVE"),
            (true, false, failing, "FAILING"),
            (true, true, failing, "BROKEN"),
            (false, true, failing, "DISABLED"),
            (false, false, quiet, "DISABLED"),
        ] {
            assert_eq!(RuleStatus::of(enabled, has_flaws, &metrics).word(), word);
        }
    }
}
