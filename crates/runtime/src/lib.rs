//! The contract between Inline and the engines that run its containers.
//!
//! [`ContainerRuntime`] is one small, dyn-safe trait: pull, create, start, exec, kill, remove, inspect, list, stats. A
//! driver implements it for one engine; everything above sees `Arc<dyn ContainerRuntime>` and nothing of the engine.
//! This crate holds no engine, reads no configuration and starts no task.
//!
//! ```
//! use std::sync::Arc;
//! use inline_runtime::{ContainerRuntime, ContainerRuntimeExt, ContainerSpec, ImageReference, Result};
//!
//! async fn answer(runtime: Arc<dyn ContainerRuntime>) -> Result<String> {
//!     let image: ImageReference = "python:3.11-slim".parse()?;
//!     runtime.ensure_image(&image).await?;
//!     let spec = ContainerSpec::new(image, "my-app")
//!         .with_cmd(["python3", "-c", "print(6 * 7)"])
//!         .with_memory(256 << 20);
//!     let output = runtime.run(&spec, 1 << 20).await?;
//!     Ok(String::from_utf8_lossy(&output.stdout).into_owned())
//! }
//! ```
//!
//! # Map
//!
//! - What to run: [`ContainerSpec`], [`ExecSpec`], [`Mount`], [`Tmpfs`], [`Ulimit`], [`ImageReference`].
//! - What comes back: [`Process`] with its [`Event`]s and [`ExitStatus`]; [`Container`], [`Stats`], [`Info`].
//! - What a driver can enforce: [`Capabilities`], checked by [`ContainerSpec::validate`].
//! - What went wrong: [`Error`] and its [`ErrorKind`].
//!
//! # Fail closed
//!
//! A spec is run exactly as asked or not at all. What a driver cannot enforce is [`ErrorKind::Unsupported`] with the
//! reason and the cure; no field is ever ignored. A new [`ContainerSpec`] is closed: no network, read-only root, no
//! capabilities, no new privileges. Callers open what they need.

mod capability;
mod container;
mod error;
mod exec;
mod ext;
pub mod human;
mod image;
mod info;
pub mod labels;
mod mount;
mod process;
mod reference;
mod runtime;
mod security;
mod signal;
mod spec;
mod ulimit;
mod validate;

pub use capability::{Capabilities, Capability, LimitMechanism, Support};
pub use container::{Container, ContainerId, ListFilter, State, Stats};
pub use error::{Error, ErrorKind, Result};
pub use exec::ExecSpec;
pub use ext::{ContainerRuntimeExt, Output};
pub use image::{Credentials, Image, ImageId, PullEvent, PullOptions, PullStream};
pub use info::{CgroupVersion, Info};
pub use mount::{Mount, MountKind, Tmpfs};
pub use process::{Event, Events, ExitStatus, Process, Stdin};
pub use reference::ImageReference;
pub use runtime::ContainerRuntime;
pub use security::{Gpus, NetworkMode, Seccomp, Userns};
pub use signal::Signal;
pub use spec::ContainerSpec;
pub use ulimit::{Ulimit, UlimitName};
