//! What the cases work on: an engine and a service with a base directory of its own.

use std::sync::Arc;
use std::time::Duration;

use inline::{ContainerRuntime, ListFilter};
use inline_sandbox::{Owner, Program, RunRequest, RunResult, SandboxConfig, SandboxService, SecretUrl};
use inline_tests::environment::patience;
use inline_tests::index::Index;
use inline_tests::service::{Engine, config, told};
use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::ensure;

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) runtime: Arc<dyn ContainerRuntime>,
    pub(crate) service: SandboxService,
    pub(crate) directory: TempDir,
    /// Where its packages come from.
    pub(crate) index: Index,
}

impl Bench {
    pub(crate) async fn open(engine: Engine) -> Result<Self, Failed> {
        Self::on(engine, engine.connect().await?, |_| {}).await
    }

    /// Opens a service on an engine with other settings than most cases have.
    pub(crate) async fn on(
        engine: Engine,
        runtime: Arc<dyn ContainerRuntime>,
        change: impl FnOnce(&mut SandboxConfig),
    ) -> Result<Self, Failed> {
        let directory = tempfile::Builder::new().prefix("inline-service-").tempdir()?;
        let (mut config, index) = (config(engine, directory.path())?, Index::start()?);
        change(&mut config);
        config.packages.pip_index_url = Some(SecretUrl::new(index.pip()));
        config.packages.npm_registry = Some(SecretUrl::new(index.npm()));
        let service = SandboxService::open(Arc::clone(&runtime), config).await.map_err(told)?;
        Ok(Self {
            engine,
            runtime,
            service,
            directory,
            index,
        })
    }

    /// Checks that the service leaves nothing on the engine.
    pub(crate) async fn close(&self) -> Result<(), Failed> {
        let filter = ListFilter::instance(self.service.instance());
        self.service.shutdown().await;
        let left = self.runtime.list(&filter).await?;
        for container in &left {
            self.runtime.remove(&container.id).await?;
        }
        ensure(left.is_empty(), || format!("left behind: {left:?}"))
    }

    pub(crate) async fn run(&self, owner: &Owner, program: Program) -> Result<RunResult, Failed> {
        self.service
            .run(RunRequest::new(owner.clone(), program))
            .outcome()
            .await
            .map_err(told)
    }

    /// Waits until `holds`.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) -> Result<(), Failed> {
        for _ in 0..300 * patience()? {
            if holds(self).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{what} did not happen").into())
    }
}
