//! The provider as Terraform drives it, over a strict AWS in memory: every plan and every result is held against
//! Terraform's own rules. No network; time is paused.
#![cfg(test)]
#![expect(unreachable_pub, reason = "the modules see one another's items")]

#[path = "../engine/fake/mod.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of the engine, which use the rest of it"
)]
mod fake;

#[path = "../engine/picture.rs"]
mod as_text;
mod configs;
mod picture;
mod stored;
mod terraform;
mod unreliable;

mod abac;
mod apart;
mod archives;
mod backfill;
mod bucket_names;
mod bucket_prefix;
mod bucket_status;
mod deletions;
mod denied_deletion;
mod drift;
mod encryption;
mod every_unknown;
mod existing;
mod failures;
mod faults;
mod functions;
mod fuzz;
mod generated;
mod histories;
mod identity;
mod imports;
mod kept;
mod last_verified;
mod left_to_others;
mod leftovers;
mod lifecycle;
mod lifecycle_rules;
mod listing;
mod many_destinations;
mod moved;
mod object_lock;
mod operator_policy;
mod permissions;
mod policies;
mod preflight;
mod provider_block;
mod random;
mod recorded;
mod replacement;
mod replicated_policies;
mod rules;
mod shared_documents;
mod taken_away;
mod timeouts;
mod two_way;
mod unconfigured;
mod unknowns;
mod updates;
mod verification;
mod verify_action;
mod ways;
