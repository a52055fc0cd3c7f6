//! `ApplyResourceChange`: create, update or delete, by the side that is null.
//!
//! The answer must be true whatever happens: Terraform saves its state, private state and identity even
//! when there are errors, and forgets an object that an answer leaves out.

use super::answer::{bug, known, settled};
use super::guard::guarded;
use super::identity::{self, Stage};
use super::{ResourceEntry, Server};
use crate::framework::contract::{self, Finding};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::ignored::as_planned;
use crate::framework::provider::{ApplyRequest, ApplyResponse};
use crate::framework::value::Value;

impl Server {
    /// Applies a planned change.
    pub async fn apply_resource_change(
        &self,
        type_name: &str,
        mut request: ApplyRequest,
    ) -> ApplyResponse {
        let before = Before {
            change: Change::of(&request),
            prior: request.prior_state.clone(),
            planned: request.planned_state.clone(),
            private: request.planned_private.clone(),
            identity: request.planned_identity.clone(),
        };
        let resource = match self.resource(type_name) {
            Ok(resource) => resource,
            Err(diagnostics) => return before.with(diagnostics),
        };
        let operation = format!("{} {type_name}", before.change.verb());
        let item = &resource.entry.item;
        if before.change == Change::Update {
            let attributes = &resource.entry.schema.block.attributes;
            request.config = as_planned(attributes, &request.config, &request.planned_state);
        }
        let response = match before.change {
            Change::Create => guarded(&operation, item.create(request)).await,
            Change::Update => guarded(&operation, item.update(request)).await,
            Change::Delete => guarded(&operation, item.delete(request)).await,
        };
        match response {
            Ok(response) => checked(resource, &before, response),
            Err(diagnostics) => before.with(diagnostics),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Create,
    Update,
    Delete,
}

impl Change {
    fn of(request: &ApplyRequest) -> Self {
        if request.planned_state.is_null() {
            Self::Delete
        } else if request.prior_state.is_null() {
            Self::Create
        } else {
            Self::Update
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// What Terraform had before the change.
struct Before {
    change: Change,
    prior: Value,
    planned: Value,
    private: Vec<u8>,
    identity: Value,
}

impl Before {
    /// The answer when nothing is known of the outcome.
    fn with(self, diagnostics: Diagnostics) -> ApplyResponse {
        ApplyResponse {
            identity: self.known_identity(),
            new_state: self.prior,
            private: self.private,
            diagnostics,
        }
    }

    fn known_identity(&self) -> Value {
        if self.identity.is_wholly_known() {
            self.identity.clone()
        } else {
            Value::Null
        }
    }

    /// The state to save when the change went through but its result cannot be used: forgetting the
    /// object would be worse than a state that the next read corrects.
    fn stand_in(&self) -> Value {
        match self.change {
            Change::Create => self.planned.clone().with_unknown_as_null(),
            Change::Update | Change::Delete => self.prior.clone(),
        }
    }
}

fn checked(resource: &ResourceEntry, before: &Before, response: ApplyResponse) -> ApplyResponse {
    let mut diagnostics = response.diagnostics;
    let failed = diagnostics.has_error();
    let entry = &resource.entry;
    let verb = before.change.verb();
    let mut new_state = match settled(&entry.schema, &entry.ty, response.new_state) {
        Ok(state) => {
            if cfg!(debug_assertions) && !failed && before.change != Change::Delete {
                let findings =
                    contract::assert_object_compatible(&entry.schema, &before.planned, &state);
                tell(&findings, &mut diagnostics);
            }
            known(state, &format!("the {verb}"), &mut diagnostics)
        }
        Err(error) => {
            bug(
                &mut diagnostics,
                "The provider returned an invalid state",
                format!("After the {verb} the state does not fit the schema: {error}."),
            );
            before.stand_in()
        }
    };
    match before.change {
        Change::Delete if !failed && !new_state.is_null() => bug(
            &mut diagnostics,
            "The provider did not delete the object",
            "It reported success and returned a state all the same.",
        ),
        Change::Create | Change::Update if !failed && new_state.is_null() => {
            bug(
                &mut diagnostics,
                "The provider returned no state",
                format!("The {verb} was reported as a success, but its result is null."),
            );
            new_state = before.stand_in();
        }
        _ => {}
    }
    let identity = if new_state.is_null() {
        Value::Null
    } else {
        let known = before.known_identity();
        let now = response.identity;
        identity::checked(resource, &known, now, Stage::Settled, &mut diagnostics)
    };
    ApplyResponse {
        new_state,
        private: response.private,
        identity,
        diagnostics,
    }
}

fn tell(findings: &[Finding], diagnostics: &mut Diagnostics) {
    if !findings.is_empty() {
        bug(
            diagnostics,
            "The provider's result is not what it planned",
            contract::list(findings),
        );
    }
}
