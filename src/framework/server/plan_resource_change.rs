//! `PlanResourceChange`: the steps from a configuration to a plan.
//!
//! In order: defaults, write-only values to null, computed attributes to unknown if anything changes,
//! the attributes' plan modifiers, and [`Resource::plan`](crate::framework::provider::Resource::plan),
//! which has the final word. The same inputs give the same plan: Terraform plans twice.

use super::answer::{bug, null_write_only, settled};
use super::guard::{guarded, guarded_sync};
use super::identity::{self, Stage};
use super::read_resource::refuse_deferral;
use super::{ResourceEntry, Server};
use crate::framework::contract;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::provider::{PlanRequest, PlanResponse};
use crate::framework::schema::{
    Attribute, AttributeType, Block, PlanModification, Schema, traverse, traverse_attributes,
};
use crate::framework::value::{AttributePath, NULL, Value};

impl Server {
    /// Plans a change.
    pub async fn plan_resource_change(
        &self,
        type_name: &str,
        mut request: PlanRequest,
    ) -> PlanResponse {
        let before = Before {
            prior: request.prior_state.clone(),
            config: request.config.clone(),
            private: request.prior_private.clone(),
            identity: request.prior_identity.clone(),
            destroying: request.proposed_new_state.is_null(),
            deferral_allowed: request.client.deferral_allowed,
        };
        let resource = match self.resource(type_name) {
            Ok(resource) => resource,
            Err(diagnostics) => return before.with(diagnostics),
        };
        let operation = format!("plan {type_name}");
        let mut replace = Vec::new();
        if !before.destroying {
            let schema = &resource.entry.schema;
            let proposed = std::mem::replace(&mut request.proposed_new_state, Value::Null);
            let draft = || Draft::new(schema, &before.prior, &before.config, proposed);
            match guarded_sync(&operation, draft) {
                Ok(draft) => {
                    request.proposed_new_state = draft.planned;
                    replace = draft.requires_replace;
                }
                Err(diagnostics) => return before.with(diagnostics),
            }
        }
        match guarded(&operation, resource.entry.item.plan(request)).await {
            Ok(response) => checked(resource, before, replace, response),
            Err(diagnostics) => before.with(diagnostics),
        }
    }
}

/// A plan before the resource's own word.
pub(super) struct Draft {
    pub(super) planned: Value,
    pub(super) requires_replace: Vec<AttributePath>,
}

impl Draft {
    /// The plan that the schema alone makes.
    pub(super) fn new(schema: &Schema, prior: &Value, config: &Value, proposed: Value) -> Self {
        let block = &schema.block;
        let mut planned = proposed;
        apply_defaults(block, config, &mut planned);
        null_write_only(block, &mut planned);
        if planned.same(prior) {
            planned = prior.clone();
        } else {
            let mut with_defaults = config.clone();
            apply_defaults(block, config, &mut with_defaults);
            mark_unknown(block, &with_defaults, &mut planned);
        }
        let requires_replace = run_plan_modifiers(block, config, prior, &mut planned);
        Self {
            planned,
            requires_replace,
        }
    }
}

/// Plans defaults where the configuration is null.
fn apply_defaults(block: &Block, config: &Value, planned: &mut Value) {
    traverse(
        block,
        config,
        &NULL,
        planned,
        &mut |attribute, _, config, _, planned| {
            if let (true, Some(default)) = (config.is_null(), &attribute.default) {
                *planned = completed(attribute, default);
            }
            // Inside something that is not configured only the default of the whole counts.
            !config.is_null()
        },
    );
}

/// A default with the defaults of nested attributes that it leaves out.
fn completed(attribute: &Attribute, default: &Value) -> Value {
    let mut value = default.clone();
    if let AttributeType::Nested(_, attributes) = &attribute.ty {
        traverse_attributes(
            attributes,
            default,
            &NULL,
            &mut value,
            &mut |attribute, _, given, _, value| {
                if let (true, Some(default)) = (given.is_null(), &attribute.default) {
                    *value = completed(attribute, default);
                }
                !given.is_null()
            },
        );
    }
    value
}

/// Makes unknown what the provider computes and nobody set. `set` is the configuration with defaults.
fn mark_unknown(block: &Block, set: &Value, planned: &mut Value) {
    traverse(
        block,
        set,
        &NULL,
        planned,
        &mut |attribute, _, set, _, planned| {
            if set.is_null() && attribute.computed() {
                *planned = Value::Unknown;
            }
            !set.is_null()
        },
    );
}

/// Runs the attributes' plan modifiers and tells the paths for which one wants a replacement.
fn run_plan_modifiers(
    block: &Block,
    config: &Value,
    prior: &Value,
    planned: &mut Value,
) -> Vec<AttributePath> {
    let creating = prior.is_null();
    let mut replace = Vec::new();
    traverse(
        block,
        config,
        prior,
        planned,
        &mut |attribute, path, config, prior, planned| {
            let mut modification = PlanModification {
                path,
                config,
                prior,
                creating,
                planned,
                requires_replace: false,
            };
            for modifier in &attribute.plan_modifiers {
                modifier.modify(&mut modification);
            }
            if modification.requires_replace && !replace.contains(path) {
                replace.push(path.clone());
            }
            true
        },
    );
    replace
}

/// What Terraform had before the plan.
struct Before {
    prior: Value,
    config: Value,
    private: Vec<u8>,
    identity: Value,
    destroying: bool,
    deferral_allowed: bool,
}

impl Before {
    fn with(self, diagnostics: Diagnostics) -> PlanResponse {
        PlanResponse {
            planned_state: self.prior,
            requires_replace: Vec::new(),
            planned_private: self.private,
            planned_identity: self.identity,
            diagnostics,
            deferred: None,
        }
    }
}

fn checked(
    resource: &ResourceEntry,
    before: Before,
    mut replace: Vec<AttributePath>,
    response: PlanResponse,
) -> PlanResponse {
    let mut diagnostics = response.diagnostics;
    let schema = &resource.entry.schema;
    let mut deferred = response.deferred;
    if deferred.is_some() && !before.deferral_allowed {
        refuse_deferral(&mut diagnostics);
        deferred = None;
    }
    let planned_state = match settled(schema, &resource.entry.ty, response.planned_state) {
        Ok(planned) => planned,
        Err(error) => {
            bug(
                &mut diagnostics,
                "The provider returned an invalid plan",
                format!("The planned state does not fit the schema: {error}."),
            );
            return before.with(diagnostics);
        }
    };
    for path in response.requires_replace {
        if !replace.contains(&path) {
            replace.push(path);
        }
    }
    let creating = before.prior.is_null();
    replace.retain(|path| {
        let (old, new) = (before.prior.get(path), planned_state.get(path));
        !creating
            && !before.destroying
            && (contract::changes(old, new)
                || contract::is_write_only(schema, &planned_state, path))
    });
    if deferred.is_none() && !diagnostics.has_error() {
        check_rules(schema, &before, &planned_state, &replace, &mut diagnostics);
    }
    let stage = if creating || !replace.is_empty() {
        Stage::PlannedNew
    } else {
        Stage::Settled
    };
    let planned_identity = identity::checked(
        resource,
        &before.identity,
        response.planned_identity,
        stage,
        &mut diagnostics,
    );
    PlanResponse {
        planned_state,
        requires_replace: replace,
        planned_private: response.planned_private,
        planned_identity,
        diagnostics,
        deferred,
    }
}

fn check_rules(
    schema: &Schema,
    before: &Before,
    planned: &Value,
    replace: &[AttributePath],
    diagnostics: &mut Diagnostics,
) {
    if before.destroying {
        if !planned.is_null() {
            bug(
                diagnostics,
                "The provider planned a destroyed object",
                "The plan of a destroy is null.",
            );
        }
        return;
    }
    if cfg!(debug_assertions) {
        let Before { prior, config, .. } = before;
        let mut findings = contract::assert_plan_valid(schema, prior, config, planned);
        findings.extend(contract::assert_replace_paths(
            schema, prior, planned, replace,
        ));
        if !findings.is_empty() {
            bug(
                diagnostics,
                "The provider returned an invalid plan",
                contract::list(&findings),
            );
        }
    }
}
