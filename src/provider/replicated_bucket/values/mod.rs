//! From what is written to what is meant, and back: [`effective`] works out what was left out, [`expand`] leads to
//! the domain, [`flatten`] back from what AWS shows, and [`computed`] fills what follows.

pub(crate) mod components;
pub(crate) mod computed;
pub mod effective;
pub mod expand;
pub mod flatten;
pub(crate) mod previous;
pub(crate) mod setting;
