//! The AWS edge over real HTTP: against a scripted server that plays every fault, one test per promise, and
//! every call once against an emulated AWS.
#![cfg(test)]

mod arguments;
mod batch_jobs;
mod bucket_settings;
mod bucket_status;
mod bucket_tags;
mod canaries;
mod connection;
mod emulator;
mod enforcement;
mod faults;
mod managed_policies;
mod requests;
mod server;
mod sessions;
mod setting;
