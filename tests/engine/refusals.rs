//! The AWS in memory refuses the rules that AWS refuses, in its words: what every other test relies on.
//!
//! What an emulator lets through and AWS does not, and what shows it instead:
//!
//! | on AWS | shown by |
//! |---|---|
//! | a policy may not name a role that is not there, or not yet | `fake::principals`; `consistency`, `create` and `two_way` fail without the order |
//! | new principals, versioning, buckets, keys and roles show late | `fake::delays`; `consistency` |
//! | malformed and oversized policies, another bucket's ARN | `fake::s3`, `fake::kms`, `fake::iam`; `documents` |
//! | the lock-out check of keys | `fake::kms`: every key policy of every test goes through it |
//! | rules: IDs, priorities, delete markers, roles, owners, times | `what_aws_refuses_of_rules_is_refused_in_its_words` |
//! | destinations are there and versioned before rules name them | `rules_want_versioning_on_both_ends` |
//! | versioning cannot change while rules are on their way out | `consistency::each_row_is_tried_again_for_its_time_and_says_what_was_waited_for` |
//! | calls in the wrong region, or in another's bucket | `fake::s3` refuses both; `edge::requests::each_request_is_signed_for_the_region_of_its_location`, `every_call_to_a_bucket_names_the_account_that_must_own_it` |
//! | grants of the role, of bucket and of key policies | `fake::audit` after every write; the evaluator of `tests/support` |
//! | a key that is about to be deleted takes no change | `fake::kms`; `edge::emulator::a_key_lives_through_all_that_can_happen_to_it` |
//! | one write of a bucket at a time, names that stay taken | `State::overlaps`; `consistency::a_name_that_was_just_deleted_is_waited_for` |
//! | throttling, failures of servers, cut connections | `tests/edge/faults.rs` |
//! | lost answers of creates leave no second thing | `faults::a_key_whose_creation_was_not_heard_of_is_waited_for_and_not_made_twice`; `consistency` |
//! | roles that are gone show as bare ids, policies in another spelling | `fake::principals`; `policy::meaning` compares |
//! | names of roles regardless of case | `fake::iam` keeps them so |
//! | more than a page of keys, aliases, versions | `edge::requests::lists_are_read_to_their_last_page`; `teardown` |
//! | sessions that end | `tests/edge/sessions.rs` |
//! | codes and not statuses decide | `src/aws/error/tests.rs` |

use terraform_provider_replicated::execution::cloud::Cloud;
use terraform_provider_replicated::replication::operation::{
    Answer, Input, Operation, Query, ReplicationConfiguration, ReplicationRule, Tags,
};

use crate::fake::FakeCloud;
use crate::scenario::{FIRST, create, kms_abroad};

/// A change of a configuration that is right, and AWS's code and message for it.
type Row = (
    fn(&mut ReplicationConfiguration),
    &'static str,
    &'static str,
);

/// The first rule.
fn first(configuration: &mut ReplicationConfiguration) -> &mut ReplicationRule {
    &mut configuration.rules[0]
}

/// The same rule once more, under another ID and with another priority.
fn twice(configuration: &mut ReplicationConfiguration) -> &mut ReplicationRule {
    let mut second = configuration.rules[0].clone();
    second.id = "second".to_owned();
    second.priority = Some(1);
    configuration.rules.push(second);
    &mut configuration.rules[1]
}

/// The first rule as one of the first version.
fn of_first_version(configuration: &mut ReplicationConfiguration) -> &mut ReplicationRule {
    let rule = first(configuration);
    rule.filter = None;
    rule.v1_prefix = Some(String::new());
    rule.priority = None;
    rule.delete_marker_replication = None;
    rule
}

const ROWS: &[Row] = &[
    (
        |c| first(c).bucket_arn = "arn:aws:s3:::acme-nowhere".to_owned(),
        "InvalidRequest",
        "Destination bucket must exist.",
    ),
    (
        |c| first(c).bucket_arn = "arn:aws:s3:::acme-archive".to_owned(),
        "InvalidRequest",
        "Destination bucket cannot be the same as the source bucket.",
    ),
    (
        |c| first(c).priority = None,
        "InvalidRequest",
        "Priority must be specified for this version",
    ),
    (
        |c| first(c).delete_marker_replication = None,
        "InvalidRequest",
        "DeleteMarkerReplication must be specified for this version",
    ),
    (
        |c| of_first_version(c).priority = Some(0),
        "InvalidRequest",
        "Priority cannot be used for this version",
    ),
    (
        |c| of_first_version(c).delete_marker_replication = Some(false),
        "InvalidRequest",
        "DeleteMarkerReplication cannot be used for this version",
    ),
    (
        |c| of_first_version(c).replication_time = Some((true, 15)),
        "InvalidRequest",
        "ReplicationTime cannot be used for this version",
    ),
    (
        |c| {
            let rule = first(c);
            rule.delete_marker_replication = Some(true);
            let tags = Tags::from([("a".to_owned(), "b".to_owned())]);
            rule.filter.as_mut().unwrap().tags = tags;
        },
        "InvalidRequest",
        "Delete marker replication is not supported if any Tag filter is specified.",
    ),
    (
        |c| twice(c).priority = Some(0),
        "InvalidRequest",
        "Found duplicate priority 0.",
    ),
    (
        |c| first(c).priority = Some(-1),
        "InvalidRequest",
        "Priority must be between 0 and 2147483647.",
    ),
    (
        |c| {
            let id = first(c).id.clone();
            twice(c).id = id;
        },
        "InvalidArgument",
        "Rule Id must be unique",
    ),
    (
        |c| first(c).id = "x".repeat(256),
        "InvalidArgument",
        "Rule Id cannot be greater than 255",
    ),
    (
        |c| first(c).v1_prefix = Some(String::new()),
        "MalformedXML",
        "not well-formed",
    ),
    (|c| c.rules.clear(), "MalformedXML", "not well-formed"),
    (|c| c.role.clear(), "MalformedXML", "not well-formed"),
    (
        |c| first(c).sse_kms_encrypted_objects = None,
        "InvalidRequest",
        "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
    ),
    (
        |c| first(c).replica_kms_key = None,
        "InvalidRequest",
        "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
    ),
    (
        |c| first(c).replica_kms_key = Some(Input::Known("a-key".to_owned())),
        "InvalidArgument",
        "Invalid ReplicaKmsKeyID ARN.",
    ),
    (
        |c| {
            let rule = first(c);
            rule.owner_override = true;
            rule.account = None;
        },
        "InvalidRequest",
        "Account must be specified if the Owner in AccessControlTranslation has a value",
    ),
    (
        |c| first(c).replication_time = Some((true, 15)),
        "InvalidRequest",
        "Replication destination must contain both ReplicationTime and Metrics or neither.",
    ),
    (
        |c| {
            let rule = first(c);
            rule.replication_time = Some((true, 5));
            rule.metrics = Some((true, Some(15)));
        },
        "InvalidArgument",
        "Invalid time minute value",
    ),
    (
        |c| {
            let rule = first(c);
            rule.replication_time = Some((true, 15));
            rule.metrics = Some((true, Some(5)));
        },
        "InvalidArgument",
        "Invalid event threshold minute value",
    ),
    (
        |c| {
            let rule = first(c);
            rule.replication_time = Some((true, 15));
            rule.metrics = Some((true, None));
        },
        "InvalidArgument",
        "ReplicationMetrics must contain an event threshold",
    ),
    (
        |c| first(c).metrics = Some((true, Some(15))),
        "InvalidArgument",
        "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
    ),
    (
        |c| c.role = "arn:aws:s3:::role".to_owned(),
        "InvalidArgument",
        "Invalid Role specified in replication configuration",
    ),
    (
        |c| c.role = "arn:aws:iam::111111111111:user/somebody".to_owned(),
        "InvalidArgument",
        "The relative id should start with role",
    ),
    (
        |c| c.role = "arn:aws:iam::222222222222:role/theirs".to_owned(),
        "AccessDenied",
        "Access Denied",
    ),
    (
        |c| {
            of_first_version(c);
            twice(c).bucket_arn = "arn:aws:s3:::acme-elsewhere".to_owned();
            c.rules[1].priority = None;
        },
        "InvalidRequest",
        "Number of distinct destination bucket ARNs cannot exceed 1",
    ),
];

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_of_rules_is_refused_in_its_words() {
    let cloud = FakeCloud::new();
    let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
    let at = &spec.source.location;
    let bucket = spec.source.name.to_string();
    let query = Query::GetBucketReplication {
        bucket: bucket.clone(),
    };
    let Answer::Replication(right) = cloud.query(at, &query).await.unwrap() else {
        panic!("no configuration");
    };
    let put = async |configuration: ReplicationConfiguration| {
        let operation = Operation::PutBucketReplication {
            bucket: bucket.clone(),
            configuration,
        };
        cloud.perform(at, &operation).await
    };
    for (change, code, message) in ROWS {
        let mut wrong = right.clone();
        change(&mut wrong);
        let error = put(wrong).await.expect_err(message);
        assert_eq!(error.code.as_deref(), Some(*code), "{message}");
        assert!(error.message.contains(message), "{}", error.message);
    }
    put(right).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rules_want_versioning_on_both_ends() {
    for (name, message) in [
        (
            "acme-archive",
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        ),
        (
            "acme-archive-backup",
            "Destination bucket must have versioning enabled.",
        ),
    ] {
        let cloud = FakeCloud::new();
        let spec = create(&cloud, &kms_abroad(), FIRST).await.unwrap();
        let configuration = {
            let mut state = cloud.state();
            let bucket = state.buckets.get_mut(name).unwrap();
            bucket.versioning = Some("Suspended".to_owned());
            state.buckets["acme-archive"].replication.clone().unwrap()
        };
        let operation = Operation::PutBucketReplication {
            bucket: spec.source.name.to_string(),
            configuration,
        };
        let refused = cloud.perform(&spec.source.location, &operation).await;
        assert_eq!(refused.unwrap_err().message, message);
    }
}
