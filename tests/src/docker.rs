//! Docker as a subject.

use std::sync::Arc;

use async_trait::async_trait;
use inline_conformance::{Fixtures, Severable, Subject};
use inline_docker::{DockerConfig, DockerRuntime};
use inline_runtime::{ContainerRuntime, Result};

use crate::engine::{CALL_TIMEOUT, Engine, SHORT_CALL_TIMEOUT};
use crate::environment::variable;

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// The Docker driver, on the engine of `DOCKER_HOST`.
#[derive(Debug)]
pub struct DockerSubject {
    engine: Engine,
    config: DockerConfig,
}

impl DockerSubject {
    /// Finds the engine; connects to nothing but the registry.
    ///
    /// # Errors
    ///
    /// - [`InvalidConfig`](inline_runtime::ErrorKind::InvalidConfig) if `DOCKER_HOST` is not a unix socket, and what the registry fails with.
    pub fn find(patience: u32) -> Result<Self> {
        let host = variable("DOCKER_HOST").unwrap_or_else(|| DEFAULT_HOST.to_owned());
        Ok(Self {
            engine: Engine::find(&host, patience)?,
            config: DockerConfig::from_env(variable)
                .with_host(host)
                .with_call_timeout(CALL_TIMEOUT * patience),
        })
    }
}

#[async_trait]
impl Subject for DockerSubject {
    fn name(&self) -> &'static str {
        "docker"
    }

    async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
        Ok(Arc::new(DockerRuntime::connect(&self.config).await?))
    }

    async fn connect_severable(&self) -> Result<Severable> {
        let (proxy, host) = self.engine.proxy()?;
        let config = self
            .config
            .clone()
            .with_host(host)
            .with_call_timeout(SHORT_CALL_TIMEOUT * self.patience());
        let runtime = DockerRuntime::connect(&config).await?;
        Ok(Severable::new(Arc::new(runtime), proxy))
    }

    fn fixtures(&self) -> &Fixtures {
        &self.engine.fixtures
    }

    fn patience(&self) -> u32 {
        self.engine.patience
    }
}
