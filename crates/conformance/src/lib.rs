//! The cases that every driver of the contract must pass, one for each of its promises.
//!
//! A driver's test binary names its [`Subject`] and hands the trials of a [`Suite`] to [`libtest_mimic`]:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use inline_conformance::{Fixtures, Severable, Subject, Suite};
//! use inline_runtime::{ContainerRuntime, Result};
//!
//! #[derive(Debug)]
//! struct MyEngine {
//!     fixtures: Fixtures,
//! }
//!
//! # async fn my_driver() -> Result<Arc<dyn ContainerRuntime>> { std::future::pending().await }
//! #[async_trait]
//! impl Subject for MyEngine {
//!     fn name(&self) -> &'static str {
//!         "my-engine"
//!     }
//!
//!     async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
//!         my_driver().await
//!     }
//!
//!     async fn connect_severable(&self) -> Result<Severable> {
//!         unreachable!("the fixtures leave it out")
//!     }
//!
//!     fn fixtures(&self) -> &Fixtures {
//!         &self.fixtures
//!     }
//!
//!     fn patience(&self) -> u32 {
//!         1
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let fixtures = Fixtures::shell_only("alpine".parse().unwrap(), "my-engine has no registry here");
//!     let suite = Arc::new(Suite::new(MyEngine { fixtures }));
//!     let runtime = tokio::runtime::Runtime::new().unwrap();
//!     let trials = suite.trials(runtime.handle());
//!     let conclusion = libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials);
//!     assert_eq!(runtime.block_on(suite.left_behind()), Ok(vec![]));
//!     conclusion.exit_code()
//! }
//! ```
//!
//! # Map
//!
//! - What is tested: [`Subject`], with its [`Fixtures`]. [`SocketProxy`] makes a [`Severable`] connection of a unix socket.
//! - What is run: [`cases`], by a [`Suite`]. A [`Case`] whose capability is absent becomes its opposite: the driver must
//!   refuse what asks for it.
//! - What the containers run: [`programs`], so that a scripted driver can stand in for an engine.

mod bench;
mod case;
mod create;
mod engine;
mod exec;
mod failure;
mod file_limits;
mod filesystems;
mod inspect;
mod isolation;
mod kill;
mod limits;
mod list;
mod opposite;
pub mod programs;
mod proxy;
mod pull;
mod reader;
mod remove;
mod start;
mod stats;
mod streams;
mod subject;
mod suite;

pub use case::{Case, Need, cases};
pub use proxy::SocketProxy;
pub use subject::{Connection, Fixture, Fixtures, RegistryImages, Severable, Subject};
pub use suite::Suite;
