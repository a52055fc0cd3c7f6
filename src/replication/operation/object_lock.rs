//! Object Lock: what a locked bucket keeps, and what keeps one version of an object.

/// The configuration of a locked bucket. A lock is never taken off again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectLock {
    /// What every new version gets.
    pub default_retention: Option<DefaultRetention>,
}

/// The retention of versions that come without one of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRetention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// How long.
    pub period: RetentionPeriod,
}

/// How long a version is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionPeriod {
    /// So many days.
    Days(i32),
    /// So many years.
    Years(i32),
}

/// The retention of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Until when, RFC 3339 in UTC.
    pub until: String,
}
