//! The pure middle: what is wanted, what is there, the difference, the steps.

pub mod component;
pub mod ids;
pub mod operation;
pub mod policy;
