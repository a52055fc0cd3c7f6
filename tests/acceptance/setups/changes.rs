//! The four changes that every setup goes through: what is edited, what the plan may name, what is written at AWS,
//! and where an object then is.
//!
//! `*` stands for what the names of the setup's buckets begin with. The emulator follows the first live rule that
//! covers an object, so each setup's new destination sorts behind the first, and gets objects when that is paused.

use support::Outcome;

/// One change of a setup.
pub(super) struct Change {
    pub(super) what: &'static str,
    /// Text of `main.tf` and what is written in its place.
    pub(super) edits: &'static [(&'static str, &'static str)],
    /// All that the plan changes: the place, behind a name where this is not so of every resource, and its attributes.
    pub(super) plans: &'static [(&'static str, &'static str)],
    /// Every default encryption and rule that is new or another one.
    pub(super) writes: &'static [&'static str],
    /// Objects that are put afterwards, and everywhere else where they then are.
    pub(super) arrives: &'static [(&'static str, &'static str)],
}

const ADDED: &str = "a destination added";
pub(super) const CLASS: &str = "a class changed";
const SWAPPED: &str = "a key swapped";
/// Where there is no key to swap.
const FROM_AES256: &str = "from AES256 to a key";
const PAUSED: &str = "a rule paused";

/// What a plan says of a destination that comes, beside any others.
const SPARE_COMES: &[(&str, &str)] = &[
    ("components", "destination/spare source/replication"),
    ("destinations", "spare"),
    ("role", "policy_json"),
];
/// What it says of a source that gets a key.
const A_KEY: &str = "encryption.bucket_key_enabled encryption.key encryption.sse_algorithm kms_key_arn kms_key_id kms_key_policy_json";
/// What it says of a destination that gets one.
const DESTINATION_WITH_A_KEY: &str = "encryption.bucket_key_enabled encryption.key encryption.sse_algorithm kms_key_arn kms_key_id kms_key_policy_json replicate_encrypted_objects";

/// The changes of a folder of `examples/`, in the order in which they are made.
pub(super) fn of(folder: &str) -> Outcome<&'static [Change; 4]> {
    let found = CHANGES.iter().find(|(of, _)| *of == folder);
    let (_, changes) = found.ok_or_else(|| format!("{folder} has no changes"))?;
    Ok(changes)
}

const CHANGES: [(&str, [Change; 4]); 8] = [
    (
        "one-to-many-regions",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "[\"eu-west-1\", \"us-west-2\"]",
                    "[\"eu-central-1\", \"eu-west-1\", \"us-west-2\"]",
                )],
                plans: &[
                    ("components", "destination/eu-central-1 source/replication"),
                    ("destinations", "eu-central-1"),
                    ("role", "policy_json"),
                ],
                writes: &[
                    "*-eu-central-1 under a new key",
                    "* to *-eu-central-1: Enabled, its key",
                ],
                arrives: &[("*/letter", "*-eu-central-1 STANDARD")],
            },
            Change {
                what: CLASS,
                edits: &[(
                    "delete_marker_replication = true",
                    "delete_marker_replication = true\nstorage_class = region == \"eu-central-1\" ? \"STANDARD_IA\" : null",
                )],
                plans: &[("destinations.eu-central-1", "storage_class")],
                writes: &["* to *-eu-central-1: Enabled, STANDARD_IA, its key"],
                arrives: &[("*/letter", "*-eu-central-1 STANDARD_IA")],
            },
            Change {
                what: SWAPPED,
                edits: &[(
                    "{ sse_algorithm = \"aws:kms\" }",
                    "{ sse_algorithm = \"aws:kms\", key = { multi_region = true } }",
                )],
                plans: &[
                    ("components", "source/key source/retired_key"),
                    ("role", "policy_json"),
                    (
                        "source",
                        "encryption.key.multi_region kms_key_arn kms_key_id",
                    ),
                ],
                writes: &["* under a new key"],
                arrives: &[("*/letter", "*-eu-central-1 STANDARD_IA")],
            },
            Change {
                what: PAUSED,
                edits: &[(
                    "delete_marker_replication = true",
                    "delete_marker_replication = true\nenabled = region != \"eu-central-1\"",
                )],
                plans: &[("destinations.eu-central-1", "enabled")],
                writes: &["* to *-eu-central-1: Disabled, STANDARD_IA, its key"],
                arrives: &[("*/letter", "*-eu-west-1 STANDARD")],
            },
        ],
    ),
    (
        "same-account-lifecycle",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = { region = \"eu-west-1\" }",
                )],
                plans: SPARE_COMES,
                writes: &["*-spare under AES256", "* to *-spare: Enabled"],
                arrives: &[("*/letter", "*-copy STANDARD")],
            },
            Change {
                what: CLASS,
                edits: &[(
                    "= var.copy_region",
                    "= var.copy_region\nstorage_class = \"STANDARD_IA\"",
                )],
                plans: &[("destinations.copy", "storage_class")],
                writes: &["* to *-copy: Enabled, STANDARD_IA"],
                arrives: &[("*/letter", "*-copy STANDARD_IA")],
            },
            Change {
                what: FROM_AES256,
                edits: &[(
                    "= var.bucket\n",
                    "= var.bucket\nencryption = { sse_algorithm = \"aws:kms\" }\n",
                )],
                plans: &[
                    ("components", "destination/copy destination/spare source"),
                    ("destinations.copy", DESTINATION_WITH_A_KEY),
                    ("destinations.spare", DESTINATION_WITH_A_KEY),
                    ("role", "policy_json"),
                    ("source", A_KEY),
                ],
                writes: &[
                    "* under a new key",
                    "*-copy under a new key",
                    "*-spare under a new key",
                    "* to *-copy: Enabled, STANDARD_IA, its key",
                    "* to *-spare: Enabled, its key",
                ],
                arrives: &[("*/letter", "*-copy STANDARD_IA")],
            },
            Change {
                what: PAUSED,
                edits: &[("= var.copy_region", "= var.copy_region\nenabled = false")],
                plans: &[("destinations.copy", "enabled")],
                writes: &["* to *-copy: Disabled, STANDARD_IA, its key"],
                arrives: &[("*/letter", "*-spare STANDARD")],
            },
        ],
    ),
    (
        "cross-account-kms",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = { region = \"eu-west-1\" }",
                )],
                plans: SPARE_COMES,
                writes: &["*-spare under a new key", "* to *-spare: Enabled, its key"],
                arrives: &[("*/letter", "*-backup STANDARD_IA")],
            },
            Change {
                what: CLASS,
                edits: &[("STANDARD_IA", "GLACIER_IR")],
                plans: &[("destinations.backup", "storage_class")],
                writes: &["* to *-backup: Enabled, GLACIER_IR, its key"],
                arrives: &[("*/letter", "*-backup GLACIER_IR")],
            },
            Change {
                what: SWAPPED,
                edits: &[(
                    "= var.backup_region",
                    "= var.backup_region\nencryption = { sse_algorithm = \"aws:kms\", key = { multi_region = true } }",
                )],
                plans: &[
                    (
                        "components",
                        "destination/backup/key destination/backup/retired_key",
                    ),
                    (
                        "destinations.backup",
                        "encryption.key.multi_region kms_key_arn kms_key_id",
                    ),
                    ("role", "policy_json"),
                ],
                writes: &[
                    "*-backup under a new key",
                    "* to *-backup: Enabled, GLACIER_IR, its key",
                ],
                arrives: &[("*/letter", "*-backup GLACIER_IR")],
            },
            Change {
                what: PAUSED,
                edits: &[(
                    "= var.backup_region",
                    "= var.backup_region\nenabled = false",
                )],
                plans: &[("destinations.backup", "enabled")],
                writes: &["* to *-backup: Disabled, GLACIER_IR, its key"],
                arrives: &[("*/letter", "*-spare STANDARD")],
            },
        ],
    ),
    (
        "existing-buckets",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = { region = \"eu-west-1\" }",
                )],
                plans: SPARE_COMES,
                writes: &[
                    "*-invoices-spare under a new key",
                    "*-letters-spare under a new key",
                    "*-invoices to *-invoices-spare: Enabled, its key",
                    "*-letters to *-letters-spare: Enabled, its key",
                ],
                arrives: &[("*-letters/letter", "*-letters-backup STANDARD")],
            },
            Change {
                what: CLASS,
                edits: &[(
                    "manage_key_policy = true",
                    "manage_key_policy = true\nstorage_class = \"STANDARD_IA\"",
                )],
                plans: &[("destinations.backup", "storage_class")],
                writes: &[
                    "*-invoices to *-invoices-backup: Enabled, STANDARD_IA, its key",
                    "*-letters to *-letters-backup: Enabled, STANDARD_IA, its key",
                ],
                arrives: &[("*-letters/letter", "*-letters-backup STANDARD_IA")],
            },
            Change {
                what: SWAPPED,
                edits: &[("var.backup_key_arn }", "\"<other key>\" }")],
                plans: &[
                    ("components", "destination/backup/key"),
                    (
                        "destinations.backup",
                        "encryption.kms_key_arn kms_key_arn kms_key_id",
                    ),
                    ("role", "policy_json"),
                ],
                writes: &[
                    "*-invoices-backup under a new key",
                    "*-letters-backup under a new key",
                    "*-invoices to *-invoices-backup: Enabled, STANDARD_IA, its key",
                    "*-letters to *-letters-backup: Enabled, STANDARD_IA, its key",
                ],
                arrives: &[("*-letters/letter", "*-letters-backup STANDARD_IA")],
            },
            Change {
                what: PAUSED,
                edits: &[(
                    "manage_key_policy = true",
                    "manage_key_policy = true\nenabled = !endswith(each.key, \"letters\")",
                )],
                plans: &[("*-letters: destinations.backup", "enabled")],
                writes: &["*-letters to *-letters-backup: Disabled, STANDARD_IA, its key"],
                arrives: &[
                    ("*-letters/letter", "*-letters-spare STANDARD"),
                    ("*-invoices/bill", "*-invoices-backup STANDARD_IA"),
                ],
            },
        ],
    ),
    (
        "rules",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = { region = \"eu-west-1\" }",
                )],
                plans: SPARE_COMES,
                writes: &["*-spare under a new key", "* to *-spare: Enabled, its key"],
                arrives: &[
                    ("*/records/letter", "*-partner GLACIER_IR"),
                    ("*/drafts/letter", "*-spare STANDARD"),
                ],
            },
            Change {
                what: CLASS,
                edits: &[("GLACIER_IR", "DEEP_ARCHIVE")],
                plans: &[("destinations.partner", "rules.records.storage_class")],
                writes: &["* to *-partner: Enabled, DEEP_ARCHIVE, its key"],
                arrives: &[
                    ("*/records/letter", "*-partner DEEP_ARCHIVE"),
                    ("*/invoices/letter", "*-partner STANDARD"),
                ],
            },
            Change {
                what: SWAPPED,
                edits: &[("var.partner_key_arn }", "\"<other key>\" }")],
                plans: &[
                    ("components", "destination/partner/key"),
                    (
                        "destinations.partner",
                        "encryption.kms_key_arn kms_key_arn kms_key_id",
                    ),
                    ("role", "policy_json"),
                ],
                writes: &[
                    "*-partner under a new key",
                    "* to *-partner: Disabled, its key",
                    "* to *-partner: Enabled, its key",
                    "* to *-partner: Enabled, its key",
                    "* to *-partner: Enabled, DEEP_ARCHIVE, its key",
                ],
                arrives: &[("*/records/letter", "*-partner DEEP_ARCHIVE")],
            },
            Change {
                what: PAUSED,
                edits: &[(
                    "\"records/\" }, storage_class",
                    "\"records/\" }, enabled = false, storage_class",
                )],
                plans: &[("destinations.partner", "rules.records.enabled")],
                writes: &["* to *-partner: Disabled, DEEP_ARCHIVE, its key"],
                arrives: &[
                    ("*/records/letter", "*-spare STANDARD"),
                    ("*/invoices/letter", "*-partner STANDARD"),
                ],
            },
        ],
    ),
    (
        "two-way",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = { region = \"eu-west-1\" }",
                )],
                plans: SPARE_COMES,
                writes: &["*-spare under a new key", "* to *-spare: Enabled, its key"],
                arrives: &[("*/letter", "*-dr STANDARD"), ("*-dr/answer", "* STANDARD")],
            },
            Change {
                what: CLASS,
                edits: &[(
                    "two_way = true",
                    "two_way = true, storage_class = \"STANDARD_IA\"",
                )],
                plans: &[("destinations.dr", "storage_class")],
                writes: &["* to *-dr: Enabled, STANDARD_IA, its key"],
                arrives: &[
                    ("*/letter", "*-dr STANDARD_IA"),
                    ("*-dr/answer", "* STANDARD"),
                ],
            },
            Change {
                what: SWAPPED,
                edits: &[(
                    "two_way = true",
                    "two_way = true, encryption = { sse_algorithm = \"aws:kms\", key = { multi_region = true } }",
                )],
                plans: &[
                    (
                        "components",
                        "destination/dr/key destination/dr/retired_key",
                    ),
                    (
                        "destinations.dr",
                        "encryption.key.multi_region kms_key_arn kms_key_id two_way_role.policy_json",
                    ),
                    ("role", "policy_json"),
                ],
                writes: &[
                    "*-dr under a new key",
                    "* to *-dr: Enabled, STANDARD_IA, its key",
                ],
                arrives: &[
                    ("*/letter", "*-dr STANDARD_IA"),
                    ("*-dr/answer", "* STANDARD"),
                ],
            },
            Change {
                what: PAUSED,
                edits: &[("two_way = true", "two_way = true, enabled = false")],
                plans: &[("destinations.dr", "enabled")],
                writes: &[
                    "* to *-dr: Disabled, STANDARD_IA, its key",
                    "*-dr to *: Disabled, its key",
                ],
                arrives: &[("*/letter", "*-spare STANDARD"), ("*-dr/answer", "")],
            },
        ],
    ),
    (
        "many-to-one",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = { region = \"eu-west-1\" }",
                )],
                plans: SPARE_COMES,
                writes: &[
                    "*-payments-spare under AES256",
                    "*-search-spare under AES256",
                    "*-shop-spare under AES256",
                    "*-payments to *-payments-spare: Enabled",
                    "*-search to *-search-spare: Enabled",
                    "*-shop to *-shop-spare: Enabled",
                ],
                arrives: &[
                    ("*-search/search/letter", "*-archive GLACIER_IR"),
                    ("*-search/letter", "*-search-spare STANDARD"),
                ],
            },
            Change {
                what: CLASS,
                edits: &[("GLACIER_IR", "STANDARD_IA")],
                plans: &[("destinations.archive", "storage_class")],
                writes: &[
                    "*-payments to *-archive: Enabled, STANDARD_IA",
                    "*-search to *-archive: Enabled, STANDARD_IA",
                    "*-shop to *-archive: Enabled, STANDARD_IA",
                ],
                arrives: &[("*-search/search/letter", "*-archive STANDARD_IA")],
            },
            Change {
                what: FROM_AES256,
                edits: &[
                    (
                        "-${each.key}\" }",
                        "-${each.key}\", encryption = { sse_algorithm = \"aws:kms\" } }",
                    ),
                    (
                        "existing      = true",
                        "existing = true\nencryption = { sse_algorithm = \"aws:kms\", kms_key_arn = \"<other key>\" }\nmanage_key_policy = true",
                    ),
                ],
                plans: &[
                    ("components", "destination/archive destination/spare source"),
                    (
                        "destinations.archive",
                        "encryption.bucket_key_enabled encryption.kms_key_arn encryption.sse_algorithm kms_key_arn kms_key_id kms_key_policy_json manage_key_policy replicate_encrypted_objects",
                    ),
                    ("destinations.spare", DESTINATION_WITH_A_KEY),
                    ("role", "policy_json"),
                    ("source", A_KEY),
                ],
                writes: &[
                    "*-payments under a new key",
                    "*-payments-spare under a new key",
                    "*-search under a new key",
                    "*-search-spare under a new key",
                    "*-shop under a new key",
                    "*-shop-spare under a new key",
                    "*-payments to *-archive: Enabled, STANDARD_IA, another key",
                    "*-search to *-archive: Enabled, STANDARD_IA, another key",
                    "*-shop to *-archive: Enabled, STANDARD_IA, another key",
                    "*-payments to *-payments-spare: Enabled, its key",
                    "*-search to *-search-spare: Enabled, its key",
                    "*-shop to *-shop-spare: Enabled, its key",
                ],
                arrives: &[("*-search/search/letter", "*-archive STANDARD_IA")],
            },
            Change {
                what: PAUSED,
                edits: &[(
                    "existing = true",
                    "existing = true\nenabled = each.key != \"search\"",
                )],
                plans: &[("search: destinations.archive", "enabled")],
                writes: &["*-search to *-archive: Disabled, STANDARD_IA, another key"],
                arrives: &[
                    ("*-search/search/letter", "*-search-spare STANDARD"),
                    ("*-payments/payments/letter", "*-archive STANDARD_IA"),
                ],
            },
        ],
    ),
    (
        "object-lock",
        [
            Change {
                what: ADDED,
                edits: &[(
                    "destinations = {",
                    "destinations = {\nspare = merge(local.locked, { region = \"eu-west-1\" })",
                )],
                plans: SPARE_COMES,
                writes: &["*-spare under AES256", "* to *-spare: Enabled"],
                arrives: &[("*/letter", "*-copy STANDARD")],
            },
            Change {
                what: CLASS,
                edits: &[(
                    "= var.copy_region",
                    "= var.copy_region\nstorage_class = \"STANDARD_IA\"",
                )],
                plans: &[("destinations.copy", "storage_class")],
                writes: &["* to *-copy: Enabled, STANDARD_IA"],
                arrives: &[("*/letter", "*-copy STANDARD_IA")],
            },
            Change {
                what: FROM_AES256,
                edits: &[(
                    "{ bucket = var.bucket }",
                    "{ bucket = var.bucket, encryption = { sse_algorithm = \"aws:kms\" } }",
                )],
                plans: &[
                    ("components", "destination/copy destination/spare source"),
                    ("destinations.copy", DESTINATION_WITH_A_KEY),
                    ("destinations.spare", DESTINATION_WITH_A_KEY),
                    ("role", "policy_json"),
                    ("source", A_KEY),
                ],
                writes: &[
                    "* under a new key",
                    "*-copy under a new key",
                    "*-spare under a new key",
                    "* to *-copy: Enabled, STANDARD_IA, its key",
                    "* to *-spare: Enabled, its key",
                ],
                arrives: &[("*/letter", "*-copy STANDARD_IA")],
            },
            Change {
                what: PAUSED,
                edits: &[("= var.copy_region", "= var.copy_region\nenabled = false")],
                plans: &[("destinations.copy", "enabled")],
                writes: &["* to *-copy: Disabled, STANDARD_IA, its key"],
                arrives: &[("*/letter", "*-spare STANDARD")],
            },
        ],
    ),
];
