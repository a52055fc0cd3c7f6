//! Every call, every fault: each command of Terraform meets each fault at each of its calls. Afterwards nothing is
//! lost, nothing is left over, what is stored is true, and the same command finishes the job.

mod driver;
pub mod fault;
mod situation;
mod tally;
pub mod trap;

use serde_json::{Value as Json, json};

use crate::configs::{THIRD, deploy, kms_abroad, with, without};
use crate::existing::{self, THEIR_ROLE};
use driver::Command::{Apply, Delete, Import, Read, Refused};
use driver::{Row, Setup};

/// The import ID of the setups.
const ID: &str = "111111111111/acme-archive@eu-west-1,arn:aws:iam::222222222222:role/Deploy";
const EXISTING_ID: &str =
    "111111111111/their-source@eu-west-1,arn:aws:iam::222222222222:role/Deploy";

/// The second destination, in a third account.
fn another() -> Json {
    json!({ "region": "eu-central-1", "assume_role": deploy(THIRD) })
}

fn two_way() -> Json {
    with(&kms_abroad(), "destinations.backup.two_way", json!(true))
}

/// The configuration with that destination.
fn with_another(config: &Json) -> Json {
    with(config, "destinations.another", another())
}

fn with_another_role(config: &Json) -> Json {
    with(config, "role", json!({ "name": "copier" }))
}

/// Another key under the destination, which keeps the old one as long as objects may be under it.
fn with_another_key_abroad(config: &Json) -> Json {
    let encryption = json!({ "sse_algorithm": "aws:kms", "key": { "multi_region": true } });
    with(config, "destinations.backup.encryption", encryption)
}

/// The same under both buckets.
fn with_other_keys(config: &Json) -> Json {
    let key = json!({ "multi_region": true });
    let of_source = with(config, "source.encryption.key", key);
    with_another_key_abroad(&of_source)
}

/// Objects without KMS, into a bucket that has a key.
fn with_plain_objects() -> Json {
    let of_source = with(
        &kms_abroad(),
        "source.encryption",
        json!({ "sse_algorithm": "AES256" }),
    );
    let encryption = json!({ "sse_algorithm": "aws:kms" });
    with(&of_source, "destinations.backup.encryption", encryption)
}

/// Buckets whose content is locked, and goes all the same when they do.
fn with_content(config: &Json) -> Json {
    let lock = json!({
        "enabled": true, "mode": "GOVERNANCE", "days": 1, "bypass_governance_on_destroy": true,
    });
    let sides = ["source", "destinations.backup"];
    sides.iter().fold(config.clone(), |config, side| {
        let config = with(&config, &format!("{side}.force_destroy"), json!(true));
        with(&config, &format!("{side}.object_lock"), lock.clone())
    })
}

/// Where this destination goes, so does what it holds.
fn forcing(config: &Json, destination: &str) -> Json {
    with(
        config,
        &format!("destinations.{destination}.force_destroy"),
        json!(true),
    )
}

/// Two buckets of somebody else's.
fn existing() -> Json {
    let role = json!({ "existing_arn": THEIR_ROLE });
    with(&existing::config(), "role", role)
}

/// The same, the second one taken over with the objects in it.
fn adopted() -> Json {
    let ours = without(&existing(), "destinations.archive.existing");
    with(&ours, "destinations.archive.force_destroy", json!(true))
}

/// With canaries that show that objects cross.
fn verified(config: &Json) -> Json {
    with(config, "verification", json!({ "enabled": true }))
}

fn with_other_rules(config: &Json) -> Json {
    let marked = with(
        config,
        "destinations.backup.delete_marker_replication",
        json!(true),
    );
    with(
        &marked,
        "destinations.backup.storage_class",
        json!("GLACIER_IR"),
    )
}

/// Objects under a customer managed key, into another account.
const KMS: Setup = Setup {
    name: "cross-account-kms",
    beside_others: false,
};

const TWO_WAY: Setup = Setup {
    name: "two_way",
    beside_others: false,
};

/// Both buckets are somebody else's, and so are other rules in the configuration.
const EXISTING: Setup = Setup {
    name: "existing",
    beside_others: true,
};

macro_rules! rows {
    ($($name:ident: $setup:ident $operation:literal, $before:expr => $command:expr;)*) => {
        /// How many rows the table has.
        const ROWS: usize = [$(stringify!($name)),*].len();

        $(#[test]
        fn $name() {
            let before = $before.to_vec();
            Row { setup: $setup, operation: $operation, before, command: $command }.run();
        }
    )*};
}

rows! {
    create_cross_account_kms: KMS "create", [] => Apply(kms_abroad());
    undo_cross_account_kms: KMS "undo of a create", []
        => Refused(kms_abroad(), "PutBucketReplication acme-archive");
    create_verified: KMS "create (verified)", [] => Apply(verified(&kms_abroad()));
    change_rules_verified: KMS "update (rules changed, verified)", [verified(&kms_abroad())]
        => Apply(with_other_rules(&verified(&kms_abroad())));
    read_cross_account_kms: KMS "read", [kms_abroad()] => Read;
    import_cross_account_kms: KMS "import", [kms_abroad()] => Import(ID);
    delete_cross_account_kms: KMS "delete", [kms_abroad()] => Delete;
    delete_with_content: KMS "delete (content, locked)", [with_content(&kms_abroad())] => Delete;
    delete_with_retired_keys: KMS "delete (retired keys)",
        [kms_abroad(), with_other_keys(&kms_abroad())] => Delete;
    add_a_destination: KMS "update (destination added)",
        [kms_abroad()] => Apply(with_another(&kms_abroad()));
    fail_to_add_a_destination: KMS "update that fails (destination added)", [kms_abroad()]
        => Refused(with_another(&kms_abroad()), "PutBucketReplication acme-archive");
    remove_a_destination: KMS "update (destination removed)",
        [forcing(&with_another(&kms_abroad()), "another")] => Apply(kms_abroad());
    swap_the_key_of_plain_objects: KMS "update (key swapped, plain objects)",
        [with_plain_objects()] => Apply(with_another_key_abroad(&with_plain_objects()));
    swap_the_keys: KMS "update (keys swapped)",
        [kms_abroad()] => Apply(with_other_keys(&kms_abroad()));
    change_rules: KMS "update (rules changed)",
        [kms_abroad()] => Apply(with_other_rules(&kms_abroad()));
    change_the_role: KMS "update (role changed)",
        [kms_abroad()] => Apply(with_another_role(&kms_abroad()));

    create_two_way: TWO_WAY "create", [] => Apply(two_way());
    read_two_way: TWO_WAY "read", [two_way()] => Read;
    import_two_way: TWO_WAY "import", [two_way()] => Import(ID);
    delete_two_way: TWO_WAY "delete", [two_way()] => Delete;
    delete_two_way_with_content: TWO_WAY "delete (content, locked)",
        [with_content(&two_way())] => Delete;
    undo_two_way: TWO_WAY "undo of a create", []
        => Refused(two_way(), "PutBucketReplication acme-archive");
    begin_two_way: TWO_WAY "update (made two-way)", [kms_abroad()] => Apply(two_way());
    end_two_way: TWO_WAY "update (made one-way)", [two_way()] => Apply(kms_abroad());
    remove_a_destination_from_two_way: TWO_WAY "update (destination removed)",
        [forcing(&with_another(&two_way()), "backup")]
            => Apply(without(&with_another(&two_way()), "destinations.backup"));
    swap_the_keys_of_two_way: TWO_WAY "update (keys swapped)",
        [two_way()] => Apply(with_other_keys(&two_way()));
    change_the_role_of_two_way: TWO_WAY "update (role changed)",
        [two_way()] => Apply(with_another_role(&two_way()));

    create_existing: EXISTING "create", [] => Apply(existing());
    read_existing: EXISTING "read", [existing()] => Read;
    import_existing: EXISTING "import", [existing()] => Import(EXISTING_ID);
    delete_existing: EXISTING "delete", [existing()] => Delete;
    undo_existing: EXISTING "undo of a create", []
        => Refused(existing(), "PutBucketReplication their-source");
    change_rules_of_existing: EXISTING "update (rules changed)",
        [existing()] => Apply(with(&existing(), "destinations.archive.storage_class", json!("GLACIER_IR")));
    adopt_a_destination: EXISTING "update (destination adopted)",
        [existing()] => Apply(adopted());
    release_a_destination: EXISTING "update (destination released)",
        [existing(), adopted()] => Apply(existing());
}
