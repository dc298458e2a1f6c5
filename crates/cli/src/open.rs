//! The configuration, the engine and the service, as every command needs them.

use inline::{Detection, DriverChoice, Environment, RuntimeConfig, Settings};
use inline_discord::{DiscordConfig, DiscordSettings};
use inline_mcp::{McpConfig, McpSettings};
use inline_sandbox::{SandboxConfig, SandboxService};

use crate::arguments::Global;
use crate::failure::Result;

/// Holds what the operator has set.
pub(crate) struct Setup {
    pub(crate) runtime: RuntimeConfig,
    pub(crate) sandbox: SandboxConfig,
    pub(crate) mcp: McpConfig,
    pub(crate) discord: DiscordConfig,
    /// The token of the environment.
    pub(crate) mcp_token: Option<String>,
}

impl Setup {
    /// Loads it for a command, which ends soon.
    pub(crate) fn load(global: &Global) -> Result<Self> {
        let mut setup = Self::load_to_stay(global)?;
        // It pulls what it needs itself, and there is no next run to make anything ready for.
        setup.sandbox.pull_on_startup = false;
        setup.sandbox.warm.max_containers = 0;
        Ok(setup)
    }

    /// Loads it for a service that stays.
    pub(crate) fn load_to_stay(global: &Global) -> Result<Self> {
        let driver = global.driver.map(DriverChoice::name);
        let overrides: Vec<_> = driver.into_iter().map(|name| ("driver", name)).collect();
        let mut settings = Settings::load(global.config.as_deref(), &Environment::of_process(), &overrides)?;
        let runtime = settings.take()?;
        let sandbox: SandboxConfig = settings.take()?;
        let sandbox = sandbox.with_env(|name| settings.variable(name))?;
        let McpSettings { mcp, .. } = settings.take()?;
        let DiscordSettings { discord, .. } = settings.take()?;
        settings.finish()?;
        Ok(Self {
            runtime,
            sandbox,
            mcp,
            discord,
            mcp_token: settings.variable(inline::env::INLINE_MCP_TOKEN),
        })
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
}
