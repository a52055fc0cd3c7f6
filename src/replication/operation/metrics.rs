//! What CloudWatch knows of a replication rule that has metrics.

/// A metric that S3 publishes for a rule, in the account of the bucket that objects leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplicationMetric {
    /// Operations that wait to be replicated.
    OperationsPending,
    /// How many bytes wait.
    BytesPending,
    /// By how many seconds the destination is behind.
    Latency,
    /// Operations that failed to replicate.
    OperationsFailed,
}

impl ReplicationMetric {
    /// Those that S3 publishes in the region of the bucket where objects arrive.
    pub const AT_THE_DESTINATION: [Self; 3] =
        [Self::OperationsPending, Self::BytesPending, Self::Latency];
    /// Those that it publishes in the region of the bucket that objects leave.
    pub const AT_THE_SOURCE: [Self; 1] = [Self::OperationsFailed];

    /// Its name in the namespace `AWS/S3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OperationsPending => "OperationsPendingReplication",
            Self::BytesPending => "BytesPendingReplication",
            Self::Latency => "ReplicationLatency",
            Self::OperationsFailed => "OperationsFailedReplication",
        }
    }

    /// The statistic in which S3 means it.
    pub fn statistic(self) -> &'static str {
        match self {
            Self::OperationsPending | Self::BytesPending | Self::Latency => "Maximum",
            Self::OperationsFailed => "Sum",
        }
    }
}

/// A rule as its metrics name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeasuredRule {
    /// The bucket that objects leave.
    pub source_bucket: String,
    /// The bucket where they arrive.
    pub destination_bucket: String,
    /// The rule's ID.
    pub rule_id: String,
}

/// What was measured in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataPoint {
    /// When the minute began, in seconds since 1970.
    pub at: i64,
    /// Operations, bytes or seconds.
    pub value: i64,
}
