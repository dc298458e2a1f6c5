//! What the suites of this package share: the subjects that the conformance cases run against.

pub mod docker;
pub mod embedded;
mod engine;
pub mod environment;
pub mod fake;
pub mod index;
pub mod left;
pub mod podman;
pub mod registry;
pub mod service;
pub mod suite;
pub mod table;
