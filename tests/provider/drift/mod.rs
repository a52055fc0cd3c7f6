//! What people change by hand: every difference shows in the plan, at its own attribute or component and nowhere
//! else, the apply repairs it with the calls that it needs, and the next plan is empty.
//!
//! Each row of the tables is a difference and a test. What the rows came to is told when the last one is over, and
//! that line also ends `.ci/run`.

/// Makes a table of its rows, and of each row a test.
///
/// A row is a name that says what somebody did, the configuration, what was done to AWS, every line of the plan, and
/// every call that repairs it.
macro_rules! differences {
    ($(
        $name:ident: $config:expr, $by_hand:expr,
        shows [$($line:expr),+ $(,)?],
        repaired by [$($call:expr),+ $(,)?];
    )+) => {
        pub const ROWS: &[$crate::drift::Row] = &[$($crate::drift::Row {
            name: stringify!($name),
            config: $config,
            by_hand: $by_hand,
            shows: &[$($line),+],
            repaired_by: &[$($call),+],
        }),+];

        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                let row = ROWS.iter().find(|row| row.name == stringify!($name));
                $crate::drift::check(row.unwrap()).await;
            }
        )+
    };
}

mod buckets;
mod configs;
mod harmless;
mod keys;
mod policies;
mod roles;
mod rules;
mod tally;
mod theirs;
mod two_way;

use serde_json::Value as Json;
use terraform_provider_replicated::replication::operation::{
    Input, ReplicationConfiguration, ReplicationRule,
};
use terraform_provider_replicated::replication::policy::{Element, PolicyDocument, Statement};

use self::configs::whole;
use self::tally::DIFFERENCES;
use crate::as_text::picture;
use crate::configs::{ABROAD, HOME};
use crate::existing::beside_rules;
use crate::fake::{Bucket, Key, Role, State};
use crate::random::surroundings;
use crate::terraform::{Terraform, differences};

const SOURCE: &str = "acme-archive";
const BACKUP: &str = "acme-archive-backup";

/// A difference that somebody makes.
pub struct Row {
    /// What was done.
    name: &'static str,
    config: fn() -> Json,
    by_hand: fn(&mut State),
    /// Every line of the plan, in its order, [in brief](brief) and with names in the place of keys and ids.
    shows: &'static [&'static str],
    /// Every call of the repair, sorted.
    repaired_by: &'static [&'static str],
}

/// How many rows there are.
fn total() -> usize {
    let tables = [
        buckets::ROWS,
        keys::ROWS,
        policies::ROWS,
        roles::ROWS,
        rules::ROWS,
        theirs::ROWS,
        two_way::ROWS,
    ];
    tables.into_iter().map(<[Row]>::len).sum()
}

/// Makes the difference of one row: the plan shows exactly its lines, the apply makes exactly its calls, everything
/// is as it was, and it can all be destroyed.
async fn check(row: &Row) {
    let mut progress = DIFFERENCES.begin(total());
    let config = (row.config)();
    let mut terraform = world(&config).await;
    let empty = everything(&terraform.cloud.aws.state());
    terraform.converge(&config).await;
    let (before, words) = {
        let aws = terraform.cloud.aws.state();
        (everything(&aws), Words::of(&aws))
    };
    let attributes = words.put_into(&terraform.shown().to_string());
    (row.by_hand)(&mut terraform.cloud.aws.state());

    let plan = terraform.plan(&config).await;
    assert_eq!(plan.said.errors, Vec::<String>::new());
    assert_eq!(plan.replaced_by, Vec::<String>::new());
    let shown = differences(&terraform.state, &plan.planned);
    let shown: Vec<String> = shown
        .iter()
        .map(|line| brief(&words.put_into(line)))
        .collect();
    assert_eq!(shown, row.shows, "what the plan shows");
    progress.step();

    terraform.cloud.take_writes();
    let said = terraform.carry_out(plan, &config).await;
    assert_eq!(said.errors, Vec::<String>::new());
    let writes = terraform.cloud.take_writes();
    let made = Words::of(&terraform.cloud.aws.state());
    let told = |what: &str| made.put_into(&words.put_into(what));
    let mut writes: Vec<String> = writes.iter().map(|write| told(&write.what)).collect();
    writes.sort();
    assert_eq!(writes, row.repaired_by, "what the repair takes");
    terraform.assert_settled(&config).await;
    assert_eq!(everything(&terraform.cloud.aws.state()), before);
    assert_eq!(made.put_into(&terraform.shown().to_string()), attributes);
    progress.step();

    let said = terraform.destroy().await;
    assert_eq!(said.errors, Vec::<String>::new());
    assert_eq!(everything(&terraform.cloud.aws.state()), empty);
}

/// Where a configuration is applied: what it says to exist does.
async fn world(config: &Json) -> Terraform {
    if config["source"]["existing"] == Json::Bool(true) {
        return beside_rules().await.0;
    }
    let terraform = Terraform::new();
    surroundings(&terraform);
    terraform
}

/// Everything that there is, as text in which the order of statements and rules does not count.
pub fn everything(aws: &State) -> String {
    let mut aws = aws.clone();
    for bucket in aws.buckets.values_mut() {
        bucket.policy.iter_mut().for_each(sorted);
        if let Some(configuration) = &mut bucket.replication {
            configuration.rules.sort_by_key(|rule| rule.id.clone());
        }
    }
    for key in aws.keys.values_mut() {
        sorted(&mut key.policy);
    }
    for policy in aws.managed_policies.values_mut() {
        policy
            .versions
            .iter_mut()
            .for_each(|(_, document)| sorted(document));
    }
    for role in aws.roles.values_mut() {
        role.policies.values_mut().for_each(sorted);
        role.attached.sort();
    }
    picture(&aws)
}

fn sorted(policy: &mut PolicyDocument) {
    for statement in &mut policy.statements {
        if let Some(Element::Is(actions)) = &mut statement.action {
            actions.sort();
        }
        if let Some(Element::Is(resources)) = &mut statement.resource {
            resources.sort();
        }
    }
    policy
        .statements
        .sort_by_cached_key(|statement| format!("{statement:?}"));
}

/// Names for what AWS numbers: keys by their buckets, roles by their names.
struct Words(Vec<(String, String)>);

impl Words {
    fn of(aws: &State) -> Self {
        let keys = aws.keys.iter().filter_map(|(arn, key)| {
            let (_, bucket) = key.description.rsplit_once(" bucket ")?;
            Some((arn.clone(), format!("<key of {bucket}>")))
        });
        let key_ids = keys.clone().filter_map(|(arn, word)| {
            let (_, id) = arn.rsplit_once('/')?;
            Some((id.to_owned(), word))
        });
        let roles = aws.roles.values().map(|role| {
            let role = &role.description;
            let name = role.arn.rsplit('/').next().unwrap_or_default();
            (role.unique_id.clone(), format!("<id of {name}>"))
        });
        Self(keys.chain(roles).chain(key_ids).collect())
    }

    fn put_into(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, word) in &self.0 {
            text = text.replace(found, word);
        }
        text
    }
}

/// A line of a plan without what would make it long: a policy is told by its Sids, a large object not at all, and a
/// component by what differs about it.
fn brief(line: &str) -> String {
    let (path, values) = line.split_once(": ").unwrap();
    let (old, new) = values.split_once(" -> ").unwrap();
    if let Some(what) = old.strip_prefix(&format!("{new} (")) {
        return format!("{path}: ({what}");
    }
    let value = |text: &str| match PolicyDocument::parse(text) {
        Ok(policy) => {
            let sids = policy.statements.iter().map(|s| s.name().unwrap_or("-"));
            format!("<{}>", sids.collect::<Vec<_>>().join(", "))
        }
        Err(_) if text.starts_with('{') && text.len() > 80 => "{ ... }".to_owned(),
        Err(_) => text.to_owned(),
    };
    format!("{path}: {} -> {}", value(old), value(new))
}

fn bucket<'a>(aws: &'a mut State, name: &str) -> &'a mut Bucket {
    aws.buckets.get_mut(name).unwrap()
}

/// The key of ours that a bucket uses.
fn key<'a>(aws: &'a mut State, bucket: &str) -> &'a mut Key {
    let arn = key_arn(aws, bucket);
    aws.keys.get_mut(&arn).unwrap()
}

fn key_arn(aws: &State, bucket: &str) -> String {
    let mut keys = aws.keys.iter();
    let of_bucket = format!("Encrypts the objects of S3 bucket {bucket}");
    let found = keys.find(|(_, key)| key.description == of_bucket);
    found.unwrap().0.clone()
}

/// The role of ours.
fn role(aws: &mut State) -> &mut Role {
    let id = (HOME.to_owned(), "replication-acme-archive".to_owned());
    aws.roles.get_mut(&id).unwrap()
}

/// The role with which the destination replicates back.
fn role_back(aws: &mut State) -> &mut Role {
    let name = "replication-acme-archive-backup".to_owned();
    aws.roles.get_mut(&(ABROAD.to_owned(), name)).unwrap()
}

fn replication<'a>(aws: &'a mut State, of: &str) -> &'a mut ReplicationConfiguration {
    bucket(aws, of).replication.as_mut().unwrap()
}

/// The first rule of the source.
fn rule(aws: &mut State) -> &mut ReplicationRule {
    &mut replication(aws, SOURCE).rules[0]
}

/// A statement of a policy, by what its Sid begins with.
fn statement<'a>(policy: &'a mut PolicyDocument, sid: &str) -> &'a mut Statement {
    let mut statements = policy.statements.iter_mut();
    statements
        .find(|s| s.name().is_some_and(|name| name.starts_with(sid)))
        .unwrap()
}

/// Takes a statement out of a policy.
fn without_statement(policy: &mut PolicyDocument, sid: &str) {
    let before = policy.statements.len();
    policy
        .statements
        .retain(|s| !s.name().is_some_and(|name| name.starts_with(sid)));
    assert_eq!(policy.statements.len(), before - 1, "{sid}");
}

/// Statements as somebody writes them.
fn statements(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_resource_is_gone_when_every_bucket_is_and_no_role_and_no_key_is_left() {
    let mut terraform = Terraform::new();
    terraform.converge(&whole()).await;
    terraform.cloud.aws.state().buckets.clear();
    assert!(terraform.refresh().await.is_fine());
    assert!(!terraform.state.is_null(), "nobody would know of the rest");
    // What is left can be mended, or taken away.
    terraform.converge(&whole()).await;
    terraform.cloud.aws.state().buckets.clear();
    assert_eq!(terraform.destroy().await.errors, Vec::<String>::new());
    assert!(terraform.cloud.aws.state().roles.is_empty());

    terraform.converge(&whole()).await;
    {
        let mut aws = terraform.cloud.aws.state();
        aws.buckets.clear();
        aws.aliases.clear();
        aws.roles.clear();
        for key in aws.keys.values_mut() {
            key.state = "PendingDeletion".to_owned();
        }
    }
    assert!(terraform.refresh().await.is_fine());
    assert!(terraform.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_undone_by_hand_is_forgotten() {
    let mut terraform = Terraform::new();
    terraform.converge(&whole()).await;
    let before = terraform.shown();
    let right = bucket(&mut terraform.cloud.aws.state(), BACKUP).clone();
    {
        let mut aws = terraform.cloud.aws.state();
        let backup = bucket(&mut aws, BACKUP);
        backup.versioning = None;
        backup.encryption.kms_key = Some(Input::Known(
            "arn:aws:kms:us-west-2:222222222222:key/another".to_owned(),
        ));
    }
    assert!(terraform.refresh().await.is_fine());
    assert_ne!(terraform.shown(), before);
    *bucket(&mut terraform.cloud.aws.state(), BACKUP) = right;
    assert!(terraform.refresh().await.is_fine());
    assert_eq!(terraform.shown(), before);
}
