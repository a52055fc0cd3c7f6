//! Numbers of rules that only the source's present rules can tell.

use serde_json::json;

use super::{beside_rules, config, world};
use crate::configs::with;
use crate::terraform::differences;

#[tokio::test(start_paused = true)]
async fn a_destination_that_comes_leaves_open_its_number_and_what_follows_from_new_things_alone() {
    let mut terraform = world().await;
    let kms = json!({ "sse_algorithm": "aws:kms" });
    let encrypted = with(&config(), "source.encryption", kms.clone());
    let encrypted = with(&encrypted, "source.enable_encryption", json!(true));
    let encrypted = with(&encrypted, "destinations.archive.encryption", kms);
    terraform.converge(&encrypted).await;

    let one_rule = json!({ "region": "eu-central-1" });
    let two_rules = json!({ "region": "eu-central-1", "rules": {
        "logs": { "filter": { "prefix": "logs/" } },
        "rest": { "filter": { "prefix": "rest/" } },
    } });
    for added in [one_rule, two_rules] {
        let near = with(&encrypted, "destinations.near", added);
        let plan = terraform.plan(&near).await;
        assert_eq!(plan.said.errors, Vec::<String>::new());
        let changed = differences(&terraform.state, &plan.planned);
        let paths = changed.iter().filter_map(|line| line.split_once(':'));
        let paths: Vec<&str> = paths.map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "components.destination/near/alias",
                "components.destination/near/bucket",
                "components.destination/near/key",
                "components.source/replication",
                "destinations.near",
                "role.policy_json",
            ]
        );
        assert!(changed[4].contains("priority = (known after apply)"));
        terraform.converge(&near).await;
        terraform.converge(&encrypted).await;
    }
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_comes_gets_a_number_that_no_rule_of_others_has() {
    let (mut terraform, config) = beside_rules().await;
    terraform.converge(&config).await;
    for key in ["aa", "zz"] {
        let added = json!({ "region": "eu-central-1" });
        let two = with(&config, &format!("destinations.{key}"), added);
        terraform.converge(&two).await;
        let at = format!("/destinations/{key}/priority");
        assert_eq!(terraform.at("/destinations/archive/priority"), json!(1));
        assert_eq!(terraform.at(&at), json!(3));
        terraform.converge(&config).await;
    }
}
