//! Services beside each other, for work that leaves nothing.

use std::path::Path;
use std::sync::Arc;

use inline_runtime::ContainerRuntime;

use super::SandboxService;
use crate::{Result, SandboxConfig, SandboxError};

/// Where such services have their base directories, below that of the configuration.
const DIRECTORY: &str = "one-shot";
/// How many of them there may be at once.
const MAX: u32 = 256;

impl SandboxService {
    /// Opens a service for work that leaves nothing, beside any other on the same configuration.
    ///
    /// Each has a base directory of its own, the first that is free, so that the next one finds what a killed one has left.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InUse`] with the last of the directories if 256 are in use.
    /// - As for [`open`](Self::open).
    pub async fn open_one_shot(runtime: Arc<dyn ContainerRuntime>, config: &SandboxConfig) -> Result<Self> {
        let mut opened = Self::open(Arc::clone(&runtime), config.of_one_shot(0)).await;
        for number in 1..MAX {
            if !matches!(opened, Err(SandboxError::InUse { .. })) {
                break;
            }
            opened = Self::open(Arc::clone(&runtime), config.of_one_shot(number)).await;
        }
        opened
    }
}

impl SandboxConfig {
    /// Returns the configuration of every service that was [opened beside](SandboxService::open_one_shot) others, for
    /// clearing up behind killed ones.
    pub fn one_shots(&self) -> impl Iterator<Item = Self> {
        let all = (0..MAX).map(|number| self.of_one_shot(number));
        all.filter(|config| config.base_dir.as_deref().is_some_and(Path::is_dir))
    }

    fn of_one_shot(&self, number: u32) -> Self {
        let mut config = self.clone();
        config.base_dir = config
            .base_dir
            .map(|base| base.join(DIRECTORY).join(number.to_string()));
        config.instance = config.instance.map(|name| format!("{name}.{DIRECTORY}.{number}"));
        config
    }
}
