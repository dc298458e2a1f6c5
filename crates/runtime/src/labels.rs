//! The labels that every container of Inline carries, so that each can be found and removed whatever happens.
//!
//! Drivers set none by themselves: [`ContainerSpec::new`](crate::ContainerSpec::new) puts [`INSTANCE`] and [`CREATED`]
//! on each spec, and what stands above adds [`OWNER`] and [`ROLE`].

/// Names the program that the container belongs to; sweeps remove only what carries their own.
pub const INSTANCE: &str = "inline.instance";
/// Names whose sandbox the container runs: `discord:<user id>`, `mcp:<name>`, `local:<user>`.
pub const OWNER: &str = "inline.owner";
/// Says what the container is for: `run`, `session`, `install`, `warm`.
pub const ROLE: &str = "inline.role";
/// Holds when the spec was made, in seconds since the Unix epoch.
pub const CREATED: &str = "inline.created";
