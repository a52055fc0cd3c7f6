//! What the data source takes and tells.

use std::collections::BTreeMap;

use crate::framework::model::Attr;
use crate::framework::schema::{Attribute, Nesting, Schema, Setter};
use crate::framework::value::Type;
use crate::model;
use crate::provider::checks;
use crate::provider::replicated_bucket::status::check_import_id;

model! {
    /// `data.replicated_bucket_status`.
    StatusModel {
        /// By what the setup is found.
        import_id: String,
        /// Objects that are looked for.
        keys: Vec<Attr<String>>,
        /// The source bucket.
        bucket: String,
        /// Its account.
        account_id: String,
        /// Its region.
        region: String,
        /// Whether everything that replication needs is there.
        wired: bool,
        /// What is not.
        problems: Vec<Attr<String>>,
        /// By key.
        destinations: BTreeMap<String, Attr<DestinationStatusModel>>,
        /// By object key.
        objects: BTreeMap<String, Attr<ObjectStatusModel>>,
    }
}

model! {
    /// One destination.
    DestinationStatusModel {
        /// Its bucket.
        bucket: String,
        /// The bucket's account.
        account_id: String,
        /// The bucket's region.
        region: String,
        /// Whether its account can be entered.
        reachable: bool,
        /// Whether everything that replication to it needs is there.
        wired: bool,
        /// What is not.
        problems: Vec<Attr<String>>,
        /// When canaries last crossed to it.
        verified_at: String,
        /// The rules that lead to it, by name.
        rules: BTreeMap<String, Attr<RuleStatusModel>>,
        /// The rules that lead back, by name.
        two_way_rules: BTreeMap<String, Attr<RuleStatusModel>>,
    }
}

model! {
    /// One rule.
    RuleStatusModel {
        /// Its ID.
        id: String,
        /// Whether it is enabled.
        enabled: bool,
        /// How it is doing.
        status: String,
        /// Whether it is measured.
        metrics: bool,
        /// Operations that wait.
        pending: i64,
        /// Bytes that wait.
        pending_bytes: i64,
        /// By how much the destination is behind.
        latency_seconds: i64,
        /// Operations that failed.
        failed: i64,
    }
}

model! {
    /// One object.
    ObjectStatusModel {
        /// In the source bucket.
        source: CopyModel,
        /// In each destination's bucket.
        destinations: BTreeMap<String, Attr<CopyModel>>,
    }
}

model! {
    /// An object in one bucket; nothing is known of it where the bucket's account cannot be entered.
    CopyModel {
        /// Whether it is there.
        present: bool,
        /// Its current version.
        version_id: String,
        /// What S3 says of its replication.
        replication_status: String,
    }
}

pub(super) fn schema() -> Schema {
    Schema::new(
        "How a setup is doing, read anew each time: whether everything that replication needs is there, what CloudWatch measured of its rules, and whether single objects have crossed. Made for `check` blocks: what is wrong there is a warning and stops nothing.",
        vec![
            Attribute::string(
                "import_id",
                Setter::Required,
                "By what the setup is found, exactly as an import finds it: `import_id` of the resource, or any import ID. It need not be in any state.",
            )
            .validate(checks::text(check_import_id)),
            Attribute::new(
                "keys",
                Type::List(Box::new(Type::String)),
                Setter::Optional,
                "Keys of objects that are looked for on every side. One that does not exist is no error; `objects` says so.",
            )
            .validate(checks::collection(checks::object_keys)),
            computed("bucket", "Name of the source bucket."),
            computed("account_id", "Account of the source bucket."),
            computed("region", "Region of the source bucket."),
            wired("Whether everything that replication needs is there, on all sides"),
            problems("What is missing or changed, on all sides"),
            Attribute::nested(
                "destinations",
                Nesting::Map,
                destination(),
                Setter::Computed,
                "The destinations, by the key that each has in the resource; of a setup that others made, by the key that an import would give it.",
            ),
            Attribute::nested(
                "objects",
                Nesting::Map,
                vec![
                    Attribute::nested(
                        "source",
                        Nesting::Single,
                        copy(),
                        Setter::Computed,
                        "The object in the source bucket. Its `replication_status` sums up all destinations: `COMPLETED` once it is in all of them, `FAILED` as soon as one failed.",
                    ),
                    Attribute::nested(
                        "destinations",
                        Nesting::Map,
                        copy(),
                        Setter::Computed,
                        "The object in the bucket of each destination, by the destination's key.",
                    ),
                ],
                Setter::Computed,
                "The objects of `keys`, by their keys.",
            ),
        ],
    )
}

fn destination() -> Vec<Attribute> {
    vec![
        computed("bucket", "Name of the bucket."),
        computed("account_id", "Account of the bucket."),
        computed(
            "region",
            "Region of the bucket; where the bucket is gone, the source's.",
        ),
        Attribute::bool(
            "reachable",
            Setter::Computed,
            "Whether there is a way into its account. Without one nothing in it is looked at, and a warning says so.",
        ),
        wired(
            "Whether everything that replication to it needs is there, the source's part included, and with `two_way` what replication back needs, too",
        ),
        problems("What of it is missing or changed"),
        computed(
            "verified_at",
            "When canaries of all its rules last crossed, and with `two_way` those of the way back: RFC 3339, by whichever verification it was (`verification` of the resource, the action or the sub-command). It is kept in a tag of the role, so it is null where the role belongs to somebody else, and until a first verification.",
        ),
        Attribute::nested(
            "rules",
            Nesting::Map,
            rule(),
            Setter::Computed,
            "The rules that lead to it, by name: `default` where the resource has no `rules`.",
        ),
        Attribute::nested(
            "two_way_rules",
            Nesting::Map,
            rule(),
            Setter::Computed,
            "With `two_way`, the rules that lead back to the source, by the same names; else null.",
        ),
    ]
}

fn rule() -> Vec<Attribute> {
    let number =
        |name: &str, description: &str| Attribute::number(name, Setter::Computed, description);
    vec![
        computed("id", "The rule's ID."),
        Attribute::bool(
            "enabled",
            Setter::Computed,
            "Whether the rule is enabled at S3.",
        ),
        computed(
            "status",
            "`ACTIVE`: enabled, and nothing is known that stands in its way. `DISABLED`: turned off. `BROKEN`: something that it needs is missing or changed (`problems`). `FAILING`: nothing is, and `failed` is more than 0.",
        ),
        Attribute::bool(
            "metrics",
            Setter::Computed,
            "Whether S3 publishes metrics of it (`metrics` or `replication_time_control`). The numbers below are null without them, and where there are no data.",
        ),
        number(
            "pending",
            "Operations that wait to be replicated: the last value of the last hour.",
        ),
        number(
            "pending_bytes",
            "Bytes that wait to be replicated: the last value of the last hour.",
        ),
        number(
            "latency_seconds",
            "By how many seconds the destination is behind: the last value of the last hour.",
        ),
        number(
            "failed",
            "Operations that failed to replicate in the last 24 hours. S3 publishes nothing while nothing replicates: then it is null.",
        ),
    ]
}

fn copy() -> Vec<Attribute> {
    vec![
        Attribute::bool(
            "present",
            Setter::Computed,
            "Whether the object is there; under a delete marker it is not. Null where the account cannot be entered, and of an object under SSE-C, which S3 describes to nobody without its key.",
        ),
        computed(
            "version_id",
            "ID of its current version. A replica has that of the object that it was made of.",
        ),
        computed(
            "replication_status",
            "`PENDING`, `COMPLETED` or `FAILED` of an object that was written here, `REPLICA` of one that arrived; null where no rule has anything to do with it.",
        ),
    ]
}

fn computed(name: &str, description: &str) -> Attribute {
    Attribute::string(name, Setter::Computed, description)
}

fn wired(what: &str) -> Attribute {
    let description = format!(
        "{what}: buckets with versioning, usable keys, the role, every grant, and of ways back the rules. False with at least one of `problems`; null where that cannot be told, because an account cannot be entered or a policy of the role not read."
    );
    Attribute::bool("wired", Setter::Computed, &description)
}

fn problems(what: &str) -> Attribute {
    let description = format!(
        "{what}, each as `component: what`, such as `destination/backup/bucket: versioning suspended`; the components are those of the resource."
    );
    Attribute::new(
        "problems",
        Type::List(Box::new(Type::String)),
        Setter::Computed,
        &description,
    )
}
