//! What others may do beside us, and what means the same: a plan shows nothing, and an apply of another change
//! leaves it as it is.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::ignored_tags::IgnoredTags;
use terraform_provider_replicated::replication::operation::Tags;
use terraform_provider_replicated::replication::policy::{
    Element, PolicyDocument, Principals, Statement,
};

use super::configs::{
    theirs, whole, with_lifecycle_rules, with_nothing_blocked, with_policies, with_two_rules,
};
use super::tally::HARMLESS;
use super::{
    BACKUP, SOURCE, bucket, key, key_arn, replication, role, rule, statement, statements, world,
};
use crate::as_text::picture;
use crate::configs::{HOME, with};
use crate::existing;
use crate::fake::State;
use crate::terraform::differences;

/// Something that is no difference.
struct Row {
    name: &'static str,
    config: fn() -> Json,
    by_hand: fn(&mut State),
    /// Whether it is there; none where it is ours and only spelled otherwise.
    stays: Option<fn(&mut State) -> bool>,
}

macro_rules! harmless {
    (
        beside us { $($name:ident: $config:expr, $by_hand:expr, stays $stays:expr;)+ }
        the same { $($same:ident: $config_of_same:expr, $spell:expr;)+ }
    ) => {
        const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            config: $config,
            by_hand: $by_hand,
            stays: Some($stays),
        },)+ $(Row {
            name: stringify!($same),
            config: $config_of_same,
            by_hand: $spell,
            stays: None,
        },)+];

        harmless!(tests: $($name)+ $($same)+);
    };
    (tests: $($name:ident)+) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                let row = ROWS.iter().find(|row| row.name == stringify!($name));
                check(row.unwrap()).await;
            }
        )+
    };
}

/// A change that writes every document: rules, policies of buckets and keys, grants, lifecycle rules and tags.
fn changed(config: &Json) -> Json {
    let changed = with(config, "tags", json!({ "team": "ops" }));
    let key = config["destinations"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap();
    let at = |attribute: &str| format!("destinations.{key}.{attribute}");
    let changed = with(&changed, &at("delete_marker_replication"), json!(true));
    if config["source"]["existing"] == json!(true) {
        return changed;
    }
    let policy = crate::configs::policy("kms:DescribeKey", "*");
    let encryption = json!({ "sse_algorithm": "aws:kms", "key": { "policy": policy } });
    let changed = with(&changed, &at("encryption"), encryption.clone());
    let changed = with(&changed, "source.encryption", encryption);
    with(
        &changed,
        &at("lifecycle_rules.more"),
        json!({ "abort_incomplete_multipart_upload_days": 9 }),
    )
}

async fn check(row: &Row) {
    let mut progress = HARMLESS.begin(ROWS.len());
    let config = (row.config)();
    let mut terraform = world(&config).await;
    terraform.settings.ignored_tags = IgnoredTags {
        keys: ["cost".to_owned()].into(),
        key_prefixes: ["scanner:".to_owned()].into(),
    };
    terraform.converge(&config).await;
    let untouched = picture(&terraform.cloud.aws.state());
    (row.by_hand)(&mut terraform.cloud.aws.state());
    assert_ne!(picture(&terraform.cloud.aws.state()), untouched);

    let before = terraform.shown();
    let plan = terraform.plan(&config).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    assert_eq!(
        differences(&terraform.state, &plan.planned),
        Vec::<String>::new()
    );
    assert_eq!(terraform.shown(), before, "a refresh found something");
    progress.step();

    terraform.converge(&changed(&config)).await;
    if let Some(stays) = row.stays {
        assert!(
            stays(&mut terraform.cloud.aws.state()),
            "an apply took it away"
        );
    }
    progress.step();
    let said = terraform.destroy().await;
    assert_eq!(said.errors, Vec::<String>::new());
}

fn foreign(resource: &str) -> PolicyDocument {
    statements(&format!(
        r#"{{"Statement":[{{"Sid":"Theirs","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"{resource}"}}]}}"#
    ))
}

fn has_theirs(policy: &PolicyDocument) -> bool {
    policy.statements.iter().any(|s| s.name() == Some("Theirs"))
}

fn policy(aws: &mut State) -> &mut PolicyDocument {
    bucket(aws, BACKUP).policy.as_mut().unwrap()
}

/// The tags of everything that has any.
fn tag_sets(aws: &mut State) -> Vec<&mut Tags> {
    let ours = |tags: &&mut Tags| tags.contains_key("team");
    let buckets = aws.buckets.values_mut().map(|bucket| &mut bucket.tags);
    let keys = aws.keys.values_mut().map(|key| &mut key.tags);
    let roles = aws
        .roles
        .values_mut()
        .map(|role| &mut role.description.tags);
    buckets.chain(keys).chain(roles).filter(ours).collect()
}

fn actions(statement: &mut Statement) -> &mut Vec<String> {
    let Some(Element::Is(actions)) = &mut statement.action else {
        panic!("no actions");
    };
    actions
}

fn principal(aws: &mut State) -> &mut Vec<String> {
    let Some(Element::Is(Principals::Of(kinds))) = &mut statement(policy(aws), "Read").principal
    else {
        panic!("no principal");
    };
    kinds.get_mut("AWS").unwrap()
}

harmless! {
beside us {
    somebody_else_has_a_statement_in_the_policy_of_the_destination: whole,
        |aws| policy(aws).statements.insert(0, foreign("arn:aws:s3:::acme-archive-backup/private/*").statements.remove(0)),
        stays |aws| has_theirs(policy(aws));

    somebody_else_has_a_policy_on_the_source: whole,
        |aws| bucket(aws, SOURCE).policy = Some(foreign("arn:aws:s3:::acme-archive/private/*")),
        stays |aws| bucket(aws, SOURCE).policy.as_ref().is_some_and(has_theirs);

    somebody_else_has_a_statement_in_the_policy_of_a_key: whole,
        |aws| {
            let theirs = r#"{"Statement":{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"kms:DescribeKey","Resource":"*"}}"#;
            key(aws, BACKUP).policy.statements.insert(0, statements(theirs).statements.remove(0));
        },
        stays |aws| has_theirs(&key(aws, BACKUP).policy);

    a_policy_has_an_id: whole,
        |aws| policy(aws).id = Some("theirs".to_owned()),
        stays |aws| policy(aws).id.is_some();

    somebody_else_has_further_rules_on_their_source: theirs,
        |aws| {
            let mut rule = replication(aws, existing::SOURCE).rules[0].clone();
            rule.id = "theirs-as-well".to_owned();
            rule.priority = Some(60);
            replication(aws, existing::SOURCE).rules.push(rule);
        },
        stays |aws| replication(aws, existing::SOURCE).rules.iter().any(|rule| rule.id == "theirs-as-well");

    settings_of_somebody_elses_buckets_change: theirs,
        |aws| {
            let target = bucket(aws, existing::TARGET);
            target.ownership = "BucketOwnerPreferred".to_owned();
            target.public_access_block = None;
            target.tags.insert("more".to_owned(), "theirs".to_owned());
        },
        stays |aws| bucket(aws, existing::TARGET).tags.contains_key("more")
            && bucket(aws, existing::TARGET).public_access_block.is_none()
            && bucket(aws, existing::TARGET).ownership == "BucketOwnerPreferred";

    tags_are_there_that_the_provider_ignores: whole,
        |aws| {
            for tags in tag_sets(aws) {
                tags.insert("cost".to_owned(), "7".to_owned());
                tags.insert("scanner:run".to_owned(), "yesterday".to_owned());
            }
        },
        stays |aws| {
            let sets = tag_sets(aws);
            sets.len() == 5 && sets.iter().all(|tags| tags.contains_key("cost") && tags.contains_key("scanner:run"))
        };

    tags_are_there_that_aws_sets: whole,
        |aws| drop(bucket(aws, BACKUP).tags.insert("aws:cloudformation:stack-name".to_owned(), "x".to_owned())),
        stays |aws| bucket(aws, BACKUP).tags.contains_key("aws:cloudformation:stack-name");

    the_role_has_further_policies: whole,
        |aws| {
            role(aws).policies.insert("by-hand".to_owned(), PolicyDocument::default());
            role(aws).attached.push("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
        },
        stays |aws| role(aws).policies.contains_key("by-hand") && role(aws).attached.len() == 1;

    a_key_has_a_further_alias: whole,
        |aws| {
            let arn = key_arn(aws, SOURCE);
            let id = (HOME.to_owned(), "eu-west-1".to_owned(), "alias/a-further-one".to_owned());
            aws.aliases.insert(id, arn);
        },
        stays |aws| aws.aliases.keys().any(|(_, _, name)| name == "alias/a-further-one");

    encryption_is_blocked_where_nobody_wrote_what: whole,
        |aws| bucket(aws, BACKUP).encryption.blocked_encryption_types = vec!["SSE-C".to_owned()],
        stays |aws| bucket(aws, BACKUP).encryption.blocked_encryption_types == ["SSE-C"];

}

the same {

    statements_stand_in_another_order: with_policies,
        |aws| policy(aws).statements.reverse();

    statements_of_a_key_stand_in_another_order: with_policies,
        |aws| key(aws, BACKUP).policy.statements.reverse();

    actions_stand_in_another_order: whole,
        |aws| actions(statement(policy(aws), "ReplicatedObjects")).reverse();

    actions_are_in_lower_case: whole,
        |aws| actions(statement(policy(aws), "ReplicatedObjects")).iter_mut().for_each(|action| *action = action.to_lowercase());

    an_account_is_named_by_its_root: with_policies,
        |aws| *principal(aws) = vec!["arn:aws:iam::333333333333:root".to_owned()];

    the_role_is_granted_the_same_in_another_order: whole,
        |aws| {
            let grants = &mut role(aws).policies.get_mut("replication").unwrap().statements;
            grants.reverse();
            grants.iter_mut().for_each(|grant| actions(grant).reverse());
        };

    trust_is_written_with_lists: whole,
        |aws| role(aws).description.trust_policy = r#"{"Version":"2012-10-17","Statement":{"Sid":"AssumedByS3","Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com"]}}}"#.to_owned();

    what_a_rule_does_not_do_is_written_out: whole,
        |aws| {
            let rule = rule(aws);
            rule.replica_modifications = Some(false);
            rule.replication_time = Some((false, 15));
            rule.metrics = Some((false, None));
            rule.filter.as_mut().unwrap().prefix = Some(String::new());
        };

    rules_stand_in_another_order: with_two_rules,
        |aws| replication(aws, SOURCE).rules.reverse();

    a_lifecycle_rule_says_that_objects_have_a_size: with_lifecycle_rules,
        |aws| {
            let rules = &mut bucket(aws, BACKUP).lifecycle.as_mut().unwrap().rules;
            rules.get_mut("uploads").unwrap().scope.object_size_greater_than = Some(0);
        };

    nothing_blocked_is_written_out: with_nothing_blocked,
        |aws| bucket(aws, BACKUP).encryption.blocked_encryption_types.clear();
}
}
