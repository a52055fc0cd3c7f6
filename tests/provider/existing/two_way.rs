//! A destination that is somebody else's and replicates back: our rules beside theirs, in both directions.

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::operation::{
    ReplicationConfiguration, ReplicationRule,
};

use super::{SOURCE, TARGET, bucket, config, refused, roles, their_rule, theirs, world};
use crate::configs::{ABROAD, with};
use crate::terraform::Terraform;

const THEIR_ROLE_BACK: &str = "arn:aws:iam::222222222222:role/service/Existing";
const ROLE_BACK: &str = "destinations.archive.two_way_role";

fn two_way() -> Json {
    with(&config(), "destinations.archive.two_way", json!(true))
}

/// What the destination replicates for its owner, or will; a paused rule needs no grants of theirs.
fn theirs_there() -> ReplicationConfiguration {
    let onwards = ReplicationRule {
        enabled: false,
        ..their_rule("onwards", 3)
    };
    ReplicationConfiguration {
        role: THEIR_ROLE_BACK.to_owned(),
        rules: vec![onwards],
    }
}

fn ids(terraform: &Terraform, name: &str) -> Vec<String> {
    let aws = terraform.cloud.aws.state();
    let rules = aws.buckets[name].replication.iter();
    let rules = rules.flat_map(|configuration| &configuration.rules);
    rules.map(|rule| rule.id.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn it_comes_goes_and_leaves_their_buckets_as_they_were() {
    let mut terraform = world().await;
    let (before, theirs_alone) = (theirs(&terraform), roles(&terraform));
    terraform.converge(&two_way()).await;
    for name in [SOURCE, TARGET] {
        assert_eq!(ids(&terraform, name), ["replicated-archive"]);
    }
    let ungranted = terraform.cloud.aws.state().ungranted.clone();
    assert_eq!(ungranted, Vec::<String>::new());
    terraform.converge(&config()).await;
    assert_eq!(ids(&terraform, TARGET), Vec::<String>::new());
    terraform.converge(&two_way()).await;
    assert_eq!(ids(&terraform, TARGET), ["replicated-archive"]);
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert_eq!(theirs(&terraform), before);
    assert_eq!(roles(&terraform), theirs_alone);
}

#[tokio::test(start_paused = true)]
async fn its_own_rules_stay_beside_the_rule_back_under_the_role_that_they_have() {
    let mut terraform = world().await;
    bucket(&mut terraform.cloud.aws.state(), TARGET).replication = Some(theirs_there());
    let role = json!({ "existing_arn": THEIR_ROLE_BACK });
    let beside = with(&two_way(), ROLE_BACK, role);
    for first in [None, Some(config())] {
        if let Some(first) = first {
            terraform.converge(&first).await;
        }
        terraform.converge(&beside).await;
        assert_eq!(ids(&terraform, TARGET), ["onwards", "replicated-archive"]);
        let one_way = config();
        terraform.converge(&one_way).await;
        let aws = terraform.cloud.aws.state();
        assert_eq!(aws.buckets[TARGET].replication, Some(theirs_there()));
    }
    terraform.converge(&beside).await;
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    let aws = terraform.cloud.aws.state();
    assert_eq!(aws.buckets[TARGET].replication, Some(theirs_there()));
    assert!(
        aws.roles
            .contains_key(&(ABROAD.to_owned(), "existing".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_stand_beside_its_rules_is_refused_at_plan_also_when_it_is_turned_on_later() {
    for first in [None, Some(config())] {
        let mut terraform = world().await;
        if let Some(first) = &first {
            terraform.converge(first).await;
        }
        {
            let mut aws = terraform.cloud.aws.state();
            bucket(&mut aws, TARGET).replication = Some(theirs_there());
            aws.writes.clear();
        }
        refused(
            &mut terraform,
            &two_way(),
            r#"destinations["archive"].two_way_role.existing_arn: The rules of bucket their-target have another role"#,
        )
        .await;
        let role = json!({ "existing_arn": THEIR_ROLE_BACK });
        let taken = with(&two_way(), ROLE_BACK, role);
        refused(
            &mut terraform,
            &with(&taken, "destinations.archive.priority", json!(3)),
            r#"destinations["archive"].bucket: A priority is taken in bucket their-target"#,
        )
        .await;
    }
}
