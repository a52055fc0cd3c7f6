//! Runs the pure middle's steps and queries against a [`cloud::Cloud`]. Knows no AWS SDK.

pub mod cloud;
