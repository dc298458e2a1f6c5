//! Watches what a program writes.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::{Quota, Workspace};

/// How often a workspace is counted, unless that takes long.
const INTERVAL: Duration = Duration::from_millis(250);
/// How rarely it is counted at most.
const MAX_INTERVAL: Duration = Duration::from_secs(3);
/// The share of time that counting may take: one part in so many.
const SHARE: u32 = 5;

/// Returns what is ready when `workspace` holds more than `quota`, or cannot be counted twice in a row.
pub(super) fn watch(workspace: Workspace, quota: Quota) -> BoxFuture<'static, ()> {
    async move {
        let (mut interval, mut failures) = (INTERVAL, 0);
        loop {
            sleep(interval).await;
            let begun = Instant::now();
            match workspace.exceeds(&quota).await {
                Ok(None) => failures = 0,
                Ok(Some(_)) => return,
                Err(error) => {
                    failures += 1;
                    tracing::debug!(%error, "a workspace could not be counted");
                    if failures > 1 {
                        return;
                    }
                }
            }
            interval = (begun.elapsed() * SHARE).clamp(INTERVAL, MAX_INTERVAL);
        }
    }
    .boxed()
}
