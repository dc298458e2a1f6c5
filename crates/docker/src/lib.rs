//! The Docker driver of Inline.
//!
//! [`DockerRuntime`] keeps the contract of [`ContainerRuntime`](inline_runtime::ContainerRuntime) on a Docker engine
//! from API 1.41 (Docker 20.10) on, rootful or rootless, through the `bollard` client.
//!
//! ```no_run
//! use inline_docker::{DockerConfig, DockerRuntime};
//! use inline_runtime::{ContainerRuntime, Result};
//!
//! async fn version() -> Result<String> {
//!     let config = DockerConfig::from_env(|name| std::env::var(name).ok());
//!     let docker = DockerRuntime::connect(&config).await?;
//!     Ok(docker.info().await?.version)
//! }
//! ```
//!
//! # Map
//!
//! - Where the engine is and how long calls to it may take: [`DockerConfig`], read from the environment by the names in
//!   [`mod@env`].
//! - What it can enforce: [`capabilities`](inline_runtime::ContainerRuntime::capabilities) of a connected
//!   [`DockerRuntime`]. The engine's own word is checked against the kernel on the first container with limits.
//!
//! # Trust
//!
//! The engine is trusted: it runs the containers, as root in most set-ups. The programs in them are not. What a program
//! prints reaches the caller as counted frames only, since no container is given a terminal; the bytes of a frame are
//! never read as a header. The seccomp profile and the variables of a spec are in the debug log of `bollard`: keep that
//! target off where variables hold secrets.
//!
//! # Crate features
//!
//! Both are off by default.
//!
//! - `tls`: `https://` endpoints with client certificates. Adds rustls with ring.
//! - `ssh`: `ssh://` endpoints, through the `ssh` program of the machine.

mod capability;
mod cgroup;
mod config;
mod connect;
mod container;
mod create;
mod credentials;
mod endpoint;
mod engine;
pub mod env;
mod error;
mod exec;
mod fresh;
mod host_config;
mod image;
mod limits;
mod oom;
mod pull_error;
mod runtime;
#[cfg(test)]
mod scripted;
mod start;
mod stream;

pub use config::DockerConfig;
pub use runtime::DockerRuntime;
