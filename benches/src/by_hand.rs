//! The same calls without Inline, as one would write them for one engine.

mod docker;
mod podman;

use inline::{ContainerId, ContainerSpec, Error, ErrorKind, Result};

use crate::answer::Printed;
use crate::bench::Bench;

/// What went wrong, whichever client it was.
pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// One engine's own client.
pub(crate) enum ByHand {
    Docker(docker::Client),
    Podman(podman::Client),
}

/// What the figures call this floor.
pub(crate) const NAME: &str = "engine calls by hand";

impl ByHand {
    /// Connects to the engine that `bench` measures.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unavailable`] if it does not answer.
    pub(crate) async fn connect(bench: &Bench) -> Result<Self> {
        let connected = match bench.driver() {
            "docker" => docker::Client::connect(&bench.config).await.map(Self::Docker),
            "podman" => podman::Client::connect(&bench.config).map(Self::Podman),
            other => Err(format!("no calls by hand for `{other}`").into()),
        };
        connected.map_err(|error| Error::new(ErrorKind::Unavailable, "cannot connect by hand").with_source(error))
    }

    /// Creates, starts, collects and removes; returns standard output and the exit code.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if a call fails.
    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Result<Printed> {
        let printed = match self {
            Self::Docker(client) => client.run(spec).await,
            Self::Podman(client) => client.run(spec).await,
        };
        printed.map_err(failed)
    }

    /// Runs a further process in a container; returns standard output and the exit code.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if a call fails.
    pub(crate) async fn exec(&self, id: &ContainerId, cmd: &[&str]) -> Result<Printed> {
        let printed = match self {
            Self::Docker(client) => client.exec(id, cmd).await,
            Self::Podman(client) => client.exec(id, cmd).await,
        };
        printed.map_err(failed)
    }
}

fn failed(error: AnyError) -> Error {
    Error::new(ErrorKind::Unexpected, "a call by hand failed").with_source(error)
}
