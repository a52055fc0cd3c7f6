//! What keeps a setup from working is told by the plan, before anything is made; and once more by the apply, where it
//! came to be in between. Neither changes anything.

use serde_json::{Value as Json, json};

use crate::configs::{ABROAD, HOME, THIRD, with};
use crate::existing::{TARGET, THEIR_ROLE, config, stands, world};
use crate::fake::State;
use crate::terraform::{SOMEBODYS_KEY, Terraform};

const SOURCE: &str = "acme-source";

/// Something that comes in the way, and what is told of it.
struct Row {
    what: &'static str,
    comes: fn(&mut Terraform),
    errors: &'static [&'static str],
}

fn nothing() -> Vec<String> {
    Vec::new()
}

fn key() -> String {
    format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000")
}

/// A source with a key of its own, which replicates into a bucket that is there already, under a key that is.
fn into_theirs() -> Json {
    let source = json!({
        "bucket": SOURCE,
        "account_id": HOME,
        "encryption": { "sse_algorithm": "aws:kms" },
    });
    let told = with(&config(), "source", source);
    let under = json!({ "kms_key_arn": key() });
    with(&told, "destinations.archive.encryption", under)
}

/// The same by a role that is there.
fn by_their_role() -> Json {
    with(
        &into_theirs(),
        "role",
        json!({ "existing_arn": THEIR_ROLE }),
    )
}

/// Somebody changes something at AWS.
fn by_hand(terraform: &Terraform, change: fn(&mut State)) {
    change(&mut terraform.cloud.aws.state());
}

/// A bucket of this name, as their target is, in an account.
fn take_name(aws: &mut State, account: &str) {
    let mut bucket = aws.buckets[TARGET].clone();
    bucket.account = account.to_owned();
    bucket.region = "eu-west-1".to_owned();
    aws.buckets.insert(SOURCE.to_owned(), bucket);
}

const ROWS: &[Row] = &[
    Row {
        what: "the role into an account cannot be assumed",
        comes: |terraform| terraform.cloud.close(ABROAD),
        errors: &["destinations[\"archive\"].assume_role.role_arn: Cannot assume the role"],
    },
    Row {
        what: "the provider's credentials are of an account that its guard does not allow",
        comes: |terraform| {
            terraform.settings.allowed_account_ids = vec![HOME.to_owned()];
            terraform.cloud.land_in(THIRD);
        },
        errors: &[
            "source: The account is not allowed",
            "destinations[\"archive\"]: The account is not allowed",
        ],
    },
    Row {
        what: "the way in leads to another account than the one that is written",
        comes: |terraform| terraform.cloud.land_in(THIRD),
        errors: &["source.account_id: The way in leads to another account"],
    },
    Row {
        what: "a name is another account's",
        comes: |terraform| by_hand(terraform, |aws| take_name(aws, THIRD)),
        errors: &["source.bucket: Bucket acme-source cannot be looked at"],
    },
    Row {
        what: "a name is taken, and not by us",
        comes: |terraform| by_hand(terraform, |aws| take_name(aws, HOME)),
        errors: &["source.bucket: Bucket acme-source is there already"],
    },
    Row {
        what: "the name of the role is taken",
        comes: |terraform| {
            by_hand(terraform, |aws| {
                let existing = (HOME.to_owned(), "existing".to_owned());
                let mut role = aws.roles[&existing].clone();
                role.description.path = "/".to_owned();
                let name = "replication-acme-source";
                role.description.arn = format!("arn:aws:iam::{HOME}:role/{name}");
                aws.roles.insert((HOME.to_owned(), name.to_owned()), role);
            });
        },
        errors: &[
            "role: Role arn:aws:iam::111111111111:role/replication-acme-source is there already",
        ],
    },
    Row {
        what: "the alias is somebody's",
        comes: |terraform| {
            by_hand(terraform, |aws| {
                let theirs = format!("arn:aws:kms:eu-west-1:{HOME}:{SOMEBODYS_KEY}000000000000");
                let place = [HOME, "eu-west-1", "alias/acme-source"].map(str::to_owned);
                aws.aliases.insert(place.into(), theirs);
            });
        },
        errors: &[
            "source: Key arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-4000-8000-000000000000 under alias/acme-source is there already",
        ],
    },
    Row {
        what: "an existing bucket has no versioning",
        comes: |terraform| {
            by_hand(terraform, |aws| {
                aws.buckets.get_mut(TARGET).unwrap().versioning = Some("Suspended".to_owned());
            });
        },
        errors: &[
            "destinations[\"archive\"].enable_versioning: Bucket their-target has no versioning",
        ],
    },
    Row {
        what: "an existing bucket is in another region",
        comes: |terraform| {
            by_hand(terraform, |aws| {
                aws.buckets.get_mut(TARGET).unwrap().region = "us-east-1".to_owned();
            });
        },
        errors: &["destinations[\"archive\"].region: Bucket their-target is in another region"],
    },
    Row {
        what: "an existing key is disabled",
        comes: |terraform| {
            by_hand(terraform, |aws| {
                aws.keys.get_mut(&key()).unwrap().state = "Disabled".to_owned();
            });
        },
        errors: &["destinations[\"archive\"].encryption.kms_key_arn: The key cannot be used"],
    },
    Row {
        what: "an existing key is about to be deleted",
        comes: |terraform| {
            by_hand(terraform, |aws| {
                aws.keys.get_mut(&key()).unwrap().state = "PendingDeletion".to_owned();
            });
        },
        errors: &["destinations[\"archive\"].encryption.kms_key_arn: The key cannot be used"],
    },
    Row {
        what: "an existing key is not there",
        comes: |terraform| by_hand(terraform, |aws| drop(aws.keys.remove(&key()))),
        errors: &["destinations[\"archive\"].encryption.kms_key_arn: The key does not exist"],
    },
    Row {
        what: "an existing role is not there",
        comes: |terraform| by_hand(terraform, |aws| aws.roles.clear()),
        errors: &["role.existing_arn: The existing role does not exist"],
    },
];

/// What a row is tried with.
fn config_of(row: &Row) -> Json {
    if row.errors[0].starts_with("role.existing_arn") {
        by_their_role()
    } else {
        into_theirs()
    }
}

fn assert_untouched(terraform: &Terraform, row: &Row) {
    let wrote: Vec<String> = terraform
        .cloud
        .take_writes()
        .into_iter()
        .map(|w| w.what)
        .collect();
    assert_eq!(wrote, nothing(), "{}", row.what);
}

#[tokio::test(start_paused = true)]
async fn each_obstacle_is_told_by_the_plan_of_a_create_and_again_by_its_apply() {
    for row in ROWS {
        let config = config_of(row);
        let mut terraform = world().await;
        (row.comes)(&mut terraform);
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors, row.errors, "{}", row.what);
        assert_untouched(&terraform, row);

        let mut terraform = world().await;
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.errors, nothing(), "{}", row.what);
        (row.comes)(&mut terraform);
        let said = terraform.carry_out(plan, &config).await;
        assert_eq!(said.errors, row.errors, "{}", row.what);
        assert!(terraform.state.is_null());
        assert_untouched(&terraform, row);
    }
}

#[tokio::test(start_paused = true)]
async fn each_obstacle_to_a_destination_that_comes_is_told_by_the_plan_and_again_by_the_apply() {
    let of_destination = |row: &&Row| row.errors[0].starts_with("destinations");
    for row in ROWS.iter().filter(of_destination) {
        let archive = into_theirs()["destinations"]["archive"].clone();
        let near = with(
            &into_theirs(),
            "destinations",
            json!({ "near": { "region": "us-east-1" } }),
        );
        let both = with(&near, "destinations.archive", archive);
        let made = async || {
            let mut terraform = world().await;
            terraform.converge(&near).await;
            terraform.cloud.take_writes();
            terraform
        };
        let mut terraform = made().await;
        (row.comes)(&mut terraform);
        let plan = terraform.plan(&both).await;
        assert_eq!(plan.said.errors, row.errors, "{}", row.what);
        assert_untouched(&terraform, row);

        let mut terraform = made().await;
        let plan = terraform.plan(&both).await;
        assert_eq!(plan.said.errors, nothing(), "{}", row.what);
        (row.comes)(&mut terraform);
        let said = terraform.carry_out(plan, &both).await;
        assert_eq!(said.errors, row.errors, "{}", row.what);
        assert_untouched(&terraform, row);
        assert_eq!(terraform.at("/destinations/archive"), Json::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_asks_and_changes_nothing() {
    let mut terraform = world().await;
    stands(&terraform, HOME, "eu-west-1", "beside").await;
    let before = format!("{:?}", terraform.cloud.aws.state().buckets);
    let plan = terraform.plan(&into_theirs()).await;
    assert_eq!(plan.said.errors, nothing());
    assert!(!terraform.cloud.take_queries().is_empty());
    assert!(terraform.cloud.take_writes().is_empty());
    assert_eq!(format!("{:?}", terraform.cloud.aws.state().buckets), before);
}
