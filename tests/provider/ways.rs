//! Ways into accounts that change: a role or a profile with another name, credentials of another account, an account
//! block that comes or goes.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::ids::{AssumeRole, WayIn};

use crate::configs::{ABROAD, HOME, THIRD, deploy, kms_abroad, two_destinations, with, without};
use crate::terraform::{Terraform, differences};

/// The role of [`deploy`] in the account of the destination `backup`.
const DEPLOY: &str = "arn:aws:iam::222222222222:role/Deploy";
const RENAMED: &str = "arn:aws:iam::222222222222:role/Deployer";
const IMPORT_ID: &str = "111111111111/acme-archive@eu-west-1";
const ROLE: &str = "destinations.backup.assume_role.role_arn";
const CANNOT_ASSUME: &str = "destinations[\"backup\"].assume_role.role_arn: Cannot assume the role";
const ELSEWHERE: &str = "destinations[\"backup\"].account_id: The way in leads to another account";
const NOT_ENTERED: &str = "destinations[\"backup\"]: destination/backup cannot be entered";

fn nothing() -> Vec<String> {
    Vec::new()
}

/// The provider's `account` block for the account of `backup`, with this role.
fn block(terraform: &mut Terraform, role_arn: &str) {
    let role = AssumeRole {
        role_arn: role_arn.to_owned(),
        ..AssumeRole::default()
    };
    let way_in = WayIn {
        assume_role: vec![role],
        ..WayIn::default()
    };
    terraform
        .settings
        .accounts
        .insert(ABROAD.to_owned(), way_in);
}

/// The same destinations, `backup` by its account alone.
fn by_account(config: &Json) -> Json {
    let told = with(config, "destinations.backup.account_id", json!(ABROAD));
    without(&told, "destinations.backup.assume_role")
}

async fn made(config: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    terraform.converge(config).await;
    terraform.cloud.take_writes();
    terraform
}

fn wrote(terraform: &Terraform) -> Vec<String> {
    let writes = terraform.cloud.take_writes();
    writes.into_iter().map(|write| write.what).collect()
}

#[tokio::test(start_paused = true)]
async fn a_deploy_role_with_another_name_is_an_update_without_a_write() {
    let mut terraform = made(&kms_abroad()).await;
    let before = terraform.shown();
    terraform.cloud.bar(DEPLOY);
    let said = terraform.refresh().await;
    assert_eq!(said.errors, nothing());
    assert_eq!(said.warnings, [NOT_ENTERED]);
    assert_eq!(terraform.shown(), before);
    let plan = terraform.plan(&kms_abroad()).await;
    assert_eq!(plan.said.errors, [CANNOT_ASSUME]);

    let renamed = with(&kms_abroad(), ROLE, json!(RENAMED));
    let plan = terraform.plan(&renamed).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        [
            format!("{ROLE}: {DEPLOY} -> {RENAMED}"),
            format!("import_id: {IMPORT_ID},{DEPLOY} -> {IMPORT_ID},{RENAMED}"),
        ]
    );
    let said = terraform.carry_out(plan, &renamed).await;
    assert_eq!(said.errors, nothing());
    assert_eq!(wrote(&terraform), nothing());
    assert_eq!(terraform.refresh().await.warnings, nothing());
    terraform.assert_settled(&renamed).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deploy_role_of_the_source_with_another_name_is_an_update_without_a_write() {
    let role = "source.assume_role.role_arn";
    let (deploy_role, renamed_role) = (DEPLOY.replace(ABROAD, HOME), RENAMED.replace(ABROAD, HOME));
    let at_home = with(&kms_abroad(), "source.assume_role", deploy(HOME));
    let mut terraform = made(&at_home).await;
    let before = terraform.shown();
    terraform.cloud.bar(&deploy_role);
    let said = terraform.refresh().await;
    assert_eq!(said.errors, nothing());
    assert_eq!(said.warnings, ["source: source cannot be entered"]);
    assert_eq!(terraform.shown(), before);

    let renamed = with(&at_home, role, json!(renamed_role));
    let said = terraform.apply(&renamed).await;
    assert_eq!(said.errors, nothing());
    assert_eq!(wrote(&terraform), nothing());
    assert_eq!(terraform.refresh().await.warnings, nothing());
    terraform.assert_settled(&renamed).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
    assert!(terraform.cloud.aws.state().buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_changed_at_aws_in_the_meantime_shows_once_the_new_role_is_known() {
    let mut terraform = made(&kms_abroad()).await;
    terraform.cloud.bar(DEPLOY);
    {
        let mut aws = terraform.cloud.aws.state();
        let copy = aws.buckets.get_mut("acme-archive-backup").unwrap();
        copy.policy = None;
    }
    let renamed = with(&kms_abroad(), ROLE, json!(RENAMED));
    let said = terraform.apply(&renamed).await;
    assert_eq!(said.errors, nothing());
    terraform.converge(&renamed).await;
    assert_eq!(wrote(&terraform), ["PutBucketPolicy acme-archive-backup"]);
}

#[tokio::test(start_paused = true)]
async fn another_profile_is_an_update_without_a_write() {
    let profile = "destinations.near.profile";
    let old = with(&two_destinations(), profile, json!("old"));
    let mut terraform = made(&old).await;
    terraform.cloud.bar("old");
    let plan = terraform.plan(&old).await;
    assert_eq!(plan.said.errors.len(), 1, "{:?}", plan.said);
    assert!(
        plan.said.errors[0].starts_with("destinations[\"near\"].profile: "),
        "{:?}",
        plan.said
    );

    let new = with(&old, profile, json!("new"));
    let plan = terraform.plan(&new).await;
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        [format!("{profile}: old -> new")]
    );
    assert_eq!(terraform.carry_out(plan, &new).await.errors, nothing());
    terraform.assert_settled(&new).await;
    assert_eq!(wrote(&terraform), nothing());
}

#[tokio::test(start_paused = true)]
async fn a_way_into_the_sources_account_comes_and_goes_without_a_write() {
    let mut terraform = made(&kms_abroad()).await;
    let by_role = with(&kms_abroad(), "source.assume_role", deploy(HOME));
    for config in [&by_role, &kms_abroad()] {
        let plan = terraform.plan(config).await;
        assert_eq!(plan.replaced_by, nothing());
        for line in differences(&terraform.state, &plan.planned) {
            let way = line.starts_with("source.assume_role") || line.starts_with("import_id");
            assert!(way, "{line}");
        }
        terraform.converge(config).await;
    }
    assert_eq!(wrote(&terraform), nothing());
}

#[tokio::test(start_paused = true)]
async fn where_the_way_in_state_is_closed_the_account_block_is_tried() {
    let mut terraform = made(&kms_abroad()).await;
    terraform.cloud.bar(DEPLOY);
    block(&mut terraform, RENAMED);
    {
        let mut aws = terraform.cloud.aws.state();
        let copy = aws.buckets.get_mut("acme-archive-backup").unwrap();
        copy.tags.insert("by".to_owned(), "hand".to_owned());
    }
    let said = terraform.refresh().await;
    assert_eq!((said.errors, said.warnings), (nothing(), nothing()));
    assert_eq!(
        terraform.at("/destinations/backup/tags"),
        json!({ "by": "hand" })
    );
    let config = by_account(&kms_abroad());
    let said = terraform.apply(&config).await;
    assert_eq!(said.errors, nothing());
    assert_eq!(wrote(&terraform).len(), 1);
    terraform.assert_settled(&config).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_by_a_way_that_is_closed_fails_at_plan() {
    let mut terraform = made(&kms_abroad()).await;
    terraform.cloud.bar(DEPLOY);
    block(&mut terraform, RENAMED);
    terraform.assert_settled(&kms_abroad()).await;
    let tagged = with(
        &kms_abroad(),
        "destinations.backup.tags",
        json!({ "team": "storage" }),
    );
    let plan = terraform.plan(&tagged).await;
    assert_eq!(plan.said.errors, [CANNOT_ASSUME]);
}

#[tokio::test(start_paused = true)]
async fn a_role_in_another_account_is_an_error_and_no_replacement() {
    let mut terraform = made(&kms_abroad()).await;
    let elsewhere = with(
        &kms_abroad(),
        "destinations.backup.assume_role",
        deploy(THIRD),
    );
    let guarded = with(&elsewhere, "destinations.backup.account_id", json!(ABROAD));
    for config in [elsewhere, guarded] {
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.replaced_by, nothing());
        assert_eq!(plan.said.errors, [ELSEWHERE]);
    }
    assert_eq!(wrote(&terraform), nothing());
    terraform.assert_settled(&kms_abroad()).await;
}

#[tokio::test(start_paused = true)]
async fn own_credentials_of_another_account_are_an_error_and_no_replacement() {
    let mut terraform = made(&two_destinations()).await;
    let before = terraform.shown();
    terraform.cloud.land_in(THIRD);
    for config in [
        two_destinations(),
        with(&two_destinations(), "source.account_id", json!(HOME)),
        with(&two_destinations(), "tags", json!({ "team": "storage" })),
    ] {
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.replaced_by, nothing());
        assert_eq!(
            plan.said.errors,
            [
                "source.account_id: The way in leads to another account",
                "destinations[\"near\"].account_id: The way in leads to another account",
            ]
        );
    }
    let said = terraform.destroy().await;
    assert_ne!(said.errors, nothing());
    assert_eq!(terraform.shown(), before);
    assert_eq!(wrote(&terraform), nothing());
    terraform.cloud.recover();
    terraform.assert_settled(&two_destinations()).await;
}

#[tokio::test(start_paused = true)]
async fn own_credentials_of_another_account_are_an_error_without_a_refresh_too() {
    let mut terraform = made(&two_destinations()).await;
    terraform.cloud.land_in(THIRD);
    terraform.refreshing = false;
    let tagged = with(&two_destinations(), "tags", json!({ "team": "storage" }));
    let said = terraform.apply(&tagged).await;
    assert_ne!(said.errors, nothing());
    assert_eq!(wrote(&terraform), nothing());
    terraform.cloud.recover();
    terraform.refreshing = true;
    terraform.assert_settled(&two_destinations()).await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_goes_together_with_its_account_block() {
    let mut terraform = Terraform::new();
    block(&mut terraform, DEPLOY);
    terraform.converge(&by_account(&two_destinations())).await;
    terraform.settings.accounts.clear();
    let left = without(&two_destinations(), "destinations.backup");
    assert_eq!(terraform.refresh().await.warnings, nothing());
    terraform.converge(&left).await;
    let aws = terraform.cloud.aws.state();
    assert!(!aws.buckets.contains_key("acme-archive-backup"));
    let abroad = aws.keys.iter().filter(|(arn, _)| arn.contains(ABROAD));
    let states: Vec<&str> = abroad.map(|(_, key)| key.state.as_str()).collect();
    assert_eq!(states, ["PendingDeletion"]);
}

#[tokio::test(start_paused = true)]
async fn a_destination_whose_account_block_went_alone_is_an_error() {
    let mut terraform = Terraform::new();
    block(&mut terraform, DEPLOY);
    let config = by_account(&two_destinations());
    terraform.converge(&config).await;
    terraform.cloud.take_writes();
    terraform.settings.accounts.clear();
    let tagged = with(&config, "tags", json!({ "team": "storage" }));
    let plan = terraform.plan(&tagged).await;
    assert_eq!(plan.said.errors, [ELSEWHERE]);
    assert_eq!(wrote(&terraform), nothing());
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_goes_takes_the_account_block_where_its_own_role_is_gone() {
    let mut terraform = made(&two_destinations()).await;
    terraform.cloud.bar(DEPLOY);
    let left = without(&two_destinations(), "destinations.backup");
    let plan = terraform.plan(&left).await;
    assert_ne!(plan.said.errors, nothing());
    assert_eq!(wrote(&terraform), nothing());

    block(&mut terraform, RENAMED);
    terraform.converge(&left).await;
    let aws = terraform.cloud.aws.state();
    assert!(!aws.buckets.contains_key("acme-archive-backup"));
}

#[tokio::test(start_paused = true)]
async fn a_destroy_enters_by_what_the_state_knows() {
    // By the role in the state, and by that of an account block that is no longer there.
    let mut by_role = made(&kms_abroad()).await;
    let mut by_block = Terraform::new();
    block(&mut by_block, RENAMED);
    by_block.converge(&by_account(&kms_abroad())).await;
    by_block.settings.accounts.clear();
    // By an account block, where the role in the state is gone.
    let mut renamed = made(&kms_abroad()).await;
    renamed.cloud.bar(DEPLOY);
    block(&mut renamed, RENAMED);
    for terraform in [&mut by_role, &mut by_block, &mut renamed] {
        for refreshing in [false, true] {
            terraform.refreshing = refreshing;
            let said = terraform.destroy().await;
            assert_eq!((said.errors, said.warnings), (nothing(), nothing()));
        }
        let aws = terraform.cloud.aws.state();
        assert!(aws.buckets.is_empty() && aws.roles.is_empty());
        assert!(aws.keys.values().all(|key| key.state == "PendingDeletion"));
    }
}
