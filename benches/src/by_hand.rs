//! The same calls without Inline, as one would write them for one engine.

mod docker;
mod podman;

use inline::{ContainerSpec, Error, ErrorKind, Result, RuntimeConfig};

/// What went wrong, whichever client it was.
pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// One engine's own client.
pub(crate) enum ByHand {
    Docker(docker::Client),
    Podman(podman::Client),
}

impl ByHand {
    pub(crate) async fn connect(driver: &str, config: &RuntimeConfig) -> Result<Self> {
        let connected = match driver {
            "docker" => docker::Client::connect(config).await.map(Self::Docker),
            "podman" => podman::Client::connect(config).map(Self::Podman),
            other => Err(format!("no calls by hand for `{other}`").into()),
        };
        connected.map_err(|error| Error::new(ErrorKind::Unavailable, "cannot connect by hand").with_source(error))
    }

    /// Creates, starts, collects and removes; returns standard output and the exit code.
    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Result<(Vec<u8>, i64), AnyError> {
        match self {
            Self::Docker(client) => client.run(spec).await,
            Self::Podman(client) => client.run(spec).await,
        }
    }
}
