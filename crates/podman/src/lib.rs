//! The Podman driver of Inline, rootless first.
//!
//! [`PodmanRuntime`] keeps the contract of [`ContainerRuntime`](inline_runtime::ContainerRuntime) on a Podman service from
//! version 4.0 on, through the `podman-api` client. Where no service runs it starts one.
//!
//! ```no_run
//! use inline_podman::{PodmanConfig, PodmanRuntime};
//! use inline_runtime::{ContainerRuntime, Result};
//!
//! async fn version() -> Result<String> {
//!     let config = PodmanConfig::from_env(|name| std::env::var(name).ok());
//!     let podman = PodmanRuntime::connect(&config).await?;
//!     Ok(podman.info().await?.version)
//! }
//! ```
//!
//! # Map
//!
//! - Where the service is, how long calls to it may take and by what means limits may bind: [`PodmanConfig`], read from the
//!   environment by the names in [`mod@env`].
//! - What it can enforce: [`capabilities`](inline_runtime::ContainerRuntime::capabilities) of a connected
//!   [`PodmanRuntime`].
//!
//! # Limits
//!
//! Rootless Podman shows limits that it does not apply, so none of its answers about them is believed. Limits are present
//! where the service is rootful, or is rootless on cgroup v2 with systemd and delegated controllers; and before a program's
//! first instruction the driver reads the kernel's own numbers of its control group. If they are not what was asked for, the
//! container is removed, [`start`](inline_runtime::ContainerRuntime::start) is
//! [`Unsupported`](inline_runtime::ErrorKind::Unsupported), and so is every spec with limits from then on. Elsewhere the
//! operator can choose resource limits instead, see [`LimitPolicy::Rlimit`].
//!
//! # Files in bind mounts
//!
//! With [`Userns::KeepId`](inline_runtime::Userns::KeepId) what the container's user writes belongs to the user who runs the
//! service. The price is that a program which escapes its container is that user, and not a subordinate one.
//!
//! # What Podman cannot do
//!
//! - Up to 4.3 at least, the service of Podman takes any OCI runtime and uses its own; a container that was made so is
//!   removed and refused.
//! - An exec that leaves much of its input unread can lose the end of its output inside Podman. That is told as
//!   [`Unavailable`](inline_runtime::ErrorKind::Unavailable), never as an exit. Main processes lose nothing.
//! - The service forgets an exec `exit_command_delay` after its end, and keeps a process of 2.7 MB until then. The default
//!   of five minutes wastes memory, one second is too short on a busy machine; services of our own have ten.
//! - A named volume that does not exist is made, and stays.
//!
//! # Trust
//!
//! The service is trusted: it runs the containers. The programs in them are not. What a program prints reaches the caller
//! as counted frames only, since no container is given a terminal; the bytes of a frame are never read as a header. An exec
//! whose program cannot be launched is told by the first bytes on standard error together with the exit code; a program
//! that imitates both passes for one that could not be launched, and gains nothing by it.

mod answer;
mod body;
mod capability;
mod cgroup;
mod config;
mod create;
mod description;
mod endpoint;
mod engine;
pub mod env;
mod error;
mod exec;
mod facts;
mod frames;
mod id_mappings;
mod image;
mod interjection;
mod known;
mod limits;
mod list;
mod oom;
mod raw;
mod remove;
mod rlimit;
mod runtime;
mod service;
mod settings;
mod start;
mod stats;
mod stream;
mod task;
mod unique;
mod verify;

pub use config::{LimitPolicy, PodmanConfig};
pub use runtime::PodmanRuntime;
