//! A container whose interpreter waits for its program.

use std::time::Duration;

use futures::StreamExt;
use inline_runtime::{ContainerId, ContainerSpec, Error, ErrorKind, Process, Result};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::containers::Container;
use super::{Containers, Mark};

/// How long a container that was made ahead stays after its program: about as long as a few others take that run at the same
/// time, whose answers its end would delay.
const LINGER_SECONDS: &str = "0.03";
/// The bound on a write of one line to a process that has just been started.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A started container with its interpreter waiting. Dropping it removes the container from a task of its own.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) containers: Containers,
    pub(crate) container: Container,
    pub(crate) process: Process,
    pub(crate) mark: Mark,
    /// Whether it was made ahead: then it stays for a moment when its program has ended.
    pub(crate) warm: bool,
}

impl Prepared {
    /// Makes and starts a container of a [`Blueprint`](super::Blueprint)'s spec.
    ///
    /// # Errors
    ///
    /// - As [`create`](inline_runtime::ContainerRuntime::create) and [`start`](inline_runtime::ContainerRuntime::start).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves no container.
    pub async fn start(containers: &Containers, spec: &ContainerSpec) -> Result<Self> {
        Self::start_with(containers, spec, None).await
    }

    /// Makes and starts a container ahead. At the end of its program it stays for a moment.
    pub(crate) async fn start_ahead(containers: &Containers, spec: &ContainerSpec) -> Result<Self> {
        Self::start_with(containers, spec, Some(LINGER_SECONDS)).await
    }

    async fn start_with(containers: &Containers, spec: &ContainerSpec, linger: Option<&str>) -> Result<Self> {
        let mark = Mark::random()?;
        let (container, mut process) = containers.start(spec).await?;
        let line = format!("{} {}\n", mark.as_str(), linger.unwrap_or_default());
        let written = match &mut process.stdin {
            Some(stdin) => timeout(WRITE_TIMEOUT, async {
                stdin.write_all(line.as_bytes()).await?;
                stdin.flush().await
            }),
            None => {
                return Err(Error::new(
                    ErrorKind::InvalidSpec,
                    "the container has no standard input",
                ));
            }
        };
        match written.await {
            // What has ended already is told by its events.
            Ok(_) => Ok(Self {
                containers: containers.clone(),
                container,
                process,
                mark,
                warm: linger.is_some(),
            }),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                "a container that was started reads nothing",
            )),
        }
    }

    /// Returns the container.
    pub fn id(&self) -> &ContainerId {
        &self.container.id
    }

    /// Waits until the container is of no use any more: an interpreter that waits prints nothing and does not end.
    pub(crate) async fn spoiled(&mut self) {
        drop(self.process.events.next().await);
    }

    /// Removes the container and waits until it is gone.
    pub(crate) async fn removed(self) {
        self.container.removed().await;
    }
}
