//! One container that waits in the pool.

use std::time::Duration;

use metrics::counter;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Order;
use crate::metric;
use crate::run::Prepared;

/// A container that waits, and the task that watches over it. Dropping it removes the container.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) id: u64,
    pub(super) order: Order,
    claim: oneshot::Sender<()>,
    task: JoinHandle<Option<Prepared>>,
}

/// Says why a container was removed unused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Evicted {
    Room,
    Idle,
    Dead,
    Dropped,
}

impl Parked {
    /// Watches over `prepared` for at most `idle_timeout`; `forget` is called when it goes by itself.
    pub(super) fn new(
        id: u64,
        order: Order,
        mut prepared: Prepared,
        idle_timeout: Duration,
        forget: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (claim, mut claimed) = oneshot::channel();
        let task = tokio::spawn(async move {
            let evicted = tokio::select! {
                // What has died is found first, also where it is claimed at the same time.
                biased;
                () = prepared.spoiled() => Evicted::Dead,
                claim = &mut claimed => {
                    if claim.is_ok() {
                        return Some(prepared);
                    }
                    prepared.removed().await;
                    return None;
                }
                () = sleep(idle_timeout) => Evicted::Idle,
            };
            evicted.count(1);
            forget();
            None
        });
        Self { id, order, claim, task }
    }

    /// Takes the container, if it lives.
    pub(super) async fn claim(self) -> Option<Prepared> {
        self.claim.send(()).ok()?;
        self.task.await.ok().flatten()
    }

    /// Removes the container and waits until it is gone.
    pub(super) async fn removed(self) {
        drop(self.claim);
        // It may have been going by itself; then its removal is one that `Containers::settled` waits for.
        drop(self.task.await);
    }
}

impl Evicted {
    pub(super) fn count(self, number: usize) {
        let reason = match self {
            Self::Room => "room",
            Self::Idle => "idle",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        };
        counter!(metric::WARM_EVICTIONS, "reason" => reason).increment(u64::try_from(number).unwrap_or(u64::MAX));
    }
}
