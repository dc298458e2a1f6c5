//! The configuration, the engine and the service, as every command needs them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use inline::{ContainerRuntime, Detection, DriverChoice, Environment, RuntimeConfig, Settings};
use inline_sandbox::{SandboxConfig, SandboxError, SandboxService};

use crate::arguments::Global;
use crate::failure::{Failure, Result};

/// Where one-shot runs have their base directories, below that of the sandboxes.
const ONE_SHOT: &str = "one-shot";
/// How many one-shot runs there may be at once.
const MAX_ONE_SHOT: u32 = 256;

/// Holds what the operator has set.
pub(crate) struct Setup {
    pub(crate) runtime: RuntimeConfig,
    pub(crate) sandbox: SandboxConfig,
}

impl Setup {
    pub(crate) fn load(global: &Global) -> Result<Self> {
        let driver = global.driver.map(DriverChoice::name);
        let overrides: Vec<_> = driver.into_iter().map(|name| ("driver", name)).collect();
        let mut settings = Settings::load(global.config.as_deref(), &Environment::of_process(), &overrides)?;
        let runtime = settings.take()?;
        let sandbox: SandboxConfig = settings.take()?;
        let mut sandbox = sandbox.with_env(|name| settings.variable(name))?;
        settings.finish()?;
        // A command ends soon: it pulls what it needs itself, and there is no next run to make anything ready for.
        sandbox.pull_on_startup = false;
        sandbox.warm.max_containers = 0;
        Ok(Self { runtime, sandbox })
    }

    /// Finds the engine, and says which it is to whoever listens to the log.
    pub(crate) async fn engine(&self) -> Result<Detection> {
        let detection = inline::detect(&self.runtime).await?;
        tracing::info!("{detection}");
        Ok(detection)
    }

    /// Opens the service of the owners' sandboxes.
    pub(crate) async fn service(&self) -> Result<SandboxService> {
        let runtime = self.engine().await?.runtime;
        Ok(SandboxService::open(runtime, self.sandbox.clone()).await?)
    }

    /// Opens a service for one run that leaves nothing, beside any other process.
    ///
    /// Each has a base directory of its own, the first that is free, so that the next one finds what a killed one has left.
    pub(crate) async fn one_shot(&self, runtime: Arc<dyn ContainerRuntime>) -> Result<SandboxService> {
        for number in 0..MAX_ONE_SHOT {
            match SandboxService::open(Arc::clone(&runtime), self.of_one_shot(number)).await {
                Err(SandboxError::InUse { .. }) => {}
                opened => return Ok(opened?),
            }
        }
        Err(Failure::told_with_hint(
            format!("{MAX_ONE_SHOT} one-shot runs go on already"),
            "wait for one of them to end",
        ))
    }

    /// Returns the configuration of every one-shot service that there has been, for clearing up behind killed ones.
    pub(crate) fn one_shots(&self) -> impl Iterator<Item = SandboxConfig> {
        let all = (0..MAX_ONE_SHOT).map(|number| self.of_one_shot(number));
        all.filter(|config| config.base_dir.as_deref().is_some_and(Path::is_dir))
    }

    fn of_one_shot(&self, number: u32) -> SandboxConfig {
        let mut config = self.sandbox.clone();
        let directory = |base: PathBuf| base.join(ONE_SHOT).join(number.to_string());
        config.base_dir = config.base_dir.map(directory);
        config.instance = config.instance.map(|name| format!("{name}.{ONE_SHOT}.{number}"));
        config
    }
}
