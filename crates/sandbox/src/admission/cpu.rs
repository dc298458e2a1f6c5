//! What CPU time each owner may use in a day.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::{BusyReason, Owner, Result, SandboxError};

const SECONDS_PER_DAY: u64 = 86_400;

/// Knows what CPU time an owner has used since midnight UTC; the store does.
#[async_trait]
pub trait CpuUsage: fmt::Debug + Send + Sync + 'static {
    /// Returns the CPU time of all runs of `owner` that ended today.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`] if the books cannot be read; no run is let in then.
    async fn cpu_used_today(&self, owner: &Owner) -> Result<Duration>;
}

/// Refuses whoever has used up the CPU time of the day.
///
/// Runs count when they end: an owner can pass the bound by what runs at once.
#[derive(Debug)]
pub(super) struct CpuAllowance {
    allowed: Option<Duration>,
    usage: Arc<dyn CpuUsage>,
}

impl CpuAllowance {
    pub(super) fn new(allowed: Option<Duration>, usage: Arc<dyn CpuUsage>) -> Self {
        Self { allowed, usage }
    }

    pub(super) async fn check(&self, owner: &Owner) -> Result<()> {
        let Some(allowed) = self.allowed else { return Ok(()) };
        let used = self.usage.cpu_used_today(owner).await?;
        if used < allowed {
            return Ok(());
        }
        Err(SandboxError::Busy {
            reason: BusyReason::DailyCpu {
                owner: owner.clone(),
                used,
                allowed,
            },
            retry_after: until_midnight(),
        })
    }
}

fn until_midnight() -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    Duration::from_secs(SECONDS_PER_DAY - now % SECONDS_PER_DAY)
}
