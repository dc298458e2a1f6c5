//! The end of the service.

use std::time::Duration;

use tokio::join;
use tokio::time::timeout;

use super::{Inner, SandboxService};
use crate::Result;

/// How long what runs is given to end, and to say so.
const END_PATIENCE: Duration = Duration::from_secs(10);
/// How long containers are given to go.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(20);
/// How long the engine is given for a last look.
const SWEEP_PATIENCE: Duration = Duration::from_secs(20);

impl SandboxService {
    /// Ends all that runs, with [`Verdict::Cancelled`](crate::Verdict::Cancelled), and removes every container of this
    /// service; sandboxes and their files stay, and the service can be used on.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Runtime`](crate::SandboxError::Runtime) if the engine does not remove what it has; the next sweep
    ///   tries again.
    pub async fn cleanup_all(&self) -> Result<()> {
        self.inner.end_all().await;
        let swept = timeout(SWEEP_PATIENCE, self.inner.sweep_containers()).await;
        swept.unwrap_or(Ok(0)).map(drop)
    }

    /// Ends the service: nothing new is taken, what runs ends with [`Verdict::Cancelled`](crate::Verdict::Cancelled), and
    /// every container is removed. It takes a minute at most; what an engine that hangs has not removed by then, the next
    /// process on the same base directory removes.
    ///
    /// The base directory can be opened again when the last clone is gone.
    pub async fn shutdown(&self) {
        self.inner.admission.close();
        self.inner.closing.cancel();
        if let Err(error) = self.cleanup_all().await {
            tracing::warn!(%error, "containers may be left on the engine");
        }
        // Whoever still has the artifacts of a one-shot run can read them no longer.
        self.inner.one_shots.cancel_all(None);
        drop(
            timeout(END_PATIENCE, async {
                join!(self.inner.one_shots.empty(), self.inner.store.close())
            })
            .await,
        );
    }
}

impl Inner {
    async fn end_all(&self) {
        self.live.cancel_all(None);
        drop(
            timeout(END_PATIENCE, async {
                join!(self.end_sessions_of(None), self.live.empty())
            })
            .await,
        );
        let removed = async {
            self.pool.clear().await;
            self.containers.settled().await;
        };
        drop(timeout(REMOVAL_PATIENCE, removed).await);
    }
}
