//! Whom a bucket tells of its objects.

/// One of those whom a bucket tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// Who is told: an ARN, or a name where there is none.
    pub target: String,
    /// Of which events, as S3 names them; of every one where this is empty.
    pub events: Vec<String>,
    /// What keys begin with that are told of; empty for all.
    pub prefix: String,
    /// What they end with; empty for all.
    pub suffix: String,
}

/// What befalls a canary that S3 tells of: it comes, goes by version, and is replicated. Tags come with it, and no
/// delete marker is ever made for it.
const OF_CANARIES: [&str; 4] = [
    "s3:ObjectCreated:",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:Replication:",
];
/// The one event that begins as one of these and is another.
const MARKER: &str = "s3:ObjectRemoved:DeleteMarkerCreated";

impl Notification {
    /// Whether it is told of objects that come, cross and go by version under keys that begin like this, with nothing
    /// but digits at their end.
    pub fn tells_of(&self, begins: &str) -> bool {
        let is_event = |event: &String| {
            event != MARKER && OF_CANARIES.iter().any(|known| event.starts_with(known))
        };
        let prefix = self.prefix.as_str();
        let ends = self.suffix.chars().next_back();
        (self.events.is_empty() || self.events.iter().any(is_event))
            && (begins.starts_with(prefix) || prefix.starts_with(begins))
            && ends.is_none_or(|last| last.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &str, prefix: &str, suffix: &str) -> bool {
        let notification = Notification {
            target: "arn:aws:sqs:eu-west-1:111111111111:q".to_owned(),
            events: [event.to_owned()]
                .into_iter()
                .filter(|e| !e.is_empty())
                .collect(),
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
        };
        notification.tells_of("deeds/.canaries/canary-")
    }

    #[test]
    fn only_events_that_befall_canaries_are_told_of_them() {
        for event in [
            "",
            "s3:ObjectCreated:*",
            "s3:ObjectCreated:Put",
            "s3:ObjectRemoved:*",
            "s3:ObjectRemoved:Delete",
            "s3:Replication:*",
            "s3:Replication:OperationFailedReplication",
        ] {
            assert!(told(event, "", ""), "{event}");
        }
        for event in [
            "s3:ObjectRemoved:DeleteMarkerCreated",
            "s3:ObjectRestore:*",
            "s3:ObjectTagging:*",
            "s3:LifecycleExpiration:*",
            "s3:ReducedRedundancyLostObject",
        ] {
            assert!(!told(event, "", ""), "{event}");
        }
    }

    #[test]
    fn only_keys_that_canaries_can_have_are_told_of() {
        for (prefix, suffix) in [
            ("deeds/", ""),
            ("deeds/.canaries/canary-12", ""),
            ("", "-1"),
        ] {
            assert!(
                told("s3:ObjectCreated:*", prefix, suffix),
                "{prefix} {suffix}"
            );
        }
        for (prefix, suffix) in [("logs/", ""), ("deeds/.canaries/x", ""), ("", ".jpg")] {
            assert!(
                !told("s3:ObjectCreated:*", prefix, suffix),
                "{prefix} {suffix}"
            );
        }
    }
}
