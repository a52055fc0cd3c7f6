//! `PlanAction` and `InvokeAction`.

use std::panic::AssertUnwindSafe;

use futures::stream::{self, BoxStream, StreamExt};

use super::Server;
use super::guard::{guarded, panicked};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{ActionEvent, ClientCapabilities};
use crate::framework::value::Value;

impl Server {
    /// Checks an action at plan; values may be unknown.
    pub async fn plan_action(
        &self,
        type_name: &str,
        config: &Value,
        client: ClientCapabilities,
    ) -> Diagnostics {
        let entry = match self.action(type_name) {
            Ok(entry) => entry,
            Err(diagnostics) => return diagnostics,
        };
        let operation = format!("plan the action {type_name}");
        match guarded(&operation, entry.item.plan(config, client)).await {
            Ok(found) | Err(found) => found,
        }
    }

    /// Runs an action. The last event, and only the last, is [`ActionEvent::Completed`].
    pub async fn invoke_action(
        &self,
        type_name: &str,
        config: Value,
    ) -> BoxStream<'static, ActionEvent> {
        let entry = match self.action(type_name) {
            Ok(entry) => entry,
            Err(diagnostics) => return completed(diagnostics),
        };
        // What was unknown at plan was not checked yet.
        let said = self.validate_action_config(type_name, &config).await;
        if said.has_error() {
            return completed(said);
        }
        let operation = format!("run the action {type_name}");
        let invoke = entry.item.invoke(config, self.stop_token());
        match guarded(&operation, invoke).await {
            Ok(events) => ended_once(operation, events),
            Err(diagnostics) => completed(diagnostics),
        }
    }
}

fn completed(diagnostics: Diagnostics) -> BoxStream<'static, ActionEvent> {
    stream::iter([ActionEvent::Completed(diagnostics)]).boxed()
}

/// Cuts the stream after the first end, and adds an end where there is none.
fn ended_once(
    operation: String,
    events: BoxStream<'static, ActionEvent>,
) -> BoxStream<'static, ActionEvent> {
    let events = AssertUnwindSafe(events).catch_unwind().boxed();
    stream::unfold(Some(events), move |state| {
        let operation = operation.clone();
        async move {
            let mut events = state?;
            match events.next().await {
                Some(Ok(end @ ActionEvent::Completed(_))) => Some((end, None)),
                Some(Ok(event)) => Some((event, Some(events))),
                Some(Err(panic)) => {
                    let diagnostics = panicked(&operation, panic.as_ref());
                    Some((ActionEvent::Completed(diagnostics), None))
                }
                None => Some((ActionEvent::Completed(Diagnostics::new()), None)),
            }
        }
    })
    .boxed()
}
