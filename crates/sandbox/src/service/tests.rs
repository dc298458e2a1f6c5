mod deletion;
mod installs;
mod metrics;
mod runs;
mod sessions;
mod sweeps;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use inline_fake::{FakeBuilder, FakeRuntime};
use inline_runtime::{Capabilities, Capability, ContainerRuntime, ListFilter, Support};

use super::*;
use crate::testing::fake;
use crate::{Owner, Program, RunResult};

/// A service on a fake engine, in a place of its own.
pub(super) struct Bench {
    pub(super) fake: FakeRuntime,
    pub(super) service: SandboxService,
    pub(super) place: Place,
}

/// A base directory, and time that stands still: it is paused for the whole test, and goes on only where a test says so,
/// however long a disk takes.
pub(super) struct Place {
    pub(super) directory: tempfile::TempDir,
    _clock: mpsc::Sender<()>,
}

impl Place {
    fn new() -> Self {
        let (clock, held) = mpsc::channel::<()>();
        // Paused time runs ahead whenever all wait, but never while there is work that blocks.
        drop(tokio::task::spawn_blocking(move || held.recv().is_err()));
        Self {
            directory: tempfile::tempdir().unwrap(),
            _clock: clock,
        }
    }
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(fake(), |_| ()).await
    }

    pub(super) async fn with(fake: FakeBuilder, set: impl FnOnce(&mut SandboxConfig)) -> Self {
        let (fake, place) = (fake.with_capabilities(capabilities()).build(), Place::new());
        let mut config = config(&place);
        set(&mut config);
        let service = SandboxService::open(Arc::new(fake.clone()), config).await.unwrap();
        Self { fake, service, place }
    }

    pub(super) fn start(&self, owner: &str, source: &str) -> Run {
        self.service
            .run(RunRequest::new(owner.parse().unwrap(), Program::new("python", source)))
    }

    pub(super) async fn run(&self, owner: &str, source: &str) -> RunResult {
        self.start(owner, source).outcome().await.unwrap()
    }

    /// Ends the service, and checks that it leaves nothing on the engine.
    pub(super) async fn close(self) -> Place {
        self.service.shutdown().await;
        assert_eq!(self.fake.list(&ListFilter::default()).await.unwrap(), []);
        self.place
    }
}

/// Everything, but a choice of who the container's user is on the host: the tests may run as anybody.
fn capabilities() -> Capabilities {
    let all = fake().build().capabilities();
    all.with(Capability::UserNamespace, Support::absent("not in these tests"))
}

pub(super) fn config(place: &Place) -> SandboxConfig {
    SandboxConfig {
        base_dir: Some(place.directory.path().to_owned()),
        pull_on_startup: false,
        ..SandboxConfig::default()
    }
}

pub(super) fn alice() -> Owner {
    "local:alice".parse().unwrap()
}

/// Lets others go on until `holds`, for as long as a slow machine may take.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} did not happen");
        tokio::task::yield_now().await;
    }
}
