//! What S3 refuses of a replication configuration, with its codes and messages.

use std::collections::BTreeSet;

use terraform_provider_replicated::execution::cloud::CallErrorKind as Kind;
use terraform_provider_replicated::replication::ids::Arn;
use terraform_provider_replicated::replication::operation::{
    Input, ReplicationConfiguration, ReplicationRule,
};

use super::{Refused, State, refuse};

const VERSION: &str = "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.";
const MINUTES: i32 = 15;

type Checked = Result<(), Refused>;

impl State {
    /// Everything that S3 looks at when it gets a configuration for a bucket.
    pub(super) fn check_replication(
        &self,
        source: &str,
        configuration: &ReplicationConfiguration,
    ) -> Checked {
        let bucket = &self.buckets[source];
        check_document(configuration)?;
        check_role(&configuration.role, &bucket.account)?;
        if !self.is_versioned(bucket) {
            return not_ready(
                "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
            );
        }
        for rule in &configuration.rules {
            let destination = rule.bucket_arn.rsplit(':').next().unwrap();
            if destination == source {
                return request(
                    "Destination bucket cannot be the same as the source bucket.".to_owned(),
                );
            }
            match self.buckets.get(destination) {
                None => return not_ready("Destination bucket must exist."),
                Some(bucket) if !self.is_versioned(bucket) => {
                    return not_ready("Destination bucket must have versioning enabled.");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// What can be told of a document alone.
fn check_document(configuration: &ReplicationConfiguration) -> Checked {
    let rules = &configuration.rules;
    if !(1..=1000).contains(&rules.len()) || configuration.role.is_empty() {
        return malformed();
    }
    // One rule without a filter makes the whole document one of the first version.
    let first_version = rules.iter().any(|rule| rule.filter.is_none());
    let (mut ids, mut priorities) = (BTreeSet::new(), BTreeSet::new());
    for rule in rules {
        if rule.filter.is_some() && rule.v1_prefix.is_some() {
            return malformed();
        }
        if rule.id.len() > 255 {
            return argument("Rule Id cannot be greater than 255");
        }
        if !rule.id.is_empty() && !ids.insert(&rule.id) {
            return argument("Rule Id must be unique");
        }
        if first_version {
            check_first_version(rule)?;
        } else {
            check_second_version(rule)?;
        }
        if let Some(priority) = rule.priority
            && !priorities.insert(priority)
        {
            return request(format!("Found duplicate priority {priority}."));
        }
        check_encryption(rule)?;
        check_time(rule)?;
        if rule.owner_override && rule.account.is_none() {
            let message =
                "Account must be specified if the Owner in AccessControlTranslation has a value";
            return request(message.to_owned());
        }
    }
    let buckets: BTreeSet<_> = rules.iter().map(|rule| &rule.bucket_arn).collect();
    if first_version && buckets.len() > 1 {
        let message = "Number of distinct destination bucket ARNs cannot exceed 1";
        return request(message.to_owned());
    }
    Ok(())
}

fn check_role(role: &str, account: &str) -> Checked {
    let Ok(arn) = Arn::parse(role) else {
        return argument("Invalid Role specified in replication configuration");
    };
    if arn.service != "iam" {
        return argument("Invalid Role specified in replication configuration");
    }
    if !arn.resource.starts_with("role/") {
        return argument("The relative id should start with role");
    }
    if arn.account != account {
        return refuse(Kind::AccessDenied, "AccessDenied", "Access Denied");
    }
    Ok(())
}

fn check_first_version(rule: &ReplicationRule) -> Checked {
    for (there, name) in [
        (rule.priority.is_some(), "Priority"),
        (
            rule.delete_marker_replication.is_some(),
            "DeleteMarkerReplication",
        ),
        (rule.replication_time.is_some(), "ReplicationTime"),
    ] {
        if there {
            return request(format!("{name} cannot be used {VERSION}"));
        }
    }
    Ok(())
}

fn check_second_version(rule: &ReplicationRule) -> Checked {
    let Some(priority) = rule.priority else {
        return request(format!("Priority must be specified {VERSION}"));
    };
    if priority < 0 {
        return request("Priority must be between 0 and 2147483647.".to_owned());
    }
    let Some(markers) = rule.delete_marker_replication else {
        return request(format!(
            "DeleteMarkerReplication must be specified {VERSION}"
        ));
    };
    let filter = rule.filter.as_ref().unwrap();
    if markers && !filter.tags.is_empty() {
        let message = "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.";
        return request(message.to_owned());
    }
    if filter
        .prefix
        .as_ref()
        .is_some_and(|prefix| prefix.len() > 1024)
    {
        return argument("The maximum size of a prefix is 1024");
    }
    Ok(())
}

fn check_encryption(rule: &ReplicationRule) -> Checked {
    match (&rule.replica_kms_key, rule.sse_kms_encrypted_objects) {
        (None, None) => Ok(()),
        (None, Some(_)) => request(
            "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present."
                .to_owned(),
        ),
        (Some(_), None) => request(
            "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present."
                .to_owned(),
        ),
        (Some(key), Some(_)) => match key {
            Input::Known(arn) if Arn::parse(arn).is_ok_and(|arn| arn.service == "kms") => Ok(()),
            _ => argument("Invalid ReplicaKmsKeyID ARN."),
        },
    }
}

fn check_time(rule: &ReplicationRule) -> Checked {
    let threshold = rule.metrics.and_then(|(_, threshold)| threshold);
    if rule.replication_time.is_some() && rule.metrics.is_none() {
        let message =
            "Replication destination must contain both ReplicationTime and Metrics or neither.";
        return request(message.to_owned());
    }
    if rule
        .replication_time
        .is_some_and(|(_, minutes)| minutes != MINUTES)
    {
        return argument("Invalid time minute value");
    }
    if threshold.is_some_and(|minutes| minutes != MINUTES) {
        return argument("Invalid event threshold minute value");
    }
    match (rule.replication_time, threshold) {
        (Some((true, _)), None) => argument("ReplicationMetrics must contain an event threshold"),
        (None | Some((false, _)), Some(_)) => argument(
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
        ),
        _ => Ok(()),
    }
}

fn malformed() -> Checked {
    let message =
        "The XML you provided was not well-formed or did not validate against our published schema";
    refuse(Kind::Invalid, "MalformedXML", message)
}

fn argument(message: &'static str) -> Checked {
    refuse(Kind::Invalid, "InvalidArgument", message)
}

fn request(message: String) -> Checked {
    refuse(Kind::Invalid, "InvalidRequest", message)
}

fn not_ready(message: &'static str) -> Checked {
    refuse(Kind::NotReady, "InvalidRequest", message)
}
