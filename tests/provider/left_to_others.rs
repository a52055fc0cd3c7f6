//! Policies that are left to their owners: what they lack or deny is told in every plan that looks.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, HOME, deploy, document, kms_abroad, two_destinations, with, without};
use crate::fake::{ManagedPolicy, Role};
use crate::random::surroundings;
use crate::terraform::{SOMEBODYS_KEY, Terraform};

const ROLE: &str = "arn:aws:iam::111111111111:role/service/Existing";
const LACKS: &str = "role.existing_arn: The existing role must grant this";

fn nothing() -> Vec<String> {
    Vec::new()
}

fn by_their_role(config: &Json) -> Json {
    let role = json!({ "existing_arn": ROLE, "manage_policy": false });
    with(config, "role", role)
}

fn change_role(terraform: &Terraform, change: impl FnOnce(&mut Role)) {
    let mut aws = terraform.cloud.aws.state();
    let id = (HOME.to_owned(), "existing".to_owned());
    change(aws.roles.get_mut(&id).unwrap());
}

fn parsed(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).unwrap()
}

/// Their role, with all that a configuration needs: one statement inline, the others in a managed policy.
async fn granted(config: &Json) -> Terraform {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    let said = terraform.apply(config).await;
    assert_eq!(said.errors, nothing());
    assert!(said.warnings.contains(&LACKS.to_owned()), "{said:?}");
    let needed = terraform.at("/role/policy_json");
    let mut rest = parsed(needed.as_str().unwrap());
    let first = PolicyDocument::new(vec![rest.statements.remove(0)]);
    let arn = format!("arn:aws:iam::{HOME}:policy/theirs");
    change_role(&terraform, |role| {
        role.policies.insert("theirs".to_owned(), first);
        role.attached.push(arn.clone());
    });
    let mut aws = terraform.cloud.aws.state();
    let policy = ManagedPolicy {
        versions: vec![("v1".to_owned(), rest)],
        tags: [].into(),
        serial: 1,
    };
    aws.managed_policies.insert(arn, policy);
    drop(aws);
    terraform
}

#[tokio::test(start_paused = true)]
async fn a_role_that_grants_all_by_policies_of_any_kind_is_not_warned_of() {
    let config = by_their_role(&kms_abroad());
    let mut terraform = granted(&config).await;
    let plan = terraform.plan(&config).await;
    assert_eq!(plan.said.warnings, nothing());
    assert!(plan.is_empty);
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_a_role_loses_is_told_in_every_plan_and_no_other_is() {
    let config = by_their_role(&kms_abroad());
    let mut terraform = granted(&config).await;
    let mut lost = PolicyDocument::default();
    change_role(&terraform, |role| {
        lost = role.policies.remove("theirs").unwrap();
    });
    for _ in 0..2 {
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.warnings, [LACKS]);
        let told = &plan.said.warning_details[0];
        assert!(told.contains(&lost.pretty()), "{told}");
        assert!(!told.contains("s3:ReplicateObject"), "{told}");
        assert!(plan.is_empty);
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_reads_plain_objects_as_any_version_lacks_nothing() {
    let plain = with(
        &kms_abroad(),
        "source.encryption",
        json!({ "sse_algorithm": "AES256" }),
    );
    let plain = with(
        &plain,
        "destinations.backup.encryption",
        json!({ "sse_algorithm": "AES256" }),
    );
    for (config, expected) in [(plain, nothing()), (kms_abroad(), vec![LACKS.to_owned()])] {
        let config = by_their_role(&config);
        let mut terraform = granted(&config).await;
        let exchange = |document: &PolicyDocument| {
            let text = document.render().unwrap();
            parsed(&text.replace("VersionForReplication", "Version"))
        };
        {
            let mut aws = terraform.cloud.aws.state();
            for policy in aws.managed_policies.values_mut() {
                for (_, document) in &mut policy.versions {
                    *document = exchange(document);
                }
            }
        }
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.warnings, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_change_asks_of_a_role_is_told_by_the_plan_that_brings_it() {
    let config = by_their_role(&kms_abroad());
    let mut terraform = granted(&config).await;
    let more = by_their_role(&two_destinations());
    let plan = terraform.plan(&more).await;
    assert_eq!(plan.said.warnings, [LACKS]);
    let told = &plan.said.warning_details[0];
    assert!(told.contains("acme-archive-near"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_loses_our_own_policy_in_the_update_is_told_what_it_will_lack() {
    let managed = with(&kms_abroad(), "role", json!({ "existing_arn": ROLE }));
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    terraform.converge(&managed).await;
    let plan = terraform.plan(&by_their_role(&kms_abroad())).await;
    assert_eq!(plan.said.warnings, [LACKS]);
}

fn key(number: usize) -> String {
    format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}00000000000{number}")
}

/// Two destinations under one key of somebody else's, whose policy lets the source's account in.
fn under_one_key() -> (Terraform, Json) {
    let terraform = Terraform::new();
    surroundings(&terraform);
    set_policy(&terraform, 0, &[root(), lets_home_in()]);
    let encryption = json!({ "kms_key_arn": key(0) });
    let config = with(
        &kms_abroad(),
        "destinations.backup.encryption",
        encryption.clone(),
    );
    let second = json!({
        "bucket": "acme-second",
        "region": "us-west-2",
        "assume_role": deploy(ABROAD),
        "encryption": encryption,
    });
    (terraform, with(&config, "destinations.second", second))
}

fn set_policy(terraform: &Terraform, number: usize, statements: &[Json]) {
    let mut aws = terraform.cloud.aws.state();
    aws.keys.get_mut(&key(number)).unwrap().policy = parsed(&document(statements));
}

fn root() -> Json {
    json!({ "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ABROAD}:root") }, "Action": "kms:*", "Resource": "*" })
}

fn lets_home_in() -> Json {
    json!({ "Effect": "Allow", "Principal": { "AWS": HOME }, "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*" })
}

fn keeps_out() -> Json {
    json!({ "Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*" })
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_an_existing_key_loses_is_told_in_every_plan_by_one_question() {
    let (mut terraform, config) = under_one_key();
    let said = terraform.apply(&config).await;
    assert_eq!((said.errors, said.warnings), (nothing(), nothing()));
    terraform.cloud.take_queries();
    assert_eq!(terraform.plan(&config).await.said.warnings, nothing());
    let asked = terraform.cloud.take_queries();
    let policy = format!("GetKeyPolicy {}", key(0));
    assert_eq!(
        asked.iter().filter(|(_, query)| *query == policy).count(),
        1
    );
    set_policy(&terraform, 0, &[root()]);
    for _ in 0..2 {
        let plan = terraform.plan(&config).await;
        let expected = ["backup", "second"].map(|destination| {
            format!("destinations[\"{destination}\"].encryption.kms_key_arn: The key's policy must let the role in")
        });
        assert_eq!(plan.said.warnings, expected);
        assert!(plan.is_empty);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deny_in_the_policy_of_an_existing_key_is_told_before_and_after_it_is_used() {
    let (_, config) = under_one_key();
    let only = without(&config, "destinations.second");
    let by_a_rule = {
        let rule = json!({ "filter": { "prefix": "" }, "replica_kms_key_arn": key(0) });
        with(
            &kms_abroad(),
            "destinations.backup.rules",
            json!({ "all": rule }),
        )
    };
    let managed = with(&only, "destinations.backup.manage_key_policy", json!(true));
    let of_bucket = "destinations[\"backup\"].encryption.kms_key_arn";
    for (config, path) in [
        (only, of_bucket),
        (
            by_a_rule,
            "destinations[\"backup\"].rules[\"all\"].replica_kms_key_arn",
        ),
        (managed, "destinations[\"backup\"].encryption"),
    ] {
        let mut terraform = Terraform::new();
        surroundings(&terraform);
        set_policy(&terraform, 0, &[root(), lets_home_in(), keeps_out()]);
        let told = [format!("{path}: A policy denies replication")];
        assert_eq!(terraform.plan(&config).await.said.warnings, told);
        let said = terraform.apply(&config).await;
        assert_eq!(said.errors, nothing());
        let plan = terraform.plan(&config).await;
        assert_eq!(plan.said.warnings, told);
        assert!(plan.is_empty);
    }
}
