//! The action `replicated_bucket_backfill` as Terraform invokes it.

use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use terraform_provider_replicated::framework::diagnostics::{Diagnostics, Severity};
use terraform_provider_replicated::framework::provider::{ActionEvent, ClientCapabilities};
use terraform_provider_replicated::framework::value::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::configs::{ABROAD, HOME, UNKNOWN, kms_abroad, two_destinations, value, with};
use crate::existing::{self, SOURCE, TARGET, stands};
use crate::random::surroundings;
use crate::terraform::Terraform;
use crate::unreliable::UnreliableCloud;

const NAME: &str = "replicated_bucket_backfill";
const ROLE: &str = "backfill-acme-archive";

/// What a run of the action told, and said at its end.
struct Ran {
    lines: Vec<String>,
    said: Diagnostics,
}

impl Ran {
    /// Summaries of one severity, with their paths.
    fn summaries(&self, severity: Severity) -> Vec<String> {
        let of = self.said.iter().filter(|d| d.severity == severity);
        of.map(|d| match &d.path {
            Some(path) => format!("{path}: {}", d.summary),
            None => d.summary.clone(),
        })
        .collect()
    }

    fn text(&self) -> String {
        self.said.iter().map(|d| d.detail.as_str()).collect()
    }
}

fn config(terraform: &Terraform, json: &Json) -> Value {
    let server = terraform.server();
    value(json, &server.schemas().actions[NAME].schema.block.ty())
}

/// Checks, plans and invokes, as Terraform does.
async fn invoke(terraform: &Terraform, json: &Json) -> Ran {
    let server = terraform.server();
    let config = config(terraform, json);
    let mut said = server.validate_action_config(NAME, &config).await;
    said.extend(
        server
            .plan_action(NAME, &config, ClientCapabilities::default())
            .await,
    );
    let mut ran = Ran {
        lines: Vec::new(),
        said,
    };
    if ran.said.has_error() {
        return ran;
    }
    let mut events = server.invoke_action(NAME, config).await;
    while let Some(event) = events.next().await {
        match event {
            ActionEvent::Progress(line) | ActionEvent::Advance { message: line, .. } => {
                ran.lines.push(line);
            }
            ActionEvent::Completed(said) => ran.said.extend(said),
        }
    }
    ran
}

/// A setup with so many objects of before.
async fn holding(config: &Json, objects: u64) -> Terraform {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    terraform.converge(config).await;
    terraform.cloud.aws.state().jobs.objects = objects;
    terraform
}

/// Somebody makes the bucket of the report, beside the source.
fn make_report_bucket(terraform: &Terraform) {
    let mut state = terraform.cloud.aws.state();
    let mut bucket = state.buckets["acme-archive"].clone();
    bucket.replication = None;
    state.buckets.insert("acme-reports".to_owned(), bucket);
}

fn asking(terraform: &Terraform) -> Json {
    json!({ "import_id": terraform.at("/import_id") })
}

fn has_role(terraform: &Terraform) -> bool {
    let id = (HOME.to_owned(), ROLE.to_owned());
    terraform.cloud.aws.state().roles.contains_key(&id)
}

#[tokio::test(start_paused = true)]
async fn objects_of_before_follow_with_a_line_each_time_that_something_changed() {
    let mut terraform = holding(&two_destinations(), 10_000).await;
    let ran = invoke(&terraform, &asking(&terraform)).await;
    assert!(ran.said.is_empty(), "{:?}", ran.said);
    let (first, last) = (ran.lines.first().unwrap(), ran.lines.last().unwrap());
    assert_eq!(first, &format!("Creating role {ROLE}."));
    assert_eq!(
        last,
        "Done: 10,000 objects of acme-archive were replicated."
    );
    assert!(
        ran.lines
            .iter()
            .any(|line| line.contains(" a second, about ")),
        "{:?}",
        ran.lines
    );
    assert!(!has_role(&terraform));
    // What the action did is no drift of the resource.
    terraform.converge(&two_destinations()).await;
}

#[tokio::test(start_paused = true)]
async fn every_setting_reaches_the_job() {
    let terraform = holding(&kms_abroad(), 5).await;
    make_report_bucket(&terraform);
    let mut asked = asking(&terraform);
    for (name, setting) in [
        (
            "object_replication_statuses",
            json!(["COMPLETED", "REPLICA"]),
        ),
        ("created_after", json!("2026-01-01T00:00:00Z")),
        ("created_before", json!("2026-02-01T00:00:00Z")),
        ("prefixes", json!(["a/", "b/"])),
        ("object_size_greater_than", json!(10)),
        ("object_size_less_than", json!(20)),
        ("priority", json!(7)),
        ("report_bucket", json!("acme-reports")),
        ("report_prefix", json!("why")),
    ] {
        asked = with(&asked, name, setting);
    }
    let ran = invoke(&terraform, &asked).await;
    assert!(ran.said.is_empty(), "{:?}", ran.said);
    let state = terraform.cloud.aws.state();
    let job = &state.jobs.made[0].request;
    let filter = &job.filter;
    assert_eq!(job.priority, 7);
    assert_eq!(job.role_arn, format!("arn:aws:iam::{HOME}:role/{ROLE}"));
    assert!(
        filter
            .replication_statuses
            .iter()
            .eq(["COMPLETED", "REPLICA"])
    );
    assert!(filter.prefixes.iter().eq(["a/", "b/"]));
    assert_eq!(
        (filter.created_after, filter.created_before),
        (Some(1_767_225_600), Some(1_769_904_000))
    );
    assert_eq!(
        (filter.size_greater_than, filter.size_less_than),
        (Some(10), Some(20))
    );
    let report = job.report.as_ref().unwrap();
    assert_eq!(
        (report.bucket.as_str(), report.prefix.as_str()),
        ("acme-reports", "why")
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_is_refused_at_its_attribute_before_anything_is_made() {
    let terraform = holding(&kms_abroad(), 5).await;
    terraform.cloud.take_writes();
    for (name, setting, at) in [
        ("import_id", json!("UPPER"), "import_id"),
        (
            "object_replication_statuses",
            json!(["PENDING"]),
            "object_replication_statuses[0]",
        ),
        (
            "object_replication_statuses",
            json!([]),
            "object_replication_statuses",
        ),
        ("created_after", json!("yesterday"), "created_after"),
        (
            "created_before",
            json!("2026-02-30T00:00:00Z"),
            "created_before",
        ),
        ("prefixes", json!([""]), "prefixes[0]"),
        (
            "object_size_greater_than",
            json!(-1),
            "object_size_greater_than",
        ),
        ("object_size_less_than", json!(0), "object_size_less_than"),
        ("role_arn", json!("Backfill"), "role_arn"),
        ("priority", json!(2_147_483_648_u64), "priority"),
        ("report_bucket", json!("UPPER"), "report_bucket"),
        ("report_prefix", json!("why"), "report_prefix"),
    ] {
        let asked = with(&asking(&terraform), name, setting);
        let errors = invoke(&terraform, &asked).await.summaries(Severity::Error);
        assert_eq!(errors.len(), 1, "{name}: {errors:?}");
        assert!(errors[0].starts_with(&format!("{at}: ")), "{errors:?}");
    }
    for (settings, at) in [
        (
            json!({ "created_after": "2026-01-02T00:00:00Z", "created_before": "2026-01-01T00:00:00Z" }),
            "created_before",
        ),
        (
            json!({ "object_size_greater_than": 9, "object_size_less_than": 10 }),
            "object_size_less_than",
        ),
    ] {
        let mut asked = asking(&terraform);
        asked
            .as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        let errors = invoke(&terraform, &asked).await.summaries(Severity::Error);
        assert!(
            matches!(&errors[..], [one] if one.starts_with(at)),
            "{errors:?}"
        );
    }
    assert!(terraform.cloud.take_writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unknown_values_plan_without_a_word() {
    let terraform = holding(&kms_abroad(), 5).await;
    let server = terraform.server();
    let names: Vec<String> = server.schemas().actions[NAME]
        .schema
        .block
        .attributes
        .iter()
        .map(|a| a.name.clone())
        .collect();
    for name in &names {
        let asked = with(&asking(&terraform), name, json!(UNKNOWN));
        let config = config(&terraform, &asked);
        let mut said = server.validate_action_config(NAME, &config).await;
        said.extend(
            server
                .plan_action(NAME, &config, ClientCapabilities::default())
                .await,
        );
        assert!(said.is_empty(), "{name}: {said:?}");
    }
    assert_eq!(names.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_source_without_a_live_rule_has_nothing_to_carry_out() {
    let paused = with(&kms_abroad(), "destinations.backup.enabled", json!(false));
    for terraform in [holding(&paused, 5).await, Terraform::new()] {
        terraform.cloud.take_writes();
        let asked = json!({ "import_id": format!("{HOME}/acme-archive@eu-west-1,arn:aws:iam::{ABROAD}:role/Deploy") });
        let ran = invoke(&terraform, &asked).await;
        assert_eq!(
            ran.summaries(Severity::Error),
            ["import_id: Nothing replicates from this bucket"]
        );
        assert!(terraform.cloud.take_writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_setup_is_told_and_failures_say_what_to_do() {
    let terraform = holding(&kms_abroad(), 20).await;
    make_report_bucket(&terraform);
    {
        let mut state = terraform.cloud.aws.state();
        state.buckets.get_mut("acme-archive-backup").unwrap().policy = None;
        let failing = [("DstPutObjectNotPermitted", 12), ("Strange", 1)];
        state.jobs.failing = failing
            .map(|(reason, count)| (reason.to_owned(), count))
            .into();
    }
    let ran = invoke(&terraform, &asking(&terraform)).await;
    assert_eq!(ran.summaries(Severity::Warning), ["Objects may not cross"]);
    assert_eq!(
        ran.summaries(Severity::Error),
        ["Objects were not replicated"]
    );
    let text = ran.text();
    assert!(
        text.contains("destination/backup/bucket_policy: statements missing"),
        "{text}"
    );
    assert!(
        text.contains("Of 20 objects, 7 crossed and 13 failed."),
        "{text}"
    );
    assert!(text.contains("Run it again with `report_bucket`"), "{text}");
    let asked = with(&asking(&terraform), "report_bucket", json!("acme-reports"));
    let text = invoke(&terraform, &asked).await.text();
    let told = "12 objects: DstPutObjectNotPermitted (such as DstPutObjectNotPermitted-0)\n    The destination's bucket policy does not grant it";
    assert!(text.contains(told), "{text}");
    assert!(
        text.contains("1 object: Strange") && text.contains("does not know this reason"),
        "{text}"
    );
    assert!(!has_role(&terraform));
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_names_the_call_and_where_the_permissions_are_told() {
    let terraform = holding(&kms_abroad(), 5).await;
    terraform.cloud.refuse("CreateJob acme-archive");
    let ran = invoke(&terraform, &asking(&terraform)).await;
    assert_eq!(
        ran.summaries(Severity::Error),
        ["The backfill was not begun"]
    );
    assert!(
        ran.text().contains("s3:CreateJob on acme-archive"),
        "{}",
        ran.text()
    );
    assert!(!has_role(&terraform));
    // A role that stays is told.
    let terraform = holding(&kms_abroad(), 5).await;
    terraform.cloud.refuse(&format!("DeleteRole {ROLE}"));
    let ran = invoke(&terraform, &asking(&terraform)).await;
    assert_eq!(
        ran.summaries(Severity::Warning),
        ["The role of the backfill is still there"]
    );
    assert!(has_role(&terraform));
}

#[tokio::test(start_paused = true)]
async fn the_role_that_is_made_is_tagged_and_bounded_as_that_of_the_setup() {
    let boundary = "arn:aws:iam::111111111111:policy/Boundary";
    let bounded = with(
        &kms_abroad(),
        "role",
        json!({ "permissions_boundary": boundary }),
    );
    let mut terraform = holding(&bounded, 5).await;
    terraform.settings.default_tags = [("team".to_owned(), "archive".to_owned())].into();
    terraform.cloud.aws.state().requires_boundaries = true;
    terraform.cloud.refuse(&format!("DeleteRole {ROLE}"));
    let ran = invoke(&terraform, &asking(&terraform)).await;
    assert!(!ran.said.has_error(), "{:?}", ran.said);
    let state = terraform.cloud.aws.state();
    let role = &state.roles[&(HOME.to_owned(), ROLE.to_owned())].description;
    assert_eq!(role.permissions_boundary.as_deref(), Some(boundary));
    assert_eq!(role.tags["team"], "archive");
}

#[tokio::test(start_paused = true)]
async fn by_new_rules_over_a_bucket_of_before_what_found_nothing_looks_once_more() {
    let mut terraform = Terraform::new();
    surroundings(&terraform);
    stands(&terraform, HOME, "eu-west-1", SOURCE).await;
    stands(&terraform, ABROAD, "us-west-2", TARGET).await;
    terraform.converge(&existing::config()).await;
    let now = OffsetDateTime::now_utc();
    for (minutes, expected) in [(1, 2), (60, 3)] {
        let made = now - time::Duration::minutes(minutes);
        let role = (HOME.to_owned(), format!("replication-{SOURCE}"));
        let made = made.format(&Rfc3339).unwrap();
        terraform
            .cloud
            .aws
            .state()
            .roles
            .get_mut(&role)
            .unwrap()
            .description
            .created = Some(made);
        let ran = invoke(&terraform, &asking(&terraform)).await;
        assert!(!ran.said.has_error(), "{:?}", ran.said);
        assert!(ran.lines.last().unwrap().starts_with("Nothing to do: "));
        let made = terraform.cloud.aws.state().jobs.made.len();
        assert_eq!(made, expected, "{minutes} minutes old");
    }
}

#[tokio::test(start_paused = true)]
async fn a_two_way_destination_is_a_source_of_its_own() {
    let two_way = with(&kms_abroad(), "destinations.backup.two_way", json!(true));
    let terraform = holding(&two_way, 3).await;
    let back = format!("{ABROAD}/acme-archive-backup@us-west-2,arn:aws:iam::{ABROAD}:role/Deploy");
    let ran = invoke(&terraform, &json!({ "import_id": back })).await;
    assert!(!ran.said.has_error(), "{:?}", ran.said);
    let last = ran.lines.last().unwrap();
    assert_eq!(
        last,
        "Done: 3 objects of acme-archive-backup were replicated."
    );
    let state = terraform.cloud.aws.state();
    let role = format!("arn:aws:iam::{ABROAD}:role/backfill-acme-archive-backup");
    assert_eq!(state.jobs.made[0].request.role_arn, role);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_watched_keeps_its_role_until_the_next_run() {
    let first = holding(&kms_abroad(), 5).await;
    invoke(&first, &asking(&first)).await;
    let id = first.cloud.aws.state().jobs.made[0].id.clone();
    let terraform = holding(&kms_abroad(), 5).await;
    terraform
        .cloud
        .refuse_after(&format!("DescribeJob {id}"), 3);
    let ran = invoke(&terraform, &asking(&terraform)).await;
    let error = ["Nobody can tell where the backfill stands"];
    assert_eq!(ran.summaries(Severity::Error), error);
    let warning = ["The role of the backfill is still there"];
    assert_eq!(ran.summaries(Severity::Warning), warning);
    assert!(
        has_role(&terraform) && ran.text().contains(&id),
        "{}",
        ran.text()
    );
    // Somebody who may look goes on with it.
    let other = Terraform::over(UnreliableCloud::holding(
        terraform.cloud.aws.state().clone(),
    ));
    let ran = invoke(&other, &asking(&terraform)).await;
    assert!(ran.said.is_empty(), "{:?}", ran.said);
    assert!(ran.lines[0].starts_with(&format!("Going on with job {id}")));
    assert!(!has_role(&other));
}
