//! Every argument of the provider block takes effect, and what is written wins over the environment, and that over
//! the profile.
//!
//! - `table` and `roles`: the arguments, the ways in which each is given, and what shows that it took effect.
//! - `row`: a row of that table.
//! - `shown`: where in a run that shows.
//! - `run`: a run of the built program with a block, an environment and files of its own.

mod roles;
mod row;
mod run;
mod shown;
mod table;

use std::collections::BTreeSet;

use futures::{StreamExt, future, stream};
use terraform_provider_replicated::framework::provider::Provider;
use terraform_provider_replicated::framework::schema::Block;
use terraform_provider_replicated::provider::ReplicatedProvider;

use self::roles::{rows_of_account, rows_of_roles};
use self::row::{Row, Script, Way};
use self::run::{Run, Setting};
use self::table::rows_of_the_block;

async fn assert_shown(rows: Vec<Row>) {
    let cases = rows
        .iter()
        .flat_map(|row| row.cases.iter().map(move |case| (row, case)));
    let wrong: Vec<String> = stream::iter(cases)
        .map(|(row, case)| async move {
            let run = Run::of(row.setting(case)).await;
            let shown = (row.shows)(&run);
            (shown != case.shown).then(|| {
                format!(
                    "{} ({:?}, {:?}): {shown} instead of {}; told: {:?}",
                    row.argument, case.way, case.variables, case.shown, run.said
                )
            })
        })
        .buffered(4)
        .filter_map(async |wrong| wrong)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_argument_of_the_block_takes_effect_and_wins_over_the_environment() {
    assert_shown(rows_of_the_block()).await;
}

#[tokio::test]
async fn every_attribute_of_a_role_that_the_provider_assumes_is_in_its_session() {
    assert_shown(rows_of_roles()).await;
}

#[tokio::test]
async fn every_argument_of_an_account_block_takes_effect_in_that_account() {
    assert_shown(rows_of_account()).await;
}

/// Standard and adaptive mode differ after throttling alone, and then in nothing but the pace.
#[tokio::test]
async fn adaptive_retries_hold_back_after_throttling_where_standard_ones_go_on() {
    let run = |mode| {
        Run::of(Setting {
            block: serde_json::json!({ "retry_mode": mode }),
            variables: Vec::new(),
            files: Vec::new(),
            script: Script::ThrottlingFirst,
            planned: None,
        })
    };
    // Were they all alike, one of the many would be first more often than not.
    let held_back = future::select_all((0..4).map(|_| Box::pin(run("adaptive"))));
    tokio::select! {
        biased;
        standard = run("standard") => assert_eq!(standard.said, Vec::<String>::new()),
        _ = held_back => panic!("an adaptive one was not held back"),
    }
}

/// An argument of the schema.
struct Argument {
    path: String,
    /// Its description and that of the block that it is in.
    description: String,
}

fn arguments(block: &Block, path: &str, description: &str) -> Vec<Argument> {
    let own = block.attributes.iter().map(|attribute| Argument {
        path: format!("{path}{}", attribute.name),
        description: format!("{description} {}", attribute.description),
    });
    let nested = block.blocks.iter().flat_map(|nested| {
        let path = format!("{path}{}.", nested.name);
        arguments(&nested.block, &path, &nested.block.description)
    });
    own.chain(nested).collect()
}

/// The variables that a description names. `<...>` stands for any end.
fn variables(description: &str) -> BTreeSet<&str> {
    let quoted = description.split('`').skip(1).step_by(2);
    quoted
        .map(|text| text.split('<').next().unwrap_or_default())
        .filter(|name| {
            let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
            name.contains('_') && name.chars().all(is_part)
        })
        .collect()
}

/// Arguments that no plan of the resource puts to use: only a change of a bucket's tags reaches S3 Control, and only the
/// data source of a status reaches CloudWatch. Each with the file of the acceptance cases in which Terraform does
/// that, with the argument and with its variable.
const ELSEWHERE: [(&str, &str, &str); 2] = [
    (
        "endpoints.s3control",
        include_str!("../../acceptance/abac.rs"),
        "AWS_ENDPOINT_URL_S3_CONTROL",
    ),
    (
        "endpoints.cloudwatch",
        include_str!("../../acceptance/bucket_status.rs"),
        "AWS_ENDPOINT_URL_CLOUDWATCH",
    ),
];

#[test]
fn what_no_plan_of_the_resource_puts_to_use_is_shown_under_terraform() {
    for (argument, cases, variable) in ELSEWHERE {
        let name = argument.rsplit('.').next().unwrap_or_default();
        assert!(cases.contains(&format!("{name} = ")), "{argument}");
        assert!(cases.contains(variable), "{argument}: {variable}");
    }
}

#[test]
fn the_table_has_every_argument_in_every_way_that_its_description_names() {
    let parts = [rows_of_the_block(), rows_of_roles(), rows_of_account()];
    let rows: Vec<Row> = parts.into_iter().flatten().collect();
    let schema = ReplicatedProvider::new().schema();
    let mut arguments = arguments(&schema.block, "", "");
    arguments.retain(|argument| ELSEWHERE.iter().all(|(path, ..)| argument.path != *path));
    let mut missing = Vec::new();
    for Argument { path, description } in &arguments {
        let Some(row) = rows.iter().find(|row| row.argument == *path) else {
            missing.push(format!("{path}: no row"));
            continue;
        };
        let has = |way| row.cases.iter().any(|case| case.way == way);
        let tried = |name: &str, way| {
            row.cases.iter().any(|case| {
                let mut variables = case.variables.iter();
                case.way == way && variables.any(|(variable, _)| variable.starts_with(name))
            })
        };
        for name in variables(description) {
            for way in [Way::Environment, Way::Both] {
                if !tried(name, way) {
                    missing.push(format!("{path}: {name}, {way:?}"));
                }
            }
        }
        let in_profile = description.contains("or the profile's");
        for (way, is_needed) in [
            (Way::Block, true),
            (Way::Profile, in_profile),
            (Way::EnvironmentOverProfile, in_profile),
        ] {
            if is_needed && !has(way) {
                missing.push(format!("{path}: {way:?}"));
            }
        }
        let shown: BTreeSet<_> = row.cases.iter().map(|case| &case.shown).collect();
        if shown.len() < 2 {
            missing.push(format!("{path}: the same shows in every case"));
        }
    }
    for row in &rows {
        if !arguments
            .iter()
            .any(|argument| argument.path == row.argument)
        {
            missing.push(format!("{}: no argument", row.argument));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
