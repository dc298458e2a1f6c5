mod deletion;
mod runs;
mod sessions;
mod sweeps;

use std::sync::Arc;
use std::time::Duration;

use inline_fake::{FakeBuilder, FakeRuntime};
use inline_runtime::{Capabilities, Capability, ContainerRuntime, ListFilter, Support};

use super::*;
use crate::testing::fake;
use crate::{Owner, Program, RunResult};

/// A service on a fake engine, and a base directory of its own.
pub(super) struct Bench {
    pub(super) fake: FakeRuntime,
    pub(super) service: SandboxService,
    pub(super) directory: tempfile::TempDir,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(fake(), |_| ()).await
    }

    pub(super) async fn with(fake: FakeBuilder, set: impl FnOnce(&mut SandboxConfig)) -> Self {
        let (fake, directory) = (
            fake.with_capabilities(capabilities()).build(),
            tempfile::tempdir().unwrap(),
        );
        let mut config = config(&directory);
        set(&mut config);
        let service = SandboxService::open(Arc::new(fake.clone()), config).await.unwrap();
        Self {
            fake,
            service,
            directory,
        }
    }

    pub(super) fn start(&self, owner: &str, source: &str) -> Run {
        self.service
            .run(RunRequest::new(owner.parse().unwrap(), Program::new("python", source)))
    }

    pub(super) async fn run(&self, owner: &str, source: &str) -> RunResult {
        self.start(owner, source).outcome().await.unwrap()
    }

    /// Ends the service, and checks that it leaves nothing on the engine.
    pub(super) async fn close(self) -> tempfile::TempDir {
        self.service.shutdown().await;
        assert_eq!(self.fake.list(&ListFilter::default()).await.unwrap(), []);
        self.directory
    }
}

/// Everything, but a choice of who the container's user is on the host: the tests may run as anybody.
fn capabilities() -> Capabilities {
    let all = fake().build().capabilities();
    all.with(Capability::UserNamespace, Support::absent("not in these tests"))
}

pub(super) fn config(directory: &tempfile::TempDir) -> SandboxConfig {
    SandboxConfig {
        base_dir: Some(directory.path().to_owned()),
        pull_on_startup: false,
        ..SandboxConfig::default()
    }
}

pub(super) fn alice() -> Owner {
    "local:alice".parse().unwrap()
}

/// Waits until `holds`, for as long as a slow machine may take.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen");
}
