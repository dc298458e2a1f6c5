//! What the suites of this package share: the subjects that the conformance cases run against.

pub mod docker;
mod engine;
pub mod environment;
pub mod fake;
pub mod index;
pub mod podman;
pub mod registry;
pub mod service;
pub mod table;
