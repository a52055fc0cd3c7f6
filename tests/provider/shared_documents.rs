//! Policies and rules that others write as well: several resources of one run, several processes, and people; and
//! documents that are full, or in a form that nobody here knows.

use futures::future::join_all;
use serde_json::{Value as Json, json};
use terraform_provider_replicated::replication::policy::{PolicyDocument, PolicyKind, Statement};

use crate::configs::{ABROAD, THIRD, document, kms_abroad, with, without};
use crate::existing::first_plan::fill_up;
use crate::existing::{TARGET, beside_rules, config, world};
use crate::fake::State;
use crate::terraform::{SOMEBODYS_KEY, Terraform};

const BACKUP: &str = "acme-archive-backup";

fn nothing() -> Vec<String> {
    Vec::new()
}

fn key() -> String {
    format!("arn:aws:kms:us-west-2:{ABROAD}:{SOMEBODYS_KEY}000000000000")
}

/// A source of ours that replicates into their bucket, under their key, whose policies we complete.
fn into_theirs(source: &str) -> Json {
    let source = json!({ "bucket": source, "encryption": { "sse_algorithm": "aws:kms" } });
    let told = with(&config(), "source", source);
    let archive = "destinations.archive";
    let told = with(
        &told,
        &format!("{archive}.encryption"),
        json!({ "kms_key_arn": key() }),
    );
    with(&told, &format!("{archive}.manage_key_policy"), json!(true))
}

/// The policies of their bucket and their key.
fn policies(aws: &mut State) -> [&mut PolicyDocument; 2] {
    let bucket = aws.buckets.get_mut(TARGET).unwrap();
    let key = aws.keys.get_mut(&key()).unwrap();
    [bucket.policy.as_mut().unwrap(), &mut key.policy]
}

/// The same with their statements in one order.
fn sorted(aws: &mut State) -> [Vec<String>; 2] {
    policies(aws).map(|policy| {
        let text = |s: &Statement| PolicyDocument::new(vec![s.clone()]).to_string();
        let mut texts: Vec<String> = policy.statements.iter().map(text).collect();
        texts.sort();
        texts
    })
}

/// A statement of somebody else's for a bucket.
fn statement(sid: &str, bucket: &str) -> Statement {
    let statement = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{THIRD}:root") },
        "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{bucket}/*"),
    });
    let document = PolicyDocument::parse(&document(&[statement])).unwrap();
    document.statements.into_iter().next().unwrap()
}

fn has(aws: &State, bucket: &str, sid: &str) -> bool {
    let policy = aws.buckets[bucket].policy.as_ref();
    policy.is_some_and(|policy| policy.statements.iter().any(|s| s.name() == Some(sid)))
}

/// Resources with sources of their own over one AWS, in so many processes of the provider.
fn resources(first: Terraform, count: usize, processes: usize) -> Vec<(Terraform, Json)> {
    let servers: Vec<_> = (0..processes).map(|_| first.server()).collect();
    let resource = |number: usize| {
        let mut terraform = Terraform::over(first.cloud.clone());
        terraform.process = Some(servers[number % processes].clone());
        (terraform, into_theirs(&format!("acme-source-{number}")))
    };
    (0..count).map(resource).collect()
}

#[tokio::test(start_paused = true)]
async fn several_resources_of_one_run_or_of_several_processes_write_into_one_bucket_and_one_key() {
    for processes in [1, 2, 6] {
        let first = world().await;
        let before = sorted(&mut first.cloud.aws.state());
        let cloud = first.cloud.clone();
        let fresh = Terraform::over(cloud.clone());
        let mut all = resources(first, 6, processes);
        let said = join_all(
            all.iter_mut()
                .map(|(terraform, config)| terraform.apply(config)),
        )
        .await;
        for said in said {
            assert_eq!(said.errors, nothing(), "{processes}");
        }
        for (terraform, config) in &mut all {
            terraform.assert_settled(config).await;
        }
        let [of_bucket, of_key] = sorted(&mut cloud.aws.state());
        for (now, before) in [(of_bucket, &before[0]), (of_key, &before[1])] {
            assert!(before.iter().all(|statement| now.contains(statement)));
            assert!(now.len() >= before.len() + 6, "{now:?}");
        }
        // Another run takes them down.
        let servers: Vec<_> = (0..processes).map(|_| fresh.server()).collect();
        for (number, (terraform, _)) in all.iter_mut().enumerate() {
            terraform.process = Some(servers[number % processes].clone());
        }
        let said = join_all(all.iter_mut().map(|(terraform, _)| terraform.destroy())).await;
        for said in said {
            assert_eq!(said.errors, nothing(), "{processes}: {:?}", said.details);
        }
        assert_eq!(sorted(&mut cloud.aws.state()), before, "{processes}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_write_during_a_run_stays_and_so_does_ours() {
    // Somebody adds a statement to what was there before our run: before we write, right after that, and later on.
    for moment in [
        "CreateRole replication-their-source",
        "PutBucketPolicy their-target",
        "PutBucketReplication their-source",
    ] {
        let mut terraform = world().await;
        let mut theirs = terraform.cloud.aws.state().buckets[TARGET].policy.clone();
        let more = statement("Late", TARGET);
        theirs.as_mut().unwrap().statements.push(more);
        let mut theirs = Some(theirs);
        terraform.cloud.meddle(move |what, aws| {
            if what == moment
                && let Some(theirs) = theirs.take()
            {
                aws.buckets.get_mut(TARGET).unwrap().policy = theirs;
            }
        });
        let said = terraform.apply(&config()).await;
        assert_eq!(said.errors, nothing(), "{moment}");
        {
            let aws = terraform.cloud.aws.state();
            let both = has(&aws, TARGET, "Late") && has(&aws, TARGET, "Team");
            assert!(both, "{moment}");
        }
        terraform.assert_settled(&config()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_others_write_during_a_run_stays_and_so_do_ours() {
    let (mut terraform, fitting) = beside_rules().await;
    let mut written = false;
    let before = terraform.cloud.aws.state().buckets[crate::existing::SOURCE]
        .replication
        .clone();
    terraform.cloud.meddle(move |what, aws| {
        if what.starts_with("PutBucketReplication") && !written {
            written = true;
            // Whoever read the rules before ours writes them back, with one more.
            let mut rules = before.clone().unwrap();
            let mut more = rules.rules[0].clone();
            more.id = "late".to_owned();
            more.priority = Some(77);
            rules.rules.push(more);
            let source = aws.buckets.get_mut(crate::existing::SOURCE).unwrap();
            source.replication = Some(rules);
        }
    });
    let said = terraform.apply(&fitting).await;
    assert_eq!(said.errors, nothing());
    let ids: Vec<String> = {
        let aws = terraform.cloud.aws.state();
        let rules = aws.buckets[crate::existing::SOURCE]
            .replication
            .as_ref()
            .unwrap();
        rules.rules.iter().map(|rule| rule.id.clone()).collect()
    };
    assert!(
        ids.contains(&"late".to_owned()) && ids.contains(&"theirs".to_owned()),
        "{ids:?}"
    );
    assert_eq!(ids.len(), 4);
    terraform.assert_settled(&fitting).await;
}

/// How long a policy would be, by the error that refuses it.
fn told_size(details: &str) -> usize {
    let (_, rest) = details.split_once("would have ").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

/// Fills one of their policies up to a size.
fn fill(aws: &mut State, which: usize, size: usize) {
    let resource = ["arn:aws:s3:::their-target", "*"][which];
    fill_up(policies(aws)[which], resource, size);
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_filled_to_its_last_byte_and_not_beyond() {
    let config = into_theirs("acme-source");
    for (which, kind) in [(0, PolicyKind::Bucket), (1, PolicyKind::Key)] {
        let limit = kind.limit();
        let filled = async |size: usize| {
            let terraform = world().await;
            fill(&mut terraform.cloud.aws.state(), which, size);
            terraform
        };
        let mut full = filled(limit).await;
        let plan = full.plan(&config).await;
        assert_eq!(plan.said.errors.len(), 1, "{:?}", plan.said);
        let ours = told_size(&plan.said.details[0]) - limit;

        let mut exactly = filled(limit - ours).await;
        exactly.converge(&config).await;
        let length = {
            let mut aws = exactly.cloud.aws.state();
            let policy = policies(&mut aws)[which].clone();
            aws.shown(&policy).render().unwrap().len()
        };
        assert_eq!(length, limit);
        assert_eq!(exactly.destroy().await.errors, nothing());

        let mut beyond = filled(limit - ours + 1).await;
        let plan = beyond.plan(&config).await;
        let what = ["bucket their-target".to_owned(), format!("key {}", key())];
        let error = format!("The policy of {} has no room", what[which]);
        assert!(plan.said.errors[0].ends_with(&error), "{:?}", plan.said);
        assert_eq!(told_size(&plan.said.details[0]), limit + 1);
        assert_eq!(beyond.cloud.aws.state().writes, nothing());

        // Somebody fills it between plan and apply: nothing is made.
        let mut late = world().await;
        let plan = late.plan(&config).await;
        assert_eq!(plan.said.errors, nothing());
        fill(&mut late.cloud.aws.state(), which, limit - ours + 1);
        let said = late.carry_out(plan, &config).await;
        assert!(said.errors[0].ends_with(&error), "{said:?}");
        assert_eq!(late.cloud.aws.state().writes, nothing());

        // Or during the apply: what was made is taken away, and theirs is as they left it.
        let mut later = world().await;
        let before = later.cloud.aws.state().buckets.len();
        let mut is_filled = false;
        later.cloud.meddle(move |_, aws| {
            if !is_filled {
                is_filled = true;
                fill(aws, which, limit - ours + 1);
            }
        });
        let said = later.apply(&config).await;
        assert!(
            said.details[0].contains(&format!("would have {} bytes", limit + 1)),
            "{said:?}"
        );
        assert!(later.state.is_null());
        let mut aws = later.cloud.aws.state();
        assert_eq!(aws.buckets.len(), before);
        let left = policies(&mut aws)[which].clone();
        assert_eq!(aws.shown(&left).render().unwrap().len(), limit - ours + 1);
    }
}

/// What nobody here knows to be a policy.
const MALFORMED: [&str; 5] = [
    "<policy/>",
    r#"{"Version":"2012-10-17","Statement":["Allow everybody everything"]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Perhaps"}]}"#,
    r#"{"Version":"2031-01-01","Statement":[]}"#,
    r#"{"Version":"2012-10-17","Statement":[],"Schema":"2"}"#,
];

#[tokio::test(start_paused = true)]
async fn a_policy_that_nobody_can_read_is_left_as_it_is_with_an_error_that_says_so() {
    let config = into_theirs("acme-source");
    for text in MALFORMED {
        for what in [TARGET.to_owned(), key()] {
            let kind = if what == TARGET { "bucket" } else { "key" };
            let error = format!("The policy of {kind} {what} cannot be read");
            let garble = |terraform: &Terraform| {
                let mut aws = terraform.cloud.aws.state();
                aws.policy_texts.insert(what.clone(), text.to_owned());
                aws.writes.clear();
            };
            let is_left = |terraform: &Terraform| {
                let aws = terraform.cloud.aws.state();
                assert_eq!(aws.policy_texts.get(&what).map(String::as_str), Some(text));
                assert_eq!(aws.writes, nothing(), "{what}: {text}");
            };
            let refuses = |errors: &[String]| {
                assert!(
                    errors.iter().any(|line| line.ends_with(&error)),
                    "{text}: {errors:?}"
                );
            };
            // At plan, and again at apply.
            let mut terraform = world().await;
            garble(&terraform);
            refuses(&terraform.plan(&config).await.said.errors);
            is_left(&terraform);
            let mut terraform = world().await;
            let plan = terraform.plan(&config).await;
            garble(&terraform);
            refuses(&terraform.carry_out(plan, &config).await.errors);
            is_left(&terraform);
            // Of what is there: the refresh shows it, no plan writes it anew, and no destroy begins.
            let mut terraform = world().await;
            terraform.converge(&config).await;
            garble(&terraform);
            let plan = terraform.plan(&config).await;
            refuses(&plan.said.errors);
            let shown = terraform.at("/components").to_string();
            assert!(shown.contains("(not a policy document)"), "{shown}");
            refuses(&terraform.destroy().await.errors);
            is_left(&terraform);
            terraform.cloud.aws.state().policy_texts.clear();
            terraform.refresh().await;
            terraform.assert_settled(&config).await;
            if kind == "key" {
                continue;
            }
            // Nor does an update begin that leaves the bucket to its owner.
            let near = json!({ "region": "us-east-1" });
            let both = with(&config, "destinations.near", near);
            terraform.converge(&both).await;
            garble(&terraform);
            let theirs = config["destinations"].as_object().unwrap().keys().next();
            let left = without(&both, &format!("destinations.{}", theirs.unwrap()));
            refuses(&terraform.apply(&left).await.errors);
            is_left(&terraform);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_bucket_and_of_a_key_of_ours_that_nobody_can_read_is_left_as_it_is_too() {
    let mut terraform = Terraform::new();
    terraform.converge(&kms_abroad()).await;
    let key = terraform.at("/destinations/backup/kms_key_arn");
    for (what, kind) in [(BACKUP, "bucket"), (key.as_str().unwrap(), "key")] {
        let mut aws = terraform.cloud.aws.state().clone();
        aws.policy_texts
            .insert(what.to_owned(), MALFORMED[1].to_owned());
        aws.writes.clear();
        std::mem::swap(&mut *terraform.cloud.aws.state(), &mut aws);
        let plan = terraform.plan(&kms_abroad()).await;
        let error = format!("The policy of {kind} {what} cannot be read");
        assert!(plan.said.errors[0].ends_with(&error), "{:?}", plan.said);
        let told = &plan.said.details[0];
        assert!(
            told.contains("statement 1") && told.contains("left as it is"),
            "{told}"
        );
        assert_eq!(terraform.cloud.aws.state().writes, nothing());
        *terraform.cloud.aws.state() = aws;
    }
    terraform.refresh().await;
    terraform.assert_settled(&kms_abroad()).await;
    assert_eq!(terraform.destroy().await.errors, nothing());
}

#[tokio::test(start_paused = true)]
async fn unusual_statements_of_others_stay_as_they_are() {
    let statements = [
        json!({ "Sid": "Others", "Effect": "Deny", "NotPrincipal": { "AWS": format!("arn:aws:iam::{ABROAD}:root") },
            "NotAction": ["s3:GetObject", "s3:Replicate*"], "Resource": format!("arn:aws:s3:::{TARGET}") }),
        json!({ "Effect": "Allow", "Principal": { "Federated": "cognito-identity.amazonaws.com" }, "Action": "s3:GetObject",
            "NotResource": format!("arn:aws:s3:::{TARGET}/private/*"), "Condition": { "StringEquals": { "a:b": ["c", "d"] } } }),
        json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket",
            "Resource": format!("arn:aws:s3:::{TARGET}"), "Future": { "a": [1, null] } }),
    ];
    for version in ["2008-10-17", "2012-10-17"] {
        let mut terraform = world().await;
        let text =
            json!({ "Version": version, "Id": "theirs", "Statement": statements }).to_string();
        let theirs = PolicyDocument::parse(&text).unwrap();
        terraform
            .cloud
            .aws
            .state()
            .buckets
            .get_mut(TARGET)
            .unwrap()
            .policy = Some(theirs.clone());
        terraform.apply(&config()).await;
        {
            let aws = terraform.cloud.aws.state();
            let now = aws.buckets[TARGET].policy.as_ref().unwrap();
            assert!(now.statements.len() > theirs.statements.len());
            assert!(theirs.statements.iter().all(|s| now.statements.contains(s)));
            assert_eq!((&now.version, &now.id), (&theirs.version, &theirs.id));
        }
        assert_eq!(terraform.destroy().await.errors, nothing());
        let aws = terraform.cloud.aws.state();
        assert_eq!(aws.buckets[TARGET].policy, Some(theirs));
    }
}
