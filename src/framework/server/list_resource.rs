//! `ListResource`: objects that are there, as a stream.

use std::panic::AssertUnwindSafe;

use futures::stream::{self, BoxStream, StreamExt};

use super::answer::{bug, known, settled};
use super::guard::{guarded, panicked};
use super::{Schema, Server, found};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{ListEvent, ListRequest};
use crate::framework::value::{Type, Value};

impl Server {
    /// Lists objects, at most as many as asked for; an error ends the listing.
    pub async fn list_resource(
        &self,
        type_name: &str,
        request: ListRequest,
    ) -> BoxStream<'static, ListEvent> {
        let entry = match found(&self.schemas.list_resources, "list resource", type_name) {
            Ok(entry) => entry,
            Err(diagnostics) => return failed(diagnostics),
        };
        let resource = match self.resource(type_name) {
            Ok(resource) => resource,
            Err(diagnostics) => return failed(diagnostics),
        };
        let check = Check {
            schema: resource.entry.schema.clone(),
            ty: resource.entry.ty.clone(),
            identity_ty: resource.identity_ty(),
            with_object: request.include_resource_object,
        };
        let limit = usize::try_from(request.limit).unwrap_or(0);
        let operation = format!("list {type_name}");
        match guarded(&operation, entry.item.list(request)).await {
            Ok(events) => limited(limit, ended_by_errors(operation, events, check)),
            Err(diagnostics) => failed(diagnostics),
        }
    }
}

/// What an event is held against.
struct Check {
    schema: Schema,
    ty: Type,
    identity_ty: Type,
    with_object: bool,
}

impl Check {
    fn event(&self, mut event: ListEvent) -> ListEvent {
        if event.diagnostics.has_error() {
            return event;
        }
        let diagnostics = &mut event.diagnostics;
        let identity = std::mem::replace(&mut event.identity, Value::Null);
        // An event without identity is allowed only to carry a warning.
        if identity.is_null() && diagnostics.is_empty() {
            bug(
                diagnostics,
                "The provider listed an object without identity",
                &event.display_name,
            );
            return event;
        }
        match identity.into_type(&self.identity_ty) {
            Ok(identity) => event.identity = known(identity, "a listing", diagnostics),
            Err(error) => bug(
                diagnostics,
                "The provider returned an invalid identity",
                format!("{}: {error}.", event.display_name),
            ),
        }
        event.resource_object = match event.resource_object.take() {
            Some(object) if self.with_object => match settled(&self.schema, &self.ty, object) {
                Ok(object) => Some(known(object, "a listing", diagnostics)),
                Err(error) => {
                    bug(
                        diagnostics,
                        "The provider returned an invalid state",
                        format!("{}: {error}.", event.display_name),
                    );
                    None
                }
            },
            _ => None,
        };
        event
    }
}

/// Ends the stream with its last object that is wanted; what is no object, but a warning, does not count.
fn limited(limit: usize, events: BoxStream<'static, ListEvent>) -> BoxStream<'static, ListEvent> {
    stream::unfold((limit, events), |(wanted, mut events)| async move {
        if wanted == 0 {
            return None;
        }
        let event = events.next().await?;
        let rest = wanted - usize::from(!event.identity.is_null());
        Some((event, (rest, events)))
    })
    .boxed()
}

fn failed(diagnostics: Diagnostics) -> BoxStream<'static, ListEvent> {
    stream::iter([failure(diagnostics)]).boxed()
}

fn failure(diagnostics: Diagnostics) -> ListEvent {
    ListEvent {
        identity: Value::Null,
        display_name: String::new(),
        resource_object: None,
        diagnostics,
    }
}

/// Cuts the stream after the first event with an error.
fn ended_by_errors(
    operation: String,
    events: BoxStream<'static, ListEvent>,
    check: Check,
) -> BoxStream<'static, ListEvent> {
    let events = AssertUnwindSafe(events)
        .catch_unwind()
        .map(move |event| match event {
            Ok(event) => check.event(event),
            Err(panic) => failure(panicked(&operation, panic.as_ref())),
        })
        .boxed();
    stream::unfold(Some(events), |state| async move {
        let mut events = state?;
        let event = events.next().await?;
        let rest = (!event.diagnostics.has_error()).then_some(events);
        Some((event, rest))
    })
    .boxed()
}
