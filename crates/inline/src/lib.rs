//! Inline runs other people's code in containers it can throw away.
//!
//! This crate is the front door: it loads the [`Settings`], finds an engine that answers and gives back one
//! [`ContainerRuntime`], whichever driver is behind it. The contract itself is re-exported from `inline-runtime`.
//!
//! ```no_run
//! use inline::{ContainerRuntimeExt, ContainerSpec, Environment, Result, Settings};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let mut settings = Settings::load(None, &Environment::of_process(), &[])?;
//! let runtime = inline::connect(&settings.take()?).await?;
//! settings.finish()?;
//! let spec = ContainerSpec::new("python:3.11-slim".parse()?, "my-app").with_cmd(["python3", "-c", "print(6 * 7)"]);
//! runtime.ensure_image(&spec.image).await?;
//! assert_eq!(runtime.run(&spec, 1 << 20).await?.stdout, b"42\n");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `docker` (default): the Docker driver. `docker-tls` adds `https://` endpoints, `docker-ssh` adds `ssh://`.
//! - `podman` (default): the Podman driver.
//! - `embedded` (default): the driver without an engine. `embedded-oci-pull` adds images from registries.
//!
//! A driver that is named in the configuration and not compiled in is an error that says so.

mod config;
mod detect;
pub mod env;
mod keys;
mod settings;

pub use config::{DriverChoice, RuntimeConfig};
pub use detect::{Attempt, Detection, connect, detect};
pub use env::Environment;
pub use inline_runtime::*;
pub use settings::{DEFAULT_FILE, Settings};

/// The Docker driver, for those who connect by hand.
#[cfg(feature = "docker")]
pub use inline_docker as docker;
/// The embedded driver, for those who connect by hand.
#[cfg(feature = "embedded")]
pub use inline_embedded as embedded;
/// The Podman driver, for those who connect by hand.
#[cfg(feature = "podman")]
pub use inline_podman as podman;

/// The README's own example, compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
