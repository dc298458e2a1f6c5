//! The daemonless driver of Inline: containers out of Linux namespaces, on a machine with no engine at all.
//!
//! [`EmbeddedRuntime`] keeps the contract of [`ContainerRuntime`](inline_runtime::ContainerRuntime) with nothing but the
//! kernel, version 5.12 or later, as root or as any user who may make user namespaces.
//!
//! ```
//! use std::sync::Arc;
//!
//! use inline_embedded::{EmbeddedConfig, EmbeddedRuntime};
//! use inline_runtime::{ContainerRuntimeExt, ContainerSpec, Result};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let runtime = Arc::new(EmbeddedRuntime::connect(&EmbeddedConfig::default()).await?);
//! let spec = ContainerSpec::new("host".parse()?, "my-app").with_cmd(["sh", "-c", "echo $((6 * 7))"]);
//! assert_eq!(runtime.run(&spec, 1 << 20).await?.stdout, b"42\n");
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! - Which images there are, and by what means limits may bind: [`EmbeddedConfig`], [`LimitPolicy`], read from the
//!   environment by the names in [`mod@env`].
//! - What can be enforced here: [`capabilities`](inline_runtime::ContainerRuntime::capabilities) of a connected
//!   [`EmbeddedRuntime`], which has made a sandbox to prove it.
//!
//! # Images
//!
//! `host` is always there: the machine's own `/usr`, read-only, with an `/etc` made for it and nothing of `/home`, `/root`,
//! `/run`, `/var`, `/opt` or `/srv`. Its programs run as user 1000 unless told otherwise. Further images are root filesystems
//! as directories or tarballs and, with the feature `oci-pull`, those of registries.
//!
//! # The helper
//!
//! A sandbox is made by this executable once more: a function that runs before `main` sees from path and name that it is to be
//! the helper. So it works from a binary, an example and a test, with any number of threads, and needs no other file; also
//! from a C program that a static archive of it is linked into. It does not work where another program has loaded this crate
//! as part of a library, such as Python a module; connecting is [`Unavailable`](inline_runtime::ErrorKind::Unavailable)
//! there.
//!
//! Containers are children of this process. They end when the last [`EmbeddedRuntime`] does, and when the process does, also by
//! `SIGKILL`; none is left, and none is listed by the next process.
//!
//! # Who programs are
//!
//! As root, each sandbox gets a block of 65,536 users of the host that nobody else has, and the user inside is one of them: no
//! program is root of the host. With [`Userns::KeepId`](inline_runtime::Userns::KeepId) what it writes to a mounted directory
//! belongs on disk to the directory's owner, by mapped owners, which the directory's filesystem must support.
//!
//! As any other user, programs are that user, whatever number they have inside; there is no other. Their further groups stay,
//! since only root can leave them.
//!
//! # Limits
//!
//! Control groups of both versions bind as root, and as a user where a group is delegated or the user's systemd gives a scope.
//! Elsewhere the operator can choose resource limits instead, see [`LimitPolicy::Rlimit`].
//!
//! # What it cannot do
//!
//! - There are no volumes, no GPUs, no choice of OCI runtime, and no init before the program.
//! - A network is that of the host, and refused unless the operator allows it:
//!   [`host_network`](EmbeddedConfig::host_network).
//! - What is written to a directory of the host is limited by file, and not as a whole.
//!
//! # Trust
//!
//! Programs share the kernel of the host. Between the two stand a user, process, mount, network, IPC, host name and control
//! group namespace of their own; no capability, no new privileges, and an allow list of system calls. That is less than a
//! virtual machine, and what containers usually have.
//!
//! # Features
//!
//! - `oci-pull`: images from registries. It adds an HTTP client with TLS.

#[cfg(test)]
mod benchmarks;
mod capability;
mod channel;
mod config;
mod container;
mod create;
mod cure;
mod engine;
pub mod env;
mod error;
mod exec;
mod executable;
mod helper;
mod host_user;
mod image;
mod limits;
mod link;
mod listener;
mod pipes;
mod plan;
mod pull;
mod runtime;
mod sandbox;
mod seccomp;
mod spawn;
mod start;
mod store;
mod stream;
#[expect(
    unsafe_code,
    reason = "the helper's entry, and system calls that no kept crate wraps"
)]
mod sys;
mod user;
mod wire;

pub use config::EmbeddedConfig;
pub use limits::LimitPolicy;
pub use runtime::EmbeddedRuntime;
