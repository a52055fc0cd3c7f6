//! The pure middle and the executor against a strict AWS in memory. No network; time is paused.

mod fake;
mod faulty;
mod picture;
mod scenario;

mod create;
mod drift;
mod faults;
mod update;
