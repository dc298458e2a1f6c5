//! The driver itself: each method of the contract by the module that does it.

use std::sync::Arc;

use async_trait::async_trait;
use inline_runtime::{
    Capabilities, Container, ContainerId, ContainerRuntime, ContainerSpec, ExecSpec, Image, ImageReference, Info,
    ListFilter, Process, PullEvent, PullOptions, PullStream, Result, Signal, Stats,
};

use crate::config::EmbeddedConfig;
use crate::engine::{Engine, blocking};
use crate::error::named;
use crate::host_user::HostUser;
use crate::image::{self, Rootfs};
use crate::{create, exec, pull, start};

/// The driver's name.
pub(crate) const DRIVER: &str = "embedded";

/// Runs containers without an engine, as children of this process.
///
/// It is cheap to clone. The containers are known to these clones alone, and end with the last of them, or with the process,
/// however that ends.
#[derive(Clone, Debug)]
pub struct EmbeddedRuntime {
    engine: Arc<Engine>,
}

impl EmbeddedRuntime {
    /// Finds out what this machine can enforce, and makes a sandbox to prove that it can.
    ///
    /// It must be called within a Tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// - [`PermissionDenied`](inline_runtime::ErrorKind::PermissionDenied) if this user, container or machine does not allow namespaces; the hint says what
    ///   would.
    /// - [`Unavailable`](inline_runtime::ErrorKind::Unavailable) if the driver is part of a library that another program has loaded.
    /// - [`InvalidConfig`](inline_runtime::ErrorKind::InvalidConfig) if an image is not where the config says.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn connect(config: &EmbeddedConfig) -> Result<Self> {
        let connect = async {
            let engine = Engine::connect(config).await?;
            start::prove(&engine).await?;
            Ok(engine)
        };
        let engine = connect.await.map_err(named("connect"))?;
        tracing::debug!(limits = engine.limiter.describe(), host = ?engine.host, "sandboxes can be made");
        Ok(Self {
            engine: Arc::new(engine),
        })
    }
}

#[async_trait]
impl ContainerRuntime for EmbeddedRuntime {
    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities.clone()
    }

    async fn info(&self) -> Result<Info> {
        let endpoint = format!("this process; {}", self.engine.limiter.describe());
        let mut info = Info::new(DRIVER, endpoint, env!("CARGO_PKG_VERSION"));
        info.rootless = self.engine.host != HostUser::Root;
        info.cgroup_version = self.engine.limiter.cgroup_version();
        info.host_image = image::host();
        Ok(info)
    }

    async fn pull(&self, image: &ImageReference, options: PullOptions) -> Result<PullStream> {
        if image::is_host(image) {
            let done = PullEvent::Done(Rootfs::Host.describe().id);
            return Ok(Box::pin(futures::stream::iter([Ok(done)])));
        }
        pull::pull(&self.engine, image, &options).map_err(named("pull"))
    }

    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>> {
        let (images, reference) = (self.engine.images.clone(), reference.clone());
        let found = blocking(move || images.find(&reference)).await;
        Ok(found.map_err(named("image"))?.map(|rootfs| rootfs.describe()))
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
        self.engine.kill(id, signal).await.map_err(named("kill"))
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        self.engine.remove(id).await.map_err(named("remove"))
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Container> {
        let record = self.engine.containers.find(id).map_err(named("inspect"))?;
        Ok(record.describe())
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>> {
        Ok(self.engine.containers.list(filter))
    }

    async fn stats(&self, id: &ContainerId) -> Result<Stats> {
        self.engine.stats(id).map_err(named("stats"))
    }
}
