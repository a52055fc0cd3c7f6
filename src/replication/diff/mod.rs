//! The difference between what should be and what is, and the write that mends each piece of it.
//!
//! The same list serves everybody: a read turns it into drift that the plan shows, an apply into steps.
//! [`diff`] gives all of it; a plan asks for the pieces, because it writes granting documents twice.

mod bucket;
mod form;
mod grants;
mod key;
mod lifecycle;
mod object_lock;
mod role;
mod role_policies;
mod rules;
mod tags;

use super::component::ComponentId;
use super::desired::Desired;
use super::graph::Action;
use super::ids::Location;
use super::observed::Observed;
use super::operation::Operation;

pub use bucket::bucket_differences;
pub(super) use bucket::versioning_off;
pub use form::Form;
pub use grants::{NO_POLICY, grant_differences, narrowing};
pub use role::role_differences;
pub(super) use role::same_trust;
pub use rules::{replication_differences, replication_drift};
pub(super) use tags::{tag_changes, takes_mark_off};

/// Everything that differs, in an order in which it could be mended one by one.
pub fn diff(desired: &Desired, observed: &Observed) -> Vec<Difference> {
    let mut all = Vec::new();
    for (side, direction) in &desired.directions {
        all.extend(role_differences(side, &direction.role, observed.role(side)));
    }
    for (side, bucket) in &desired.buckets {
        let seen = observed.buckets.get(side).cloned().unwrap_or_default();
        all.extend(bucket_differences(side, bucket, &seen));
    }
    all.extend(grant_differences(desired, observed, Form::Exact));
    all.extend(replication_differences(desired, observed));
    all
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The component.
    pub component: ComponentId,
    /// Where it lives.
    pub at: Location,
    /// What about it, in words that follow the component's name: `versioning suspended`.
    pub what: String,
    /// How it shows in a plan.
    pub shows: Shows,
    /// The write that mends it.
    pub repair: Action,
}

/// How a difference shows in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// At an attribute of its own.
    Attribute,
    /// At its component only.
    Component,
    /// Not at all: it is mended along with any other difference.
    Nowhere,
}

/// What a component says that carries the mark of a retained one although it is managed: whoever applies its configuration
/// without the state would take it over.
const MARKED: &str = "marked as retained by a destroy";

/// Collects the differences of one component.
struct Found {
    component: ComponentId,
    at: Location,
    list: Vec<Difference>,
}

impl Found {
    fn new(component: ComponentId, at: &Location) -> Self {
        Self {
            component,
            at: at.clone(),
            list: Vec::new(),
        }
    }

    fn attribute(&mut self, what: &str, operation: Operation) {
        self.add(what, Shows::Attribute, Action::Call(operation));
    }

    fn component(&mut self, what: &str, operation: Operation) {
        self.add(what, Shows::Component, Action::Call(operation));
    }

    fn add(&mut self, what: &str, shows: Shows, repair: Action) {
        self.list.push(Difference {
            component: self.component.clone(),
            at: self.at.clone(),
            what: what.to_owned(),
            shows,
            repair,
        });
    }
}
