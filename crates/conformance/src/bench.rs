//! The world of one case: a driver, a label of its own, and short ways to the things that cases do all the time.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use inline_runtime::{
    Capability, Container, ContainerId, ContainerRuntime, ContainerSpec, Error, ErrorKind, ExecSpec, ListFilter,
    NetworkMode, Result, Signal,
};
use tokio::time::{Instant, sleep, timeout};

use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::programs;
use crate::reader::{Printed, Reader};
use crate::subject::{Fixtures, Severable, Subject};

/// What a case works with.
pub(crate) struct Bench {
    pub(crate) runtime: Arc<dyn ContainerRuntime>,
    subject: Arc<dyn Subject>,
    instance: String,
    run_label: String,
}

/// A container whose main process runs.
pub(crate) struct Started {
    pub(crate) id: ContainerId,
    pub(crate) main: Reader,
}

impl Bench {
    /// The label that all containers of one suite share.
    pub(crate) const RUN_LABEL: &str = "inline.conformance.run";

    /// The user that programs run as: no one in particular, and not root.
    pub(crate) const USER: &str = "65534:65534";

    pub(crate) fn new(runtime: Arc<dyn ContainerRuntime>, subject: Arc<dyn Subject>, run_label: &str) -> Self {
        Self {
            runtime,
            subject,
            instance: format!("inline-conformance-{}", random_token()),
            run_label: run_label.to_owned(),
        }
    }

    pub(crate) fn fixtures(&self) -> &Fixtures {
        self.subject.fixtures()
    }

    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    pub(crate) async fn severable(&self) -> Result<Severable> {
        self.subject.connect_severable().await
    }

    /// Returns so many seconds of a fast machine.
    pub(crate) fn seconds(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds) * self.subject.patience()
    }

    /// Returns so many milliseconds of a fast machine.
    pub(crate) fn millis(&self, millis: u64) -> Duration {
        Duration::from_millis(millis) * self.subject.patience()
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.runtime.capabilities().has(capability)
    }

    /// Describes a container that runs `cmd`, as closed as the driver can make it.
    pub(crate) fn spec(&self, cmd: Vec<String>) -> ContainerSpec {
        let mut spec = ContainerSpec::new(self.fixtures().shell.clone(), &self.instance)
            .with_label(Self::RUN_LABEL, &self.run_label)
            .with_entrypoint::<_, String>([])
            .with_cmd(cmd)
            .with_user(Self::USER)
            .with_readonly_rootfs(self.has(Capability::ReadonlyRootfs));
        if !self.has(Capability::NetworkNone) {
            spec = spec.with_network_mode(NetworkMode::Default);
        }
        spec
    }

    /// Describes a container that does nothing until it is removed.
    pub(crate) fn idle_spec(&self) -> ContainerSpec {
        self.spec(programs::IDLE.alone())
    }

    pub(crate) async fn start(&self, spec: &ContainerSpec) -> Outcome<Started> {
        let id = self.runtime.create(spec).await?;
        let main = Reader::new(self.runtime.start(&id).await?);
        Ok(Started { id, main })
    }

    /// Starts a container that does nothing until it is removed.
    pub(crate) async fn idle(&self) -> Outcome<Started> {
        self.start(&self.idle_spec()).await
    }

    /// Runs a container's main process to its end.
    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Outcome<Printed> {
        self.start(spec).await?.main.end().await
    }

    pub(crate) async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Outcome<Reader> {
        Ok(Reader::new(self.runtime.exec(id, spec).await?))
    }

    /// Runs a further process to its end.
    pub(crate) async fn exec_to_end(&self, id: &ContainerId, cmd: Vec<String>) -> Outcome<Printed> {
        self.exec(id, &ExecSpec::new(cmd)).await?.end().await
    }

    /// Runs `work` no longer than `limit`.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        work: impl Future<Output = Outcome<T>>,
    ) -> Outcome<T> {
        timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(Failure::new(format_args!("{what} took longer than {limit:?}"))))
    }

    /// Asks until `answer` is something, for as long as `limit`.
    pub(crate) async fn until<T, F>(&self, limit: Duration, what: &str, mut answer: impl FnMut() -> F) -> Outcome<T>
    where
        F: Future<Output = Outcome<Option<T>>>,
    {
        let end = Instant::now() + limit;
        loop {
            if let Some(answer) = answer().await? {
                return Ok(answer);
            }
            ensure!(Instant::now() < end, "{what} did not come to be within {limit:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lists what this case made.
    pub(crate) async fn list(&self) -> Result<Vec<Container>> {
        self.runtime.list(&ListFilter::instance(&self.instance)).await
    }

    /// Fails if anything is there that this case made.
    pub(crate) async fn ensure_nothing_left(&self) -> Outcome {
        let left: Vec<_> = self.list().await?.into_iter().map(|left| left.name).collect();
        ensure_eq!(left, Vec::<String>::new(), "containers left behind");
        Ok(())
    }

    /// Waits until nothing is there that this case made.
    pub(crate) async fn until_nothing_left(&self) -> Outcome {
        let nothing = || async { Ok(self.list().await?.is_empty().then_some(())) };
        self.until(self.seconds(10), "that nothing is left", nothing).await
    }

    pub(crate) async fn kill(&self, id: &ContainerId) -> Result<()> {
        self.runtime.kill(id, Signal::KILL).await
    }

    /// Removes whatever carries the label, and checks that nothing does then.
    pub(crate) async fn clean_up(&self) -> Outcome {
        let left = self.list().await?;
        let removals = left.iter().map(|container| self.runtime.remove(&container.id));
        for removed in join_all(removals).await {
            removed?;
        }
        self.ensure_nothing_left().await
    }
}

/// Fails unless the call failed with one of `kinds`.
#[track_caller]
pub(crate) fn ensure_refused<T>(result: Result<T>, kinds: &[ErrorKind]) -> Outcome<Error> {
    match result {
        Ok(_) => Err(Failure::new(format_args!("succeeded, expected an error of {kinds:?}"))),
        Err(error) if kinds.contains(&error.kind()) => Ok(error),
        Err(error) => Err(Failure::new(format_args!(
            "failed with {:?}, expected {kinds:?}: {error}",
            error.kind()
        ))),
    }
}

/// Returns something that no other process comes to use.
pub(crate) fn random_token() -> String {
    let bits = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("{bits:016x}")
}
