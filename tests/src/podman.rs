//! Podman as a subject, with and without the operator's permission to limit by processes.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use async_trait::async_trait;
use inline_conformance::{Fixtures, Severable, Subject};
use inline_podman::{LimitPolicy, PodmanConfig, PodmanRuntime};
use inline_runtime::{ContainerRuntime, Error, ErrorKind, Result};

use crate::engine::{CALL_TIMEOUT, Engine, SHORT_CALL_TIMEOUT};
use crate::environment::variable;

/// The Podman driver, on the service of `CONTAINER_HOST`.
#[derive(Debug)]
pub struct PodmanSubject {
    name: &'static str,
    engine: Engine,
    config: PodmanConfig,
}

impl PodmanSubject {
    /// Finds the service; connects to nothing but the registry. `limits` is what the operator allows, and decides the
    /// name: `podman` or `podman-rlimit`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] if `CONTAINER_HOST` is not the unix socket of the user who asks, and what the
    ///   registry fails with.
    pub fn find(limits: LimitPolicy, patience: u32) -> Result<Self> {
        let host = variable("CONTAINER_HOST").ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, "`CONTAINER_HOST` names no Podman service")
                .with_hint("eval \"$(scripts/engines env)\" sets it")
        })?;
        let engine = Engine::find(&host, patience)?;
        ensure_own(&engine.socket)?;
        Ok(Self {
            name: match limits {
                LimitPolicy::Rlimit => "podman-rlimit",
                _ => "podman",
            },
            config: PodmanConfig::from_env(variable)
                .with_host(host)
                .with_limits(limits)
                .with_call_timeout(CALL_TIMEOUT * patience),
            engine,
        })
    }
}

#[async_trait]
impl Subject for PodmanSubject {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
        Ok(Arc::new(PodmanRuntime::connect(&self.config).await?))
    }

    async fn connect_severable(&self) -> Result<Severable> {
        let (proxy, host) = self.engine.proxy()?;
        let config = self
            .config
            .clone()
            .with_host(host)
            .with_call_timeout(SHORT_CALL_TIMEOUT * self.patience());
        let runtime = PodmanRuntime::connect(&config).await?;
        Ok(Severable::new(Arc::new(runtime), proxy))
    }

    fn fixtures(&self) -> &Fixtures {
        &self.engine.fixtures
    }

    fn patience(&self) -> u32 {
        self.engine.patience
    }
}

/// A rootless service is used by its user alone: as root, the cases would prove what no deployment does.
fn ensure_own(socket: &Path) -> Result<()> {
    let owner = |path: &Path| fs::metadata(path).map(|metadata| metadata.uid());
    let unreadable = |error: io::Error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("no Podman service at `{}`", socket.display()),
        )
        .with_source(error)
    };
    let theirs = owner(socket).map_err(unreadable)?;
    let ours = owner(Path::new("/proc/self")).map_err(unreadable)?;
    if theirs == ours {
        return Ok(());
    }
    let message = format!(
        "the Podman service at `{}` is that of user {theirs}, not of {ours}, who asks",
        socket.display()
    );
    Err(Error::new(ErrorKind::InvalidConfig, message).with_hint("run this as the user of the service: runuser -u USER"))
}
