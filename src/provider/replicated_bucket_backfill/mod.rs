//! The action `replicated_bucket_backfill`: objects that were there before the rules follow.
//!
//! `model` is what it takes and `words` what it says at its end. The setup is found as an import finds it; the job
//! itself is run by [`crate::execution::backfill`].

pub mod model;
mod words;

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use self::model::BackfillModel;
use super::replicated_bucket::status::{Status, look};
use super::settings::{Session, Shared};
use crate::execution::backfill::{self, Ended, Surroundings, Told};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::model::Attr;
use crate::framework::provider::{Action, ActionEvent};
use crate::framework::schema::Schema;
use crate::framework::told::{Teller, told};
use crate::framework::value::{AttributePath, Value};
use crate::replication::backfill::Backfill;
use crate::replication::operation::RoleDescription;
use crate::replication::spec::Spec;

/// How long rules are new.
const NEW_FOR: time::Duration = time::Duration::minutes(15);

/// The action.
pub struct BackfillAction {
    shared: Arc<Shared>,
}

impl BackfillAction {
    /// An action that uses the process's session.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl Action for BackfillAction {
    fn type_name(&self) -> &str {
        "replicated_bucket_backfill"
    }

    fn schema(&self) -> Schema {
        model::schema()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let mut said = Diagnostics::new();
        // What is not known yet is checked when it is.
        if let Ok(Attr::Known(model)) = Attr::<BackfillModel>::from_value(config) {
            model.check(&mut said);
        }
        said
    }

    async fn invoke(
        &self,
        config: Value,
        stop: CancellationToken,
    ) -> BoxStream<'static, ActionEvent> {
        let shared = Arc::clone(&self.shared);
        told(move |teller| async move { run(&shared, &config, &stop, &teller).await })
    }
}

async fn run(
    shared: &Shared,
    config: &Value,
    stop: &CancellationToken,
    teller: &Teller,
) -> Diagnostics {
    let mut said = Diagnostics::new();
    let begun = shared.begin_action::<BackfillModel>(config, &mut said);
    let Some((session, model)) = begun else {
        return said;
    };
    let import_id = model.import_id.known().cloned().unwrap_or_default();
    let Some(status) = looked(&session, &import_id, &mut said).await else {
        return said;
    };
    if !has_live_rule(&status.spec) {
        said.error_at(
            AttributePath::root("import_id"),
            "Nothing replicates from this bucket",
            format!(
                "A backfill carries out the rules of the source, and {} has none that is enabled. Run `terraform apply` first, or write `enabled = true` for a rule.",
                status.spec.source.name
            ),
        );
        return said;
    }
    if !status.flaws.is_empty() {
        let flaws: Vec<String> = status
            .flaws
            .iter()
            .map(|flaw| format!("  {flaw}"))
            .collect();
        said.warning(
            "Objects may not cross",
            format!(
                "Something that replication needs is missing or changed, so that objects of this backfill may fail:\n\n{}\n\nRun `terraform apply` to mend it, and then the backfill again.",
                flaws.join("\n")
            ),
        );
    }
    let asked = Backfill {
        bucket: status.spec.source.name.clone(),
        at: status.spec.source.location.clone(),
        filter: model.filter(),
        role_arn: model.role_arn.known().cloned(),
        priority: model.priority(),
        report: model.report(),
        tags: session.settings.default_tags.clone(),
        permissions_boundary: status
            .role
            .as_ref()
            .and_then(|role| role.permissions_boundary.clone()),
    };
    let moment = OffsetDateTime::now_utc();
    let now = moment.format(&Rfc3339);
    let around = Surroundings {
        cloud: &*session.cloud,
        locks: &session.locks,
        stop,
        detach: model.detach.known() == Some(&true),
        rules_are_new: status.spec.source.existing().is_some()
            && is_new(status.role.as_ref(), moment),
        now: now.as_deref().unwrap_or_default(),
        tell: &|told| match told {
            Told::Line(line) => teller.say(line),
            Told::Progress { line, done, total } => teller.advance(line, done, total),
        },
    };
    let ended = followed(&asked, &around).await;
    if let Some(last) = words::ended(&asked, ended, &mut said) {
        teller.say(last);
    }
    said
}

/// Looks at the setup. What this needs of the stack ends with it, and the action is polled deep in a connection.
fn looked<'a>(
    session: &'a Session,
    import_id: &'a str,
    said: &'a mut Diagnostics,
) -> BoxFuture<'a, Option<Status>> {
    look(session, import_id, said).boxed()
}

/// Runs the job; the same.
fn followed<'a>(asked: &'a Backfill, around: &'a Surroundings<'_>) -> BoxFuture<'a, Ended> {
    backfill::run(asked, around).boxed()
}

/// Whether a role was made so lately that the rules, which came after it, may not show everywhere yet.
fn is_new(role: Option<&RoleDescription>, now: OffsetDateTime) -> bool {
    let made = role.and_then(|role| role.created.as_deref());
    let made = made.and_then(|made| OffsetDateTime::parse(made, &Rfc3339).ok());
    made.is_some_and(|made| now - made < NEW_FOR)
}

fn has_live_rule(spec: &Spec) -> bool {
    let mut rules = spec.destinations.values().flat_map(|to| to.rules.values());
    rules.any(|rule| rule.enabled)
}
