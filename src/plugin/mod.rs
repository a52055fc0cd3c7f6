//! The plugin server: the only user of tonic and prost.
