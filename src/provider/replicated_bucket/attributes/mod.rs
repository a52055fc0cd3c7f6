//! Attributes that have a file of their own: what may be written, what it comes to, the way to the domain and back.

pub(crate) mod bucket_prefix;
pub(crate) mod encryption;
pub(crate) mod existing;
pub(crate) mod ignored_tags;
pub mod lifecycle;
pub(crate) mod object_lock;
pub(crate) mod policies;
pub(crate) mod tags_all;
pub(crate) mod timeouts;
pub(crate) mod verification;
