//! The pure middle: what is wanted, what is there, the difference, the steps.
//!
//! Nothing in here awaits, calls AWS, knows Terraform's values or reads a clock: every function takes values
//! and returns values. In reading order: [`ids`] and [`component`] are the nouns, [`spec`] is what was asked
//! for, [`direction`] what leaves one bucket and [`rules`] by which rules, [`grants`] what the policies say for it,
//! [`desired`] what AWS should show, [`observed`] what it shows, [`diff`] the difference ([`tag_change`] of tags),
//! [`graph`] and [`plan`] the steps that mend it, [`teardown`] and [`undo`] the ways back, [`unfinished`] and
//! [`leftovers`] what a failure leaves. [`ownership`] and [`adoption`] say whose things are, [`existing`],
//! [`existing_keys`] and [`rules_share`] what is done in things of somebody else's, [`obstacle`] what stands in the
//! way, [`caller`] what whoever runs this asks for, [`policy_room`] what does not fit in. [`permission`] is what S3 is
//! refused, [`wiring`] what objects lack to cross, [`canary`] what shows that they do ([`last_verified`] when they last
//! did), and [`rule_status`] how a rule is doing. [`operator_policy`] is what whoever runs all of it has to be allowed.

pub mod adoption;
pub mod backfill;
pub mod caller;
pub mod canary;
pub mod component;
pub mod desired;
pub mod diff;
pub mod direction;
pub mod existing;
pub mod existing_keys;
pub mod grants;
pub mod graph;
pub mod ids;
pub mod ignored_tags;
pub mod last_verified;
pub mod leftovers;
pub mod names;
pub mod observed;
pub mod obstacle;
pub mod operation;
pub mod operator_policy;
pub mod ownership;
pub mod permission;
pub mod plan;
pub mod policy;
pub mod policy_room;
pub mod rule_status;
pub mod rules;
pub mod rules_share;
pub mod rules_size;
pub mod spec;
pub mod tag_change;
pub mod teardown;
pub mod undo;
pub mod unfinished;
pub mod wiring;
