//! The contract, kept without any engine.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream;
use inline_runtime::{
    Capabilities, Capability, CgroupVersion, Container, ContainerId, ContainerRuntime, ContainerSpec, Error, ErrorKind,
    ExecSpec, Image, ImageReference, Info, ListFilter, MountKind, Process, PullEvent, PullOptions, PullStream, Result,
    Signal, Stats,
};
use tokio::time::sleep;

use crate::container::{FakeContainer, Launch};
use crate::engine::Engine;
use crate::fault::StreamFault;
use crate::link::Link;
use crate::{Call, FakeBuilder, Fault, Operation};

/// The name that a fake gives as its driver's.
pub const DRIVER: &str = "fake";

/// A container runtime without an engine: its programs are async functions, and its faults come when they are told to.
///
/// Clones share the engine and the connection to it.
#[derive(Clone, Debug)]
pub struct FakeRuntime {
    engine: Arc<Engine>,
    link: Arc<Link>,
}

impl FakeRuntime {
    /// Starts to put a fake together.
    pub fn builder() -> FakeBuilder {
        FakeBuilder::new()
    }

    pub(crate) fn on(engine: Engine) -> Self {
        Self {
            engine: Arc::new(engine),
            link: Arc::default(),
        }
    }

    /// Returns a fake on the same engine, over a connection of its own.
    #[must_use]
    pub fn reconnected(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            link: Arc::default(),
        }
    }

    /// Cuts this connection for good: open streams break, and every call is
    /// [`Unavailable`](ErrorKind::Unavailable).
    pub fn sever(&self) {
        self.link.sever();
    }

    /// Stalls this connection for good: every call is [`Timeout`](ErrorKind::Timeout) after 5 s. Open streams go on.
    pub fn stall(&self) {
        self.link.stall();
    }

    /// Plans a fault for the next call of an operation.
    pub fn inject(&self, operation: Operation, fault: Fault) {
        let mut holdings = self.engine.holdings();
        let next = holdings.count(operation) + 1;
        holdings.faults.insert((operation, next), fault);
    }

    /// Returns all calls so far, over every connection, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.engine.holdings().calls.clone()
    }

    /// Does `work` as a call of the contract: noted, delayed, and wrong where that was planned.
    async fn call<T>(&self, call: Call, work: impl AsyncFnOnce(Option<StreamFault>) -> Result<T>) -> Result<T> {
        let operation = call.operation();
        let fault = self.engine.note(call);
        let answer = async {
            sleep(self.engine.latencies.get(&operation).copied().unwrap_or_default()).await;
            match fault {
                Some(Fault::Fail(kind)) => Err(injected(kind)),
                Some(Fault::FailAfterwards(kind)) => {
                    work(None).await?;
                    Err(injected(kind))
                }
                Some(Fault::Hang) => pending().await,
                Some(Fault::Disconnect) => {
                    self.link.sever();
                    Err(self.link.lost())
                }
                other => work(other.and_then(Fault::of_stream)).await,
            }
        };
        let answer = self.link.answer(answer).await;
        answer.map_err(|error| error.with_driver(DRIVER).with_operation(operation.name()))
    }

    fn make(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        let mut holdings = self.engine.holdings();
        let name: ContainerId = spec.name.parse()?;
        if holdings.find(&name).is_some() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("container `{name}` is there already"),
            ));
        }
        if !holdings.images.contains_key(&spec.image.pinned()) {
            return Err(Error::new(
                ErrorKind::ImageNotFound,
                format!("image `{}` not found", spec.image),
            ));
        }
        if let Some(unknown) = spec
            .oci_runtime
            .as_ref()
            .filter(|name| !self.engine.oci_runtimes.contains(name))
        {
            return Err(Error::new(
                ErrorKind::InvalidSpec,
                format!("no OCI runtime `{unknown}`"),
            ));
        }
        for mount in spec.mounts.iter().filter(|mount| mount.kind == MountKind::Bind) {
            if !Path::new(&mount.source).exists() {
                let source = &mount.source;
                return Err(Error::new(ErrorKind::InvalidSpec, format!("no `{source}` to mount")));
            }
        }
        holdings.made += 1;
        let id: ContainerId = format!("{:016x}", holdings.made).parse()?;
        let container = FakeContainer::new(id.clone(), spec.clone());
        holdings.containers.push(Arc::new(container));
        Ok(id)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ContainerRuntime for FakeRuntime {
    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities.clone()
    }

    async fn info(&self) -> Result<Info> {
        let info = async |_| {
            let mut info = Info::new(DRIVER, "memory", env!("CARGO_PKG_VERSION"));
            info.rootless = true;
            info.cgroup_version = CgroupVersion::Unknown;
            info.default_oci_runtime = self.engine.oci_runtimes.first().cloned();
            info.oci_runtimes.clone_from(&self.engine.oci_runtimes);
            Ok(info)
        };
        self.call(Call::Info, info).await
    }

    async fn pull(&self, image: &ImageReference, _options: PullOptions) -> Result<PullStream> {
        let script = async |_| {
            self.engine.capabilities.require(Capability::Pull)?;
            let script = self.engine.pulls.get(&image.pinned()).cloned();
            script.ok_or_else(|| Error::new(ErrorKind::ImageNotFound, format!("image `{image}` not found")))
        };
        let script = self.call(Call::Pull(image.clone()), script).await?;
        let (pause, end) = (script.pause, script.end);
        let (engine, link, reference) = (Arc::clone(&self.engine), Arc::clone(&self.link), image.pinned());
        let events = stream::unfold(Some(script.events.into_iter()), move |events| {
            let (engine, link, end) = (Arc::clone(&engine), Arc::clone(&link), end.clone());
            let reference = reference.clone();
            async move {
                let mut events = events?;
                tokio::select! {
                    biased;
                    () = link.severed() => return Some((Err(link.lost()), None)),
                    () = sleep(pause) => {}
                }
                if let Some(event) = events.next() {
                    return Some((Ok(event), Some(events)));
                }
                let last = end.map_err(|kind| injected(kind).with_driver(DRIVER).with_operation("pull"));
                let last = last.map(|id| {
                    let image = Image::new(id.clone(), None);
                    engine.holdings().images.insert(reference, image);
                    PullEvent::Done(id)
                });
                Some((last, None))
            }
        });
        Ok(Box::pin(events))
    }

    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>> {
        let image = async |_| Ok(self.engine.holdings().images.get(&reference.pinned()).cloned());
        self.call(Call::Image(reference.clone()), image).await
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        let create = async |_| {
            spec.validate(&self.engine.capabilities)?;
            self.make(spec)
        };
        self.call(Call::Create(Box::new(spec.clone())), create).await
    }

    async fn start(&self, id: &ContainerId) -> Result<Process> {
        let start = async |fault| {
            let container = self.engine.find(id)?;
            let spec = &container.spec;
            let command: Vec<_> = spec.entrypoint.iter().flatten().chain(&spec.cmd).cloned().collect();
            let (program, args) = self.engine.program(&command)?;
            container.begin()?;
            let launch = Launch {
                program,
                command,
                args,
                further: None,
                fault,
            };
            Ok(container.launch(launch, Arc::clone(&self.link)))
        };
        self.call(Call::Start(id.clone()), start).await
    }

    async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
        let exec = async |fault| {
            spec.validate()?;
            let container = self.engine.find(id)?;
            container.ensure_running()?;
            let (program, args) = self.engine.program(&spec.cmd)?;
            let launch = Launch {
                program,
                command: spec.cmd.clone(),
                args,
                further: Some(spec.clone()),
                fault,
            };
            Ok(container.launch(launch, Arc::clone(&self.link)))
        };
        self.call(Call::Exec(id.clone(), Box::new(spec.clone())), exec).await
    }

    async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        let kill = async |_| self.engine.find(id)?.signal(signal);
        self.call(Call::Kill(id.clone(), signal), kill).await
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        let remove = async |_| {
            if let Ok(container) = self.engine.find(id) {
                container.kill();
                container.ended().await;
                let mut holdings = self.engine.holdings();
                holdings.containers.retain(|other| other.id != container.id);
            }
            Ok(())
        };
        self.call(Call::Remove(id.clone()), remove).await
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Container> {
        let inspect = async |_| Ok(self.engine.find(id)?.describe());
        self.call(Call::Inspect(id.clone()), inspect).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>> {
        let list = async |_| {
            let containers = self.engine.holdings().containers.clone();
            let all = containers.iter().map(|container| container.describe());
            Ok(all.filter(|container| filter.matches(&container.labels)).collect())
        };
        self.call(Call::List(filter.clone()), list).await
    }

    async fn stats(&self, id: &ContainerId) -> Result<Stats> {
        let stats = async |_| {
            self.engine.capabilities.require(Capability::Stats)?;
            let container = self.engine.find(id)?;
            container.ensure_running()?;
            Ok(container.life().stats)
        };
        self.call(Call::Stats(id.clone()), stats).await
    }
}

fn injected(kind: ErrorKind) -> Error {
    Error::new(kind, "a fault of the script")
}
