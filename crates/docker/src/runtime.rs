//! The driver: every method of the contract, each in a few words.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};
use futures::StreamExt;
use inline_runtime::{
    Capabilities, Capability, CgroupVersion, Container, ContainerId, ContainerRuntime, ContainerSpec, ExecSpec, Image,
    ImageReference, Info, ListFilter, Process, PullOptions, PullStream, Result, Signal, Stats, Support,
};

use crate::cgroup::Cgroups;
use crate::config::DockerConfig;
use crate::connect::{self, ApiVersion};
use crate::engine::Engine;
use crate::error::DRIVER;
use crate::fresh::Fresh;
use crate::limits::Proof;
use crate::{capability, container, image};

/// Runs containers on a Docker engine.
///
/// It is made by [`connect`](Self::connect) and used through [`ContainerRuntime`]. All its calls may go on at once.
///
/// # What is particular to Docker
///
/// - Output that nobody reads within 2 s after the process ended is cut off by the engine at what it holds.
/// - A child that goes on printing into the output of an exec that has ended is heard for up to 2 s.
/// - [`Stats::memory`] leaves out file pages that the kernel can drop at once, as `docker stats` does.
/// - A container killed by way of the API counts as killed, not as out of memory, whatever ended in it before.
/// - Up to runc 1.1 a tmpfs keeps the mode of the directory that it covers. It is given to a `user` in numbers, who can
///   write to it in any case; a user by name can where that directory lets everybody.
/// - Up to runc 1.1 the soft limit of `nofile` may be raised to the hard one
///   ([Go issue 46279](https://github.com/golang/go/issues/46279)), as any program may do by itself.
#[derive(Debug)]
pub struct DockerRuntime {
    pub(crate) engine: Arc<Engine>,
    pub(crate) api: ApiVersion,
    pub(crate) docker_config: Option<PathBuf>,
    /// What the engine does where a spec leaves the seccomp filter to it.
    pub(crate) default_seccomp: Support,
    /// The memory of the engine's host, bytes.
    pub(crate) host_memory: Option<u64>,
    pub(crate) fresh: Fresh,
    pub(crate) proof: Proof,
    pub(crate) cgroups: Cgroups,
    capabilities: RwLock<Capabilities>,
}

impl DockerRuntime {
    /// Connects to the engine that `config` names and asks it what it can enforce.
    ///
    /// # Errors
    ///
    /// - [`InvalidConfig`](inline_runtime::ErrorKind::InvalidConfig) if the host, the certificates or a missing crate
    ///   feature make a connection impossible.
    /// - [`Unavailable`](inline_runtime::ErrorKind::Unavailable) if there is no socket, or nobody listens at it.
    /// - [`PermissionDenied`](inline_runtime::ErrorKind::PermissionDenied) if this user may not open the socket.
    /// - [`Timeout`](inline_runtime::ErrorKind::Timeout) if somebody listens and does not answer.
    /// - [`Unsupported`](inline_runtime::ErrorKind::Unsupported) if the engine is older than API 1.41, or is Podman.
    pub async fn connect(config: &DockerConfig) -> Result<Self> {
        let (engine, info, api) = named("connect", connect::connect(config).await)?;
        Ok(Self {
            api,
            docker_config: config.docker_config.clone(),
            default_seccomp: capability::default_seccomp(&info),
            host_memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()),
            fresh: Fresh::default(),
            proof: Proof::default(),
            cgroups: Cgroups::new(engine.endpoint.is_local()),
            capabilities: RwLock::new(capability::capabilities(&info)),
            engine: Arc::new(engine),
        })
    }

    /// Takes back a capability that the engine claimed and the kernel does not show.
    pub(crate) fn withdraw(&self, capability: Capability, why: String) {
        let mut capabilities = self.capabilities.write().unwrap_or_else(PoisonError::into_inner);
        *capabilities = capabilities.clone().with(capability, Support::absent(why));
    }
}

#[async_trait]
impl ContainerRuntime for DockerRuntime {
    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn info(&self) -> Result<Info> {
        let info = named("info", self.engine.call(self.engine.client.info()).await)?;
        Ok(describe(&self.engine, info))
    }

    async fn pull(&self, image: &ImageReference, options: PullOptions) -> Result<PullStream> {
        let events = named("pull", self.pull_image(image, options).await)?;
        Ok(events.map(|event| named("pull", event)).boxed())
    }

    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>> {
        named("image", image::find(&self.engine, reference).await)
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        named("create", self.create_container(spec).await)
    }

    async fn start(&self, id: &ContainerId) -> Result<Process> {
        named("start", self.start_container(id).await).map(|process| named_events("start", process))
    }

    async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
        named("exec", self.exec_in(id, spec).await).map(|process| named_events("exec", process))
    }

    async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        named("kill", container::kill(&self.engine, id.as_str(), signal).await)
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        named("remove", container::remove(&self.engine, id.as_str()).await)?;
        self.fresh.forget(id.as_str());
        Ok(())
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Container> {
        named("inspect", container::inspect(&self.engine, id.as_str()).await)
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>> {
        named("list", container::list(&self.engine, filter).await)
    }

    async fn stats(&self, id: &ContainerId) -> Result<Stats> {
        named("stats", self.capabilities().require(Capability::Stats))?;
        named(
            "stats",
            container::stats(&self.engine, &self.cgroups, id.as_str()).await,
        )
    }
}

fn describe(engine: &Engine, info: SystemInfo) -> Info {
    let version = info.server_version.clone().unwrap_or_default();
    let mut described = Info::new(DRIVER, engine.endpoint.to_string(), version);
    described.rootless = capability::is_rootless(&info);
    described.cgroup_version = match info.cgroup_version {
        Some(SystemInfoCgroupVersionEnum::_1) => CgroupVersion::V1,
        Some(SystemInfoCgroupVersionEnum::_2) => CgroupVersion::V2,
        _ => CgroupVersion::Unknown,
    };
    described.default_oci_runtime = info.default_runtime;
    described.oci_runtimes = info.runtimes.unwrap_or_default().into_keys().collect();
    described.oci_runtimes.sort_unstable();
    described
}

fn named<T>(operation: &'static str, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.with_driver(DRIVER).with_operation(operation))
}

fn named_events(operation: &'static str, mut process: Process) -> Process {
    process.events = process.events.map(move |event| named(operation, event)).boxed();
    process
}
