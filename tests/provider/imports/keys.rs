//! Keys of setups that others made: those that objects are under besides, and those that are named in other ways.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::Input;
use terraform_provider_replicated::replication::policy::PolicyDocument;

use super::origins::origin;
use crate::configs::{ABROAD, HOME, document, kms_abroad, with};
use crate::random::{existing_key, surroundings};
use crate::terraform::{Terraform, differences};

const SOURCE: &str = "acme-archive";
const ALIAS: &str = "alias/theirs";
const ADDITIONAL: &str = "/source/encryption/additional_kms_key_arns";

/// The key of the source, and one under which there are objects from before.
fn keys() -> [String; 2] {
    [0, 1].map(|number| existing_key((HOME, "eu-west-1"), number))
}

/// The console's setup, whose role may besides decrypt with these; an object is under the key of before.
async fn with_grant(resources: Json) -> (Terraform, Json) {
    let (terraform, config) = origin("the console").await;
    let text = document(&[json!({
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": resources,
    })]);
    let mut aws = terraform.cloud.aws.state();
    let mut roles = aws.roles.values_mut();
    let role = roles.find(|role| role.description.path == "/service-role/");
    let policy = PolicyDocument::parse(&text).unwrap();
    let policies = &mut role.unwrap().policies;
    policies.insert("KeysOfBefore".to_owned(), policy);
    let used = &mut aws.buckets.get_mut(SOURCE).unwrap().keys_used;
    used.push(keys()[1].clone());
    drop(aws);
    (terraform, config)
}

async fn import(world: &Terraform) -> (Terraform, Vec<String>) {
    let mut terraform = Terraform::over(world.cloud.clone());
    terraform.settings = world.settings.clone();
    let said = terraform.import(SOURCE).await;
    assert_eq!(said.errors, Vec::<String>::new());
    (terraform, said.warnings)
}

/// Whoever imported takes off the role what is not ours, as they are told to.
fn take_off_further_policies(terraform: &Terraform) {
    let mut aws = terraform.cloud.aws.state();
    for role in aws.roles.values_mut() {
        role.policies.retain(|name, _| name == "replication");
        role.attached.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_the_role_decrypts_with_stay_in_use_without_the_policy_that_told_them() {
    let [own, before] = keys();
    let there_no_more = own.replace("000000000000", "999999999999");
    let far = existing_key((HOME, "us-east-1"), 1);
    for generated in [false, true] {
        let resources = json!([own, before, far, there_no_more]);
        let (world, config) = with_grant(resources).await;
        let (mut terraform, _) = import(&world).await;
        assert_eq!(terraform.at(ADDITIONAL), json!([before]));
        let config = match generated {
            true => terraform.generated().await,
            false => config,
        };
        let plan = terraform.plan(&config).await;
        let changes = differences(&terraform.state, &plan.planned);
        let changed: Vec<&str> = changes
            .iter()
            .filter_map(|c| c.split(": ").next())
            .collect();
        assert_eq!(changed, ["components.role/policy"]);
        terraform.converge(&config).await;
        take_off_further_policies(&terraform);
        let aws = terraform.cloud.aws.state();
        assert_eq!(aws.audit(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_needs_any_more_go_by_an_empty_list() {
    let (world, config) = with_grant(json!(keys())).await;
    let (mut terraform, _) = import(&world).await;
    terraform.converge(&config).await;
    let none = with(
        &config,
        "source.encryption.additional_kms_key_arns",
        json!([]),
    );
    terraform.converge(&none).await;
    assert_eq!(terraform.at(ADDITIONAL), json!([]));
    terraform.converge(&config).await;
    assert_eq!(terraform.at(ADDITIONAL), json!([keys()[1]]));
}

#[tokio::test(start_paused = true)]
async fn a_grant_for_every_key_is_warned_of_because_it_names_none() {
    let warning = "source.encryption.additional_kms_key_arns: Objects may be under keys that are told nowhere";
    for (resource, told) in [("*", true), ("arn:aws:kms:us-east-1:*:key/*", false)] {
        let (world, config) = with_grant(json!(resource)).await;
        let (mut terraform, warnings) = import(&world).await;
        assert_eq!(warnings.contains(&warning.to_owned()), told, "{warnings:?}");
        assert_eq!(terraform.at(ADDITIONAL), json!(null));
        let said = terraform.plan(&config).await.said;
        assert!(!said.warnings.contains(&warning.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn policies_that_may_not_be_read_are_told_of() {
    let (world, _) = with_grant(json!(keys())).await;
    world.cloud.refuse(
        "GetPolicy arn:aws:iam::111111111111:policy/service-role/s3crr_for_acme-archive_1a2b3c",
    );
    let (terraform, warnings) = import(&world).await;
    let warning = "role: Policies of the role could not be read".to_owned();
    assert!(warnings.contains(&warning), "{warnings:?}");
    // What can be read counts.
    assert_eq!(terraform.at(ADDITIONAL), json!([keys()[1]]));
}

#[tokio::test(start_paused = true)]
async fn additional_keys_of_this_provider_import_and_plan_empty() {
    let additional = "encryption.additional_kms_key_arns";
    let near = with(
        &kms_abroad(),
        &format!("source.{additional}"),
        json!(keys()),
    );
    let role = json!({ "existing_arn": crate::random::existing_role(HOME) });
    let in_a_role_of_theirs = with(&near, "role", role);
    let far = json!([existing_key((ABROAD, "us-west-2"), 1)]);
    let both = with(&near, "destinations.backup.two_way", json!(true));
    let both = with(&both, &format!("destinations.backup.{additional}"), far);
    for config in [near, in_a_role_of_theirs, both] {
        let mut first = Terraform::new();
        surroundings(&first);
        first.converge(&config).await;
        // Somebody lets the roles decrypt with more than that, which is none of ours.
        let every =
            document(&[json!({ "Effect": "Allow", "Action": "kms:*", "Resource": keys() })]);
        for role in first.cloud.aws.state().roles.values_mut() {
            let policy = PolicyDocument::parse(&every).unwrap();
            role.policies.insert("more".to_owned(), policy);
        }
        let mut second = Terraform::over(first.cloud.clone());
        let id = first.at("/import_id");
        let said = second.import(id.as_str().unwrap()).await;
        assert_eq!(said.errors, Vec::<String>::new());
        second.assert_settled(&config).await;
        second.assert_generated_settles().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_default_key_that_is_not_named_by_its_arn_imports_by_it_and_stays_as_it_is() {
    let [own, _] = keys();
    let id = own.rsplit('/').next().unwrap().to_owned();
    for named in [Some(id), Some(ALIAS.to_owned()), None] {
        let (world, config) = origin("the console").await;
        {
            let mut aws = world.cloud.aws.state();
            for alias in [ALIAS, "alias/aws/s3"] {
                let place = (HOME.to_owned(), "eu-west-1".to_owned(), alias.to_owned());
                aws.aliases.insert(place, own.clone());
            }
            let encryption = &mut aws.buckets.get_mut(SOURCE).unwrap().encryption;
            encryption.kms_key = named.clone().map(Input::Known);
        }
        let (mut terraform, _) = import(&world).await;
        let of_source = |terraform: &Terraform| terraform.at("/source/encryption/kms_key_arn");
        assert_eq!(of_source(&terraform), json!(own), "{named:?}");
        for config in [config, terraform.generated().await] {
            let plan = terraform.plan(&config).await;
            let changes = differences(&terraform.state, &plan.planned);
            assert!(
                changes
                    .iter()
                    .all(|change| change.starts_with("components.role/policy:")),
                "{changes:?}"
            );
            terraform.converge(&config).await;
        }
        let aws = &terraform.cloud.aws;
        let now = aws.state().buckets[SOURCE].encryption.kms_key.clone();
        assert_eq!(now, named.clone().map(Input::Known));
        if named.is_some_and(|name| name.starts_with("alias/")) {
            let place = (HOME.to_owned(), "eu-west-1".to_owned(), ALIAS.to_owned());
            aws.state().aliases.insert(place, keys()[1].clone());
            // New objects are under another key from now on.
            assert_eq!(terraform.refresh().await.errors, Vec::<String>::new());
            assert_eq!(of_source(&terraform), json!(keys()[1]));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_never_replicated_under_kms_is_warned_of_and_mended_by_one_word() {
    let (world, config) = origin("the console").await;
    {
        let mut aws = world.cloud.aws.state();
        let source = aws.buckets.get_mut(SOURCE).unwrap();
        let rule = &mut source.replication.as_mut().unwrap().rules[0];
        rule.sse_kms_encrypted_objects = None;
        rule.replica_kms_key = None;
    }
    take_off_further_policies(&world);
    let warning = "destinations[\"backup\"].replicate_encrypted_objects: Objects under KMS are not replicated".to_owned();
    let (mut terraform, _) = import(&world).await;
    let plan = terraform.plan(&config).await;
    assert!(plan.said.warnings.contains(&warning), "{:?}", plan.said);
    let written = "destinations.backup.replicate_encrypted_objects";
    let meant = terraform.plan(&with(&config, written, json!(false))).await;
    assert!(!meant.said.warnings.contains(&warning));
    let mended = with(&config, written, json!(true));
    let warnings = terraform.converge(&mended).await;
    assert!(!warnings.contains(&warning), "{warnings:?}");
    assert_eq!(terraform.cloud.aws.state().audit(), Vec::<String>::new());
}

/// The console's setup, whose rule names the key of its replicas by an alias.
async fn with_an_alias_in_the_rule() -> (Terraform, Json, String) {
    let (world, config) = origin("the console").await;
    let alias = format!("arn:aws:kms:us-west-2:{ABROAD}:{ALIAS}");
    let mut aws = world.cloud.aws.state();
    let source = aws.buckets.get_mut(SOURCE).unwrap();
    let rule = &mut source.replication.as_mut().unwrap().rules[0];
    rule.replica_kms_key = Some(Input::Known(alias.clone()));
    drop(aws);
    (world, config, alias)
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_names_an_alias_imports_with_the_keys_arn_and_is_written_with_it() {
    let far = existing_key((ABROAD, "us-west-2"), 0);
    for generated in [false, true] {
        let (world, config, alias) = with_an_alias_in_the_rule().await;
        let place = (ABROAD.to_owned(), "us-west-2".to_owned(), ALIAS.to_owned());
        world.cloud.aws.state().aliases.insert(place, far.clone());
        let (mut terraform, _) = import(&world).await;
        let config = match generated {
            true => terraform.generated().await,
            false => config,
        };
        let plan = terraform.plan(&config).await;
        let changes = differences(&terraform.state, &plan.planned);
        assert_eq!(
            changes[1..],
            [format!(
                "components.source/replication: copy everything (rule changed: copy everything; key of copy everything is {alias}) -> copy everything"
            )]
        );
        terraform.converge(&config).await;
        take_off_further_policies(&terraform);
        let aws = terraform.cloud.aws.state();
        assert_eq!(aws.audit(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_whose_alias_leads_nowhere_is_not_imported() {
    let (world, _, alias) = with_an_alias_in_the_rule().await;
    let mut terraform = Terraform::over(world.cloud.clone());
    terraform.settings = world.settings.clone();
    let said = terraform.import(SOURCE).await;
    assert_eq!(
        said.errors,
        ["destinations[\"backup\"]: The key of the replicas is not found"]
    );
    for words in [alias.as_str(), "copy everything", "the key's own ARN"] {
        assert!(said.details[0].contains(words), "{:?}", said.details);
    }
    assert!(terraform.state.is_null());
}
