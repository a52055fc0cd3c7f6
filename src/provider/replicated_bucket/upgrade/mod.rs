//! What earlier versions of the provider stored, brought to the form of today: one file for each step.
//!
//! State, identity and private state have versions of their own, each of them the end of its steps here. A step knows
//! nothing but JSON, so it stays as it is when schema and models change.

mod identity_from_0;
mod private_from_1;
mod state_from_0;

use crate::framework::upgrade::Upgrades;

/// The state, which has the version of the schema.
pub(super) const STATE: Upgrades = Upgrades {
    oldest: 0,
    steps: &[state_from_0::upgrade],
};

/// The identity.
pub(super) const IDENTITY: Upgrades = Upgrades {
    oldest: 0,
    steps: &[identity_from_0::upgrade],
};

/// The private state, whose first version is 1.
pub(super) const PRIVATE: Upgrades = Upgrades {
    oldest: 1,
    steps: &[private_from_1::upgrade],
};
