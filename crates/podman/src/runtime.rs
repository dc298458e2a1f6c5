//! The driver itself: each method of the contract by the module that does it.

use std::sync::Arc;

use async_trait::async_trait;
use inline_runtime::{
    Capabilities, Container, ContainerId, ContainerRuntime, ContainerSpec, ExecSpec, Image, ImageReference, Info,
    ListFilter, Process, PullOptions, PullStream, Result, Signal, Stats,
};

use crate::config::PodmanConfig;
use crate::engine::{DRIVER, Engine};
use crate::error::named;
use crate::{create, exec, image, list, remove, start, stats};

/// Runs containers on Podman.
///
/// It is cheap to clone; a service that the driver started ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct PodmanRuntime {
    engine: Arc<Engine>,
}

impl PodmanRuntime {
    /// Connects to Podman, and starts a service of our own where none answers.
    ///
    /// It must be called within a Tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// - [`Unavailable`](inline_runtime::ErrorKind::Unavailable) if nothing answers: no socket, one that nobody listens at, a program that cannot be
    ///   started.
    /// - [`Timeout`](inline_runtime::ErrorKind::Timeout) if the service takes the connection and does not answer.
    /// - [`PermissionDenied`](inline_runtime::ErrorKind::PermissionDenied) if the socket is not open to this user, or the user of a rootless service has no
    ///   subordinate ids.
    /// - [`InvalidConfig`](inline_runtime::ErrorKind::InvalidConfig) if `host` is no socket of Podman.
    ///
    /// # Cancellation
    ///
    /// Dropping the future stops a service that it has started.
    pub async fn connect(config: &PodmanConfig) -> Result<Self> {
        let engine = Engine::connect(config).await.map_err(named("connect"))?;
        Ok(Self {
            engine: Arc::new(engine),
        })
    }
}

#[async_trait]
impl ContainerRuntime for PodmanRuntime {
    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }

    async fn info(&self) -> Result<Info> {
        let client = &self.engine.client;
        // The service takes 300 ms to describe itself, which was done on connecting; that it lives is asked each time.
        client
            .bounded("ping", client.podman.ping())
            .await
            .map_err(named("info"))?;
        let facts = &self.engine.facts;
        let endpoint = format!("unix://{}", client.socket().display());
        let mut info = Info::new(DRIVER, endpoint, &facts.version);
        info.rootless = facts.rootless;
        info.cgroup_version = facts.cgroup_version;
        info.default_oci_runtime = Some(facts.oci_runtime.clone());
        info.oci_runtimes = vec![facts.oci_runtime.clone()];
        Ok(info)
    }

    async fn pull(&self, image: &ImageReference, options: PullOptions) -> Result<PullStream> {
        Ok(image::pull(&self.engine, image, &options))
    }

    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>> {
        let found = image::find(&self.engine, reference).await.map_err(named("image"))?;
        Ok(found.map(image::describe))
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        create::create(&self.engine, spec).await.map_err(named("create"))
    }

    async fn start(&self, id: &ContainerId) -> Result<Process> {
        start::start(&self.engine, id).await.map_err(named("start"))
    }

    async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
        exec::exec(&self.engine, id, spec).await.map_err(named("exec"))
    }

    async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        let client = &self.engine.client;
        let container = client.podman.containers().get(id.as_str());
        let signal = container.send_signal(signal.number().to_string());
        client.bounded("kill", signal).await.map_err(named("kill"))
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        remove::remove(&self.engine, id).await.map_err(named("remove"))
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Container> {
        let found = self.engine.inspect(id).await.map_err(named("inspect"))?;
        Ok(found.into_container())
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>> {
        list::list(&self.engine, filter).await.map_err(named("list"))
    }

    async fn stats(&self, id: &ContainerId) -> Result<Stats> {
        stats::stats(&self.engine, id).await.map_err(named("stats"))
    }
}
