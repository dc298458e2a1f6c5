//! Clearing up: what a killed process has left, what nobody uses, what is kept no longer.

use std::ops::AddAssign;
use std::time::{Duration, SystemTime};

use inline_runtime::ListFilter;
use metrics::{counter, gauge};

use super::room::ONCE;
use super::{Inner, SandboxService, recorded};
use crate::store::{InFlight, InFlightKind, RunOutcome};
use crate::{Result, Retention, RunUsage, SandboxError, Verdict, metric};

/// How often the service clears up by itself.
pub(super) const INTERVAL: Duration = Duration::from_mins(1);
/// How many sandboxes one sweep deletes at most.
const EXPIRED_AT_ONCE: u32 = 100;

/// Says what a sweep has found and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Containers of this instance that nobody used.
    pub containers: u64,
    /// Runs, sessions and the like that a killed process had begun.
    pub abandoned: u64,
    /// Sandboxes that nobody had used for as long as they are kept.
    pub expired: u64,
    /// Workspaces of runs that were to leave nothing, and parts of workspaces that were being deleted.
    pub leftovers: u64,
    /// Records of the audit that are kept no longer.
    pub records: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.containers += other.containers;
        self.abandoned += other.abandoned;
        self.expired += other.expired;
        self.leftovers += other.leftovers;
        self.records += other.records;
    }
}

impl SandboxService {
    /// Clears up now what the service clears up every minute by itself.
    ///
    /// Nothing that is in use goes, and nothing of another instance.
    ///
    /// # Errors
    ///
    /// - [`Runtime`](crate::SandboxError::Runtime), [`Store`](crate::SandboxError::Store), [`Io`](crate::SandboxError::Io):
    ///   the first of what went wrong; the rest is cleared up all the same.
    pub async fn sweep(&self) -> Result<Swept> {
        match self.inner.sweep().await {
            (swept, None) => Ok(swept),
            (_, Some(error)) => Err(error),
        }
    }

    /// Returns what [`open`](Self::open) has cleared up, of what processes before this one had left.
    pub fn swept_at_open(&self) -> Swept {
        self.inner.swept_at_open.get().copied().unwrap_or_default()
    }
}

impl Inner {
    /// Clears up, and returns what was found with the first of what went wrong.
    pub(super) async fn sweep(&self) -> (Swept, Option<SandboxError>) {
        let mut swept = Swept::default();
        let mut first_error = None;
        self.end_idle_sessions().await;
        let mut note = |found: Result<u64>| {
            found.unwrap_or_else(|error| {
                tracing::debug!(%error, "sweep");
                first_error.get_or_insert(error);
                0
            })
        };
        swept.containers = note(self.sweep_containers().await);
        swept.abandoned = note(self.sweep_abandoned().await);
        swept.expired = note(self.sweep_expired().await);
        swept.leftovers = note(self.sweep_leftovers().await);
        swept.records = note(self.sweep_records().await);
        self.measure();
        if swept != Swept::default() {
            tracing::info!(?swept, "cleared up");
        }
        (swept, first_error)
    }

    /// Removes the containers that carry our name and that nobody here holds.
    pub(super) async fn sweep_containers(&self) -> Result<u64> {
        let runtime = self.containers.runtime();
        let filter = ListFilter::instance(self.instance.clone());
        let unheld = async || -> Result<Vec<_>> {
            let mut listed = runtime.list(&filter).await?;
            listed.retain(|container| !self.containers.holds(&container.name));
            Ok(listed)
        };
        let first = unheld().await?;
        if first.is_empty() {
            return Ok(0);
        }
        // One may have been on its way out when it was listed.
        let mut left = unheld().await?;
        left.retain(|container| first.iter().any(|other| other.id == container.id));
        let (mut removed, mut first_error) = (0, None);
        for container in left {
            tracing::warn!(container = container.name, labels = ?container.labels, "nobody uses a container");
            counter!(metric::LEAKED).increment(1);
            match runtime.remove(&container.id).await {
                Ok(()) => removed += 1,
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) => Err(error.into()),
            None => Ok(removed),
        }
    }

    /// Closes what was begun by a process that is gone.
    async fn sweep_abandoned(&self) -> Result<u64> {
        let mut closed = 0;
        for row in self.store.in_flight().await? {
            if row.instance == self.instance && !self.live.contains(&row.id) && !self.sessions.holds(&row.id) {
                self.close_abandoned(&row).await?;
                closed += 1;
            }
        }
        Ok(closed)
    }

    async fn close_abandoned(&self, row: &InFlight) -> Result<()> {
        tracing::warn!(id = row.id, owner = %row.owner, kind = ?row.kind, "left by a process that was killed");
        match row.kind {
            InFlightKind::Run => {
                // How long it ran nobody knows; what it used must not be guessed at its owner's cost.
                let usage = RunUsage {
                    cpu: Some(Duration::ZERO),
                    ..RunUsage::default()
                };
                let outcome = RunOutcome {
                    verdict: Verdict::Lost,
                    usage,
                    ended: SystemTime::now(),
                };
                recorded::close(self, &row.id, &outcome).await
            }
            InFlightKind::Delete => {
                self.workspaces.delete(&row.owner).await?;
                self.store.delete_sandbox(&row.owner).await?;
                self.store.finish(&row.id).await.map(drop)
            }
            InFlightKind::Session | InFlightKind::Install => self.store.finish(&row.id).await.map(drop),
        }
    }

    /// Deletes the sandboxes that nobody has used for long.
    async fn sweep_expired(&self) -> Result<u64> {
        let retention = self.config.retention;
        let expired = self
            .store
            .expired_sandboxes(SystemTime::now(), retention, EXPIRED_AT_ONCE)
            .await?;
        let mut deleted = 0;
        for owner in expired {
            let lock = self.locks.of(&owner);
            // Who is in there now uses it.
            let Ok(_alone) = lock.presence.try_write() else {
                continue;
            };
            let still = self
                .store
                .expired_sandboxes(SystemTime::now(), retention, EXPIRED_AT_ONCE)
                .await?;
            if still.contains(&owner) {
                self.delete_alone(&owner).await?;
                counter!(metric::EXPIRED).increment(1);
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Removes the workspaces of one-shot runs that are over, and what is left of others.
    async fn sweep_leftovers(&self) -> Result<u64> {
        let mut removed = 0;
        for owner in self.workspaces.owners().await? {
            if owner.kind() == ONCE && !self.one_shots.contains(owner.name()) && self.workspaces.delete(&owner).await? {
                removed += 1;
            }
        }
        Ok(removed + self.workspaces.purge_trash().await?)
    }

    async fn sweep_records(&self) -> Result<u64> {
        let Retention::After(kept) = self.config.audit.retention else {
            return Ok(0);
        };
        match SystemTime::now().checked_sub(kept) {
            Some(before) => self.store.sweep_runs(before).await,
            None => Ok(0),
        }
    }

    fn measure(&self) {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let load = self.admission.load();
        gauge!(metric::RUNNING).set(number(load.running));
        gauge!(metric::WAITING).set(number(load.waiting));
        gauge!(metric::CONTAINERS).set(number(self.containers.count()));
    }
}
