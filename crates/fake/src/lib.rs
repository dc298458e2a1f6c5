//! A container runtime without an engine, for tests of what stands on the contract.
//!
//! [`FakeRuntime`] keeps the contract: states, names, labels, back-pressure, the exit that comes once and last. What runs
//! in its containers are async functions; what goes wrong is told to it beforehand. Time is tokio's, so that tests with
//! `start_paused` take none. It is for tests alone: no configuration can pick it.
//!
//! # Example: a program, a fault, and what was asked
//!
//! ```
//! use inline_fake::{Call, FakeRuntime, Fault, Operation};
//! use inline_runtime::{
//!     ContainerRuntime, ContainerRuntimeExt, ContainerSpec, ErrorKind, ExitStatus, ImageId, ImageReference,
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> inline_runtime::Result<()> {
//! let image: ImageReference = "python:3.11-slim".parse()?;
//! let fake = FakeRuntime::builder()
//!     .with_image(&image, ImageId::new("abc"))
//!     .with_program("python3", |mut process| async move {
//!         let source = process.read_to_end().await;
//!         process.stdout(format!("{} bytes of source\n", source.len())).await;
//!         ExitStatus::from_code(0)
//!     })
//!     .with_fault(Operation::Create, 2, Fault::Fail(ErrorKind::ResourceExhausted))
//!     .build();
//!
//! let runtime: Arc<dyn ContainerRuntime> = Arc::new(fake.clone());
//! let spec = ContainerSpec::new(image, "my-test").with_cmd(["python3", "-"]);
//! let output = Arc::clone(&runtime).run(&spec, 1 << 20).await?;
//! assert_eq!(output.stdout, b"0 bytes of source\n");
//! assert!(matches!(fake.calls()[..], [Call::Create(_), Call::Start(_), Call::Remove(_)]));
//!
//! let refused = runtime.run(&spec, 1 << 20).await.unwrap_err();
//! assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! - Putting a fake together: [`FakeBuilder`], [`FakeProcess`] for what programs see, [`PullScript`].
//! - What goes wrong: [`Fault`] on demand; [`Faulty`] around any runtime, broken in one way throughout.
//! - What was asked: [`Call`].

mod builder;
mod call;
mod container;
mod engine;
mod fault;
mod faulty;
mod link;
mod program;
mod pull;
mod runtime;

pub use builder::FakeBuilder;
pub use call::Call;
pub use fault::{Fault, Operation};
pub use faulty::{Faulty, Flaw};
pub use program::{FakeProcess, Files};
pub use pull::PullScript;
pub use runtime::{DRIVER, FakeRuntime};
