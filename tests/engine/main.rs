//! The pure middle and the executor against a strict AWS in memory. No network; time is paused.
#![cfg(test)]

mod fake;
mod faulty;
mod picture;
mod scenario;
#[path = "../provider/picture.rs"]
mod seen;

mod backfill;
mod bucket_tags;
mod consistency;
mod create;
mod documents;
mod drift;
mod emptying;
mod faults;
mod permission;
mod random;
mod refusals;
mod rivals;
mod role_policies;
mod stop;
mod teardown;
mod two_way;
mod update;
mod verify;
