//! The AWS edge over real HTTP: against a scripted server that plays every fault, one test per promise.
#![cfg(test)]

mod faults;
mod requests;
mod server;
mod sessions;
mod setting;
