//! Every call, every fault: each command of Terraform meets each fault at each of its calls. Afterwards nothing is
//! lost, nothing is left over, what is stored is true, and the same command finishes the job.

mod driver;
mod fault;
mod situation;
pub mod trap;

use serde_json::{Value as Json, json};

use crate::configs::{THIRD, deploy, kms_abroad, with, without};
use driver::{Command, Row};

/// The import ID of the setups.
const ID: &str = "111111111111/acme-archive@eu-west-1,arn:aws:iam::222222222222:role/Deploy";

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

/// Another key under the source, which keeps the old one as long as objects may be under it.
fn with_another_key(config: &Json) -> Json {
    let key = json!({ "multi_region": true });
    with(config, "source.encryption.key", key)
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

macro_rules! rows {
    ($($name:ident: $setup:literal $operation:literal, $command:expr;)*) => {$(
        #[test]
        fn $name() {
            Row { setup: $setup, operation: $operation, command: $command }.run();
        }
    )*};
}

rows! {
    create_cross_account_kms: "cross-account-kms" "create", Command::Create(kms_abroad());
    read_cross_account_kms: "cross-account-kms" "read", Command::Read(kms_abroad());
    delete_cross_account_kms: "cross-account-kms" "delete", Command::Delete(kms_abroad());
    add_a_destination: "cross-account-kms" "update (destination added)",
        Command::Update(kms_abroad(), with_another(&kms_abroad()));
    remove_a_destination: "cross-account-kms" "update (destination removed)",
        Command::Update(with_another(&kms_abroad()), kms_abroad());
    swap_a_key: "cross-account-kms" "update (key swapped)",
        Command::Update(kms_abroad(), with_another_key(&kms_abroad()));
    swap_a_key_of_two_way: "two_way" "update (key swapped)",
        Command::Update(two_way(), with_another_key(&two_way()));
    change_rules: "cross-account-kms" "update (rules changed)",
        Command::Update(kms_abroad(), with_other_rules(&kms_abroad()));
    change_the_role: "cross-account-kms" "update (role changed)",
        Command::Update(kms_abroad(), with_another_role(&kms_abroad()));
    import_cross_account_kms: "cross-account-kms" "import", Command::Import(ID, kms_abroad());

    create_two_way: "two_way" "create", Command::Create(two_way());
    read_two_way: "two_way" "read", Command::Read(two_way());
    import_two_way: "two_way" "import", Command::Import(ID, two_way());
    delete_two_way: "two_way" "delete", Command::Delete(two_way());
    begin_two_way: "two_way" "update (made two-way)", Command::Update(kms_abroad(), two_way());
    end_two_way: "two_way" "update (made one-way)", Command::Update(two_way(), kms_abroad());
    remove_a_destination_from_two_way: "two_way" "update (destination removed)",
        Command::Update(with_another(&two_way()), without(&with_another(&two_way()), "destinations.backup"));
    change_the_role_of_two_way: "two_way" "update (role changed)",
        Command::Update(two_way(), with_another_role(&two_way()));
}
