//! What a flaw makes of the calls.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use inline_runtime::{
    Capabilities, Capability, Container, ContainerId, ContainerRuntime, ContainerSpec, Error, ErrorKind, Event,
    ExecSpec, ExitStatus, Image, ImageId, ImageReference, Info, ListFilter, MountKind, NetworkMode, Process, PullEvent,
    PullOptions, PullStream, Result, Seccomp, Signal, State, Stats, Userns, labels,
};
use tokio::time::sleep;

use super::Flaw;
use super::process::break_process;

const GRACE: Duration = Duration::from_secs(2);
const DELAY: Duration = Duration::from_millis(50);

/// A runtime that breaks the contract in one way and keeps it in all others.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn ContainerRuntime>,
    flaw: Flaw,
}

impl Faulty {
    /// Breaks `inner` in one way.
    pub fn new(inner: Arc<dyn ContainerRuntime>, flaw: Flaw) -> Self {
        Self { inner, flaw }
    }

    fn break_process(&self, process: Result<Process>, id: &ContainerId) -> Result<Process> {
        match process {
            Ok(process) => Ok(break_process(process, self.flaw, &self.inner, id)),
            Err(error) if self.flaw == Flaw::CommandNotFoundAsExit && error.kind() == ErrorKind::CommandNotFound => {
                let exit = Event::Exited(ExitStatus::from_code(127));
                Ok(Process::new(None, stream::iter([Ok(exit)]).boxed()))
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ContainerRuntime for Faulty {
    fn driver(&self) -> &'static str {
        self.inner.driver()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn info(&self) -> Result<Info> {
        self.inner.info().await
    }

    async fn pull(&self, image: &ImageReference, options: PullOptions) -> Result<PullStream> {
        let events = self.inner.pull(image, options).await?;
        if self.flaw != Flaw::PullAlwaysDone {
            return Ok(events);
        }
        let done = || PullEvent::Done(ImageId::new("0"));
        Ok(events.map(move |event| event.or_else(|_| Ok(done()))).boxed())
    }

    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>> {
        self.inner.image(reference).await
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        let mut broken = spec.clone();
        match self.flaw {
            Flaw::LabelsLost => broken.labels.retain(|name, _| name == labels::INSTANCE),
            Flaw::EnvIgnored => broken.env.clear(),
            Flaw::NewPrivilegesAllowed => broken.no_new_privileges = false,
            Flaw::CapabilitiesKept => broken.cap_drop.clear(),
            Flaw::TmpfsExecutable => broken.tmpfs.iter_mut().for_each(|tmpfs| tmpfs.exec = true),
            Flaw::Ignores(capability) => take_out(capability, &mut broken),
            Flaw::DroppedCreationGoesOn => {
                let inner = Arc::clone(&self.inner);
                let creation = tokio::spawn(async move {
                    sleep(DELAY).await;
                    inner.create(&broken).await
                });
                return creation
                    .await
                    .unwrap_or_else(|error| Err(Error::new(ErrorKind::Unexpected, error.to_string())));
            }
            _ => {}
        }
        let created = self.inner.create(&broken).await;
        match (self.flaw, created) {
            (Flaw::NameConflictIgnored, Err(error)) if error.kind() == ErrorKind::AlreadyExists => {
                broken.name.push_str("-2");
                self.inner.create(&broken).await
            }
            (Flaw::FailureLeavesContainer, Err(error)) => {
                broken.mounts.clear();
                // Where not even this can be made, nothing is left either.
                drop(self.inner.create(&broken).await);
                Err(error)
            }
            (_, created) => created,
        }
    }

    async fn start(&self, id: &ContainerId) -> Result<Process> {
        self.break_process(self.inner.start(id).await, id)
    }

    async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
        self.break_process(self.inner.exec(id, spec).await, id)
    }

    async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        match self.flaw {
            Flaw::KillDoesNothing => self.inner.inspect(id).await.map(drop),
            Flaw::KillIsPolite if signal == Signal::KILL => self.inner.kill(id, Signal::TERM).await,
            _ => self.inner.kill(id, signal).await,
        }
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        match self.flaw {
            Flaw::RemoveNotIdempotent => {
                self.inner.inspect(id).await?;
            }
            Flaw::RemoveWaits => {
                let container = self.inner.inspect(id).await;
                if container.is_ok_and(|container| container.state.is_running()) {
                    sleep(GRACE).await;
                }
            }
            Flaw::RemoveReturnsEarly => {
                let (inner, id) = (Arc::clone(&self.inner), id.clone());
                tokio::spawn(async move {
                    sleep(DELAY).await;
                    inner.remove(&id).await
                });
                return Ok(());
            }
            _ => {}
        }
        self.inner.remove(id).await
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Container> {
        let mut container = match self.inner.inspect(id).await {
            Err(error) if self.flaw == Flaw::NoTimeout && error.kind() == ErrorKind::Timeout => pending().await,
            answer => answer?,
        };
        if self.flaw == Flaw::StateStale && container.state != State::Created {
            container.state = State::Running;
        }
        Ok(container)
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>> {
        match self.flaw {
            Flaw::ListIgnoresFilter => self.inner.list(&ListFilter::default()).await,
            Flaw::ListRunningOnly => {
                let mut containers = self.inner.list(filter).await?;
                containers.retain(|container| container.state.is_running());
                Ok(containers)
            }
            _ => self.inner.list(filter).await,
        }
    }

    async fn stats(&self, id: &ContainerId) -> Result<Stats> {
        let stats = self.inner.stats(id).await?;
        if self.flaw != Flaw::StatsOfHost {
            return Ok(stats);
        }
        let mut of_host = Stats::default();
        of_host.cpu_time = Duration::from_secs(1000);
        of_host.memory = 8 << 30;
        of_host.pids = 300;
        Ok(of_host)
    }
}

/// Makes a spec ask for a capability no more.
fn take_out(capability: Capability, spec: &mut ContainerSpec) {
    match capability {
        Capability::Memory => (spec.memory, spec.memory_swap) = (None, None),
        Capability::NanoCpus => spec.nano_cpus = None,
        Capability::PidsLimit => spec.pids_limit = None,
        Capability::Ulimits => spec.ulimits.clear(),
        Capability::NetworkNone => spec.network_mode = NetworkMode::Default,
        Capability::ReadonlyRootfs => spec.readonly_rootfs = false,
        Capability::BindMounts => spec.mounts.retain(|mount| mount.kind != MountKind::Bind),
        Capability::Volumes => spec.mounts.retain(|mount| mount.kind != MountKind::Volume),
        Capability::TmpfsInodes => spec.tmpfs.iter_mut().for_each(|tmpfs| tmpfs.nr_inodes = None),
        Capability::Seccomp => spec.seccomp = Seccomp::Default,
        Capability::UserNamespace => spec.userns = Userns::Default,
        Capability::OciRuntime => spec.oci_runtime = None,
        Capability::Gpus => spec.gpus = None,
        Capability::Init => spec.init = false,
        // The rest is not asked for by a spec.
        _ => {}
    }
}
