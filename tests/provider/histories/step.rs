//! What happens in a history, one after the other.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

use super::by_hand::{BY_HAND, ByHand};
use super::setup::{Setup, setups};
use crate::faults::fault::{FAULTS, Named};

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Step {
    /// `terraform apply`, perhaps with a fault at one of its calls.
    Apply(Setup, Option<Struck>),
    /// `terraform destroy`, the same.
    Destroy(Option<Struck>),
    /// Somebody changes something at AWS.
    ByHand(ByHand),
    /// The state is lost, and the setup imported.
    Import,
}

/// A fault and where it strikes.
#[derive(Debug, Clone, Copy)]
pub struct Struck {
    pub fault: Named,
    /// The how-manieth write, or the how-manieth call, counted from one.
    pub nth: usize,
    pub writes: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disturbed = |struck: &Option<Struck>| match struck {
            Some(Struck { fault, nth, writes }) => {
                let what = if *writes { "write" } else { "call" };
                format!(", {} at {what} {nth}", fault.0)
            }
            None => String::new(),
        };
        match self {
            Self::Apply(setup, struck) => write!(f, "apply {setup}{}", disturbed(struck)),
            Self::Destroy(struck) => write!(f, "destroy{}", disturbed(struck)),
            Self::ByHand(by_hand) => write!(f, "by hand: {}", by_hand.words),
            Self::Import => f.write_str("lose the state and import"),
        }
    }
}

/// What happens, and the configuration that is applied at the end.
#[derive(Clone)]
pub struct History {
    pub steps: Vec<Step>,
    pub last: Setup,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {}. {step}", n + 1)?;
        }
        writeln!(f, "  at last: apply {}", self.last)
    }
}

/// Any history.
pub fn histories() -> impl Strategy<Value = History> {
    (proptest::collection::vec(steps(), 1..6), setups())
        .prop_map(|(steps, last)| History { steps, last })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (setups(), proptest::option::weighted(0.5, struck()))
            .prop_map(|(setup, struck)| Step::Apply(setup, struck)),
        1 => proptest::option::weighted(0.5, struck()).prop_map(Step::Destroy),
        2 => select(&BY_HAND[..]).prop_map(Step::ByHand),
        1 => Just(Step::Import),
    ]
}

fn struck() -> impl Strategy<Value = Struck> {
    let fault = select(&FAULTS[..]);
    prop_oneof![
        3 => (fault.clone(), 1..16_usize).prop_map(|(fault, nth)| Struck { fault, nth, writes: true }),
        1 => (fault, 1..80_usize).prop_map(|(fault, nth)| Struck { fault, nth, writes: false }),
    ]
}
