//! What an update takes away goes in the end, whichever of its writes failed first.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::PolicyDocument;

use crate::configs::{ABROAD, kms_abroad, policy, with, without};
use crate::existing::{SOURCE, TARGET, THEIR_ROLE, bucket, config as existing, plain, world};
use crate::random::surroundings;
use crate::terraform::{SOMEBODYS_KEY, Terraform, differences};

/// AWS as it is before anything of ours is there.
async fn alone() -> Terraform {
    let terraform = Terraform::new();
    surroundings(&terraform);
    terraform
}

/// Where an update begins, and what it is.
struct Update<'a, W, T> {
    /// AWS as it is before anything of ours is there.
    world: W,
    first: &'a Json,
    /// What others do when `first` is in force.
    then: T,
    second: &'a Json,
}

impl<W: AsyncFn() -> Terraform, T: Fn(&Terraform)> Update<'_, W, T> {
    async fn begun(&self) -> Terraform {
        let mut terraform = (self.world)().await;
        terraform.converge(self.first).await;
        (self.then)(&terraform);
        terraform
    }

    /// The update with one of its writes failing after so many that succeed.
    async fn interrupted(&self, write: &str, after: usize) -> Terraform {
        let mut terraform = self.begun().await;
        terraform.cloud.refuse_after(write, after);
        let said = terraform.apply(self.second).await;
        assert!(!said.is_fine(), "{write} has failed, and nobody said so");
        terraform.cloud.recover();
        terraform
    }

    /// Whichever of its writes fails: when `second` is applied again, when `first` is, and after a destroy, `left`
    /// finds nothing.
    async fn leaves_nothing(&self, left: impl Fn(&Terraform) -> Vec<String>) {
        let nothing = Vec::<String>::new();
        let mut whole = self.begun().await;
        assert_ne!(
            left(&whole),
            nothing,
            "there must be something to take away"
        );
        whole.cloud.take_writes();
        whole.converge(self.second).await;
        assert_eq!(left(&whole), nothing);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for write in whole.cloud.take_writes() {
            *times.entry(write.what).or_default() += 1;
        }
        assert!(!times.is_empty());
        let writes = times.iter();
        for (write, after) in writes.flat_map(|(what, times)| (0..*times).map(move |n| (what, n))) {
            let mut again = self.interrupted(write, after).await;
            again.converge(self.second).await;
            assert_eq!(left(&again), nothing, "{write} failed, applied again");
            assert_eq!(again.destroy().await.errors, nothing, "{write}");

            let mut back = self.interrupted(write, after).await;
            back.converge(self.first).await;
            back.converge(self.second).await;
            assert_eq!(left(&back), nothing, "{write} failed, there and back");

            let mut destroyed = self.interrupted(write, after).await;
            assert_eq!(destroyed.destroy().await.errors, nothing, "{write}");
            assert_eq!(left(&destroyed), nothing, "{write} failed, destroyed");
        }
    }
}

async fn nothing_is_left(
    world: impl AsyncFn() -> Terraform,
    first: Json,
    second: Json,
    left: impl Fn(&Terraform) -> Vec<String>,
) {
    let update = Update {
        world,
        first: &first,
        then: |_: &Terraform| {},
        second: &second,
    };
    update.leaves_nothing(left).await;
}

/// The configuration with something else to do: the rules change as well.
fn with_more_to_do(config: &Json) -> Json {
    let mut keys = config["destinations"].as_object().unwrap().keys();
    let path = format!("destinations.{}.storage_class", keys.next().unwrap());
    with(config, &path, json!("STANDARD_IA"))
}

/// Statements of a bucket's policy by their Sids, where `is_meant` picks them.
fn of_bucket(terraform: &Terraform, name: &str, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
    let aws = terraform.cloud.aws.state();
    let policy = aws
        .buckets
        .get(name)
        .and_then(|bucket| bucket.policy.as_ref());
    let statements = policy.into_iter().flat_map(|policy| &policy.statements);
    let sids = statements.filter_map(|statement| statement.sid.clone());
    sids.filter(|sid| is_meant(sid)).collect()
}

#[tokio::test(start_paused = true)]
async fn statements_that_were_taken_out_of_a_policy() {
    let resource = "arn:aws:s3:::acme-archive-backup/*";
    let retained = with(
        &kms_abroad(),
        "destinations.backup.retain_on_destroy",
        json!(true),
    );
    let first = with(
        &retained,
        "destinations.backup.policy",
        policy("s3:GetObject", resource),
    );
    nothing_is_left(alone, first, with_more_to_do(&retained), |terraform| {
        of_bucket(terraform, "acme-archive-backup", |sid| sid == "Mine")
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn statements_that_were_taken_out_of_the_policy_of_a_key() {
    for retained in [false, true] {
        let plain = with(&kms_abroad(), "source.retain_on_destroy", json!(retained));
        let first = with(
            &plain,
            "source.encryption.key.policy",
            policy("kms:DescribeKey", "*"),
        );
        nothing_is_left(alone, first, with_more_to_do(&plain), |terraform| {
            let aws = terraform.cloud.aws.state();
            let living = aws.keys.values().filter(|key| key.state == "Enabled");
            let statements = living.flat_map(|key| &key.policy.statements);
            let sids = statements.filter_map(|statement| statement.sid.clone());
            sids.filter(|sid| sid == "Mine").collect()
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn statements_in_the_policy_of_somebody_elses_key() {
    let key =
        |number: u8| format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}00000000000{number}");
    let under = |number: u8| {
        let encryption = json!({ "kms_key_arn": key(number) });
        with(
            &with(&kms_abroad(), "destinations.backup.encryption", encryption),
            "destinations.backup.manage_key_policy",
            json!(true),
        )
    };
    let left_to_its_owner = without(&under(0), "destinations.backup.manage_key_policy");
    let ours = without(
        &without(&under(0), "destinations.backup.manage_key_policy"),
        "destinations.backup.encryption",
    );
    for second in [under(1), left_to_its_owner, ours] {
        nothing_is_left(alone, under(0), with_more_to_do(&second), |terraform| {
            let aws = terraform.cloud.aws.state();
            let statements = &aws.keys[&key(0)].policy.statements;
            let sids = statements
                .iter()
                .filter_map(|statement| statement.sid.clone());
            sids.filter(|sid| sid.starts_with("Replicated")).collect()
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn marks_of_ownership_on_a_bucket_that_is_released() {
    let released = with(
        &with(&kms_abroad(), "destinations.backup.existing", json!(true)),
        "destinations.backup.bucket",
        json!("acme-archive-backup"),
    );
    let second = with_more_to_do(&released);
    nothing_is_left(alone, kms_abroad(), second, |terraform| {
        let aws = terraform.cloud.aws.state();
        let tags = aws.buckets.get("acme-archive-backup").map(|b| &b.tags);
        let keys = tags.into_iter().flat_map(BTreeMap::keys);
        let of_owner = [
            "replicated:owner",
            "replicated:component",
            "replicated:created",
        ];
        keys.filter(|key| of_owner.contains(&key.as_str()))
            .cloned()
            .collect()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn statements_in_a_policy_that_is_left_to_its_owner() {
    let first = with(&existing(), "role", json!({ "existing_arn": THEIR_ROLE }));
    let left_to_its_owner = with(
        &first,
        "destinations.archive.manage_bucket_policy",
        json!(false),
    );
    let second = with_more_to_do(&left_to_its_owner);
    let ours =
        |terraform: &Terraform| of_bucket(terraform, TARGET, |sid| sid.starts_with("Replicated"));
    let its_owner_grants_it = |terraform: &Terraform| {
        let mut aws = terraform.cloud.aws.state();
        let policy = bucket(&mut aws, TARGET).policy.as_mut().unwrap();
        let wide = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Wide","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":["s3:Replicate*","s3:ObjectOwnerOverrideToBucketOwner","s3:GetBucketVersioning","s3:List*"],"Resource":["arn:aws:s3:::their-target","arn:aws:s3:::their-target/*"]}]}"#;
        let wide = PolicyDocument::parse(wide).unwrap();
        policy.statements.extend(wide.statements);
    };
    let update = Update {
        world,
        first: &first,
        then: its_owner_grants_it,
        second: &second,
    };
    update.leaves_nothing(ours).await;
}

#[tokio::test(start_paused = true)]
async fn a_default_encryption_that_was_written_for_somebody_else() {
    let first = with(
        &with(
            &existing(),
            "source.encryption",
            json!({ "sse_algorithm": "aws:kms" }),
        ),
        "source.enable_encryption",
        json!(true),
    );
    let second = with_more_to_do(&existing());
    nothing_is_left(world, first, second, |terraform| {
        let mut aws = terraform.cloud.aws.state();
        let there = bucket(&mut aws, SOURCE).encryption.clone();
        let is_ours = there != plain();
        is_ours.then(|| format!("{there:?}")).into_iter().collect()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rules_in_a_replication_configuration_of_somebody_else() {
    let rules = |names: &[&str]| {
        let of = |name: &&str| {
            let mut rule = json!({ "filter": { "prefix": format!("{name}/") } });
            if *name == "custom" {
                rule["id"] = json!("our-own-name");
            }
            ((*name).to_owned(), rule)
        };
        let rules: BTreeMap<String, Json> = names.iter().map(of).collect();
        with(&existing(), "destinations.archive.rules", json!(rules))
    };
    for kept in [["one", "custom"], ["one", "two"]] {
        let first = rules(&["one", "two", "custom"]);
        let second = with_more_to_do(&rules(&kept));
        nothing_is_left(world, first, second, |terraform| {
            let mut aws = terraform.cloud.aws.state();
            let there = bucket(&mut aws, SOURCE).replication.clone();
            let rules = there.into_iter().flat_map(|there| there.rules);
            let gone = rules.filter(|rule| {
                let prefix = rule
                    .filter
                    .as_ref()
                    .and_then(|filter| filter.prefix.as_ref());
                !kept.iter().any(|name| prefix == Some(&format!("{name}/")))
            });
            gone.map(|rule| rule.id).collect()
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn aliases_that_a_key_had_before() {
    let renamed = with(
        &kms_abroad(),
        "source.encryption.key",
        json!({ "alias": "alias/another" }),
    );
    let plain = without(&kms_abroad(), "source.encryption");
    for second in [renamed, plain] {
        nothing_is_left(alone, kms_abroad(), with_more_to_do(&second), |terraform| {
            let aws = terraform.cloud.aws.state();
            let names = aws.aliases.keys().map(|(_, _, name)| name.clone());
            names.filter(|name| name == "alias/acme-archive").collect()
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_shows_in_the_plan_until_it_is_gone() {
    let renamed = with(
        &kms_abroad(),
        "source.encryption.key",
        json!({ "alias": "alias/another" }),
    );
    let mut terraform = alone().await;
    terraform.converge(&kms_abroad()).await;
    terraform.cloud.refuse("DeleteAlias alias/acme-archive");
    for _ in 0..2 {
        assert!(!terraform.apply(&renamed).await.is_fine());
        let plan = terraform.plan(&renamed).await;
        assert_eq!(
            differences(&terraform.state, &plan.planned),
            [
                "components.source/alias: alias/another (not all taken away that was to go) -> alias/another"
            ]
        );
    }
    terraform.cloud.recover();
    terraform.converge(&renamed).await;
}

#[tokio::test(start_paused = true)]
async fn without_what_it_remembers_the_provider_does_nothing() {
    let mut terraform = alone().await;
    terraform.converge(&kms_abroad()).await;
    let kept = terraform.private.clone();
    for (private, error) in [
        (&b"damaged"[..], "The private state cannot be read"),
        (
            br#"{"version":1000}"#,
            "The state was written by a newer version of the provider",
        ),
    ] {
        terraform.private = private.to_vec();
        terraform.cloud.take_writes();
        let changed = with_more_to_do(&kms_abroad());
        assert_eq!(terraform.refresh().await.errors, [error]);
        assert_eq!(terraform.destroy().await.errors, [error]);
        assert_eq!(terraform.plan_only(&changed).await.said.errors, [error]);
        assert_eq!(terraform.cloud.take_writes().len(), 0);
    }
    terraform.private = kept;
    terraform.assert_settled(&kms_abroad()).await;
}
