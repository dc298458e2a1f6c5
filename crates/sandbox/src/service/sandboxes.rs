//! The sandboxes themselves: made, looked at, set, deleted.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use tokio::time::{sleep, timeout};

use super::job::random_id;
use super::room::{self, check_owner};
use super::{Inner, RunningJob, SandboxService};
use crate::store::{InFlight, InFlightKind, SandboxRecord, SandboxSettings, Usage};
use crate::{Owner, Result, Retention, SandboxError};

/// How long what runs in a sandbox is given to end before that is deleted.
const END_PATIENCE: Duration = Duration::from_secs(20);
/// How often what runs in it is told to end, in case that one came in between.
const BETWEEN_CANCELS: Duration = Duration::from_millis(100);

impl SandboxService {
    /// Makes a sandbox.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::AlreadyExists`] if the owner has one.
    /// - [`SandboxError::InvalidOwner`] for the kinds `once` and `cache`, which are the service's own.
    /// - [`SandboxError::Store`], [`SandboxError::Io`].
    pub async fn create_sandbox(&self, owner: &Owner) -> Result<SandboxRecord> {
        check_owner(owner)?;
        let lock = self.inner.locks.of(owner);
        let _present = lock.presence.read().await;
        let sandbox = self.inner.store.create_sandbox(owner, SystemTime::now()).await?;
        self.inner.workspace(owner).await?;
        Ok(sandbox)
    }

    /// Returns the owner's sandbox, which is made if there is none.
    ///
    /// # Errors
    ///
    /// - As for [`create_sandbox`](Self::create_sandbox), but for the first.
    pub async fn ensure_sandbox(&self, owner: &Owner) -> Result<SandboxRecord> {
        check_owner(owner)?;
        let lock = self.inner.locks.of(owner);
        let _present = lock.presence.read().await;
        let sandbox = self.inner.store.ensure_sandbox(owner, SystemTime::now()).await?;
        self.inner.workspace(owner).await?;
        Ok(sandbox)
    }

    /// Returns the owner's sandbox.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if the owner has none.
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn sandbox(&self, owner: &Owner) -> Result<SandboxRecord> {
        self.inner.store.sandbox(owner).await
    }

    /// Returns at most `limit` sandboxes in the order of their owners, those after `after`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn sandboxes(&self, after: Option<&Owner>, limit: u32) -> Result<Vec<SandboxRecord>> {
        self.inner.store.sandboxes(after, limit).await
    }

    /// Sets how the owner wants the sandbox; what runs goes on as it began.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::UnknownLanguage`] and [`SandboxError::ImageNotAllowed`] for an image that may not be chosen.
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`].
    pub async fn set_settings(&self, owner: &Owner, settings: &SandboxSettings) -> Result<()> {
        for (language, image) in &settings.images {
            let known = self.inner.language(language)?;
            if *image != known.image && !self.inner.config.allows_image(image) {
                return Err(SandboxError::ImageNotAllowed {
                    image: image.to_string(),
                });
            }
        }
        self.inner.store.set_settings(owner, settings).await?;
        self.inner.pool.drop_owner(owner).await;
        Ok(())
    }

    /// Sets how long the sandbox is kept without use; `None` is the operator's default.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`].
    pub async fn set_retention(&self, owner: &Owner, retention: Option<Retention>) -> Result<()> {
        self.inner.store.set_retention(owner, retention).await
    }

    /// Returns what the owner has used today, in UTC.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`].
    pub async fn usage_today(&self, owner: &Owner) -> Result<Usage> {
        let now = SystemTime::now();
        self.inner.store.usage(owner, now, now).await
    }

    /// Returns what is going on, of one owner or of all, the oldest first.
    pub fn running(&self, owner: Option<&Owner>) -> Vec<RunningJob> {
        let mut jobs = self.inner.live.list();
        jobs.retain(|job| owner.is_none_or(|owner| job.owner == *owner));
        jobs
    }

    /// Cancels what has this id, if it still goes on; says whether it did.
    pub fn cancel(&self, id: &str) -> bool {
        self.inner.live.cancel(id)
    }

    /// Deletes the owner's sandbox with all its files and packages, after all that runs in it was cancelled; says whether
    /// there was one. The audit and the usage stay.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`], [`SandboxError::Store`].
    ///
    /// # Cancellation
    ///
    /// What is not done by then, the next sweep does.
    pub async fn delete_sandbox(&self, owner: &Owner) -> Result<bool> {
        check_owner(owner)?;
        let lock = self.inner.locks.of(owner);
        let mut alone = pin!(lock.presence.write());
        let _alone = loop {
            tokio::select! {
                // First, so that whoever comes from here on waits until this is done.
                biased;
                alone = &mut alone => break alone,
                () = async {
                    self.inner.live.cancel_all(Some(owner));
                    sleep(BETWEEN_CANCELS).await;
                } => {}
            }
        };
        match self.inner.store.sandbox(owner).await {
            // One that cannot be read can still be deleted.
            Ok(_) | Err(SandboxError::StoreValue { .. }) => self.inner.delete_alone(owner).await,
            Err(SandboxError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Inner {
    /// Returns the owner's workspace.
    pub(super) async fn workspace(&self, owner: &Owner) -> Result<crate::Workspace> {
        self.workspaces.workspace(owner, room::quota(&self.config.limits)).await
    }

    /// Deletes a sandbox that nobody is in; says whether there was one.
    pub(super) async fn delete_alone(&self, owner: &Owner) -> Result<bool> {
        let id = random_id();
        let _live = self.live.add(&id, owner, "delete", &self.closing.child_token());
        let in_flight = InFlight {
            id,
            kind: InFlightKind::Delete,
            owner: owner.clone(),
            instance: self.instance.clone(),
            container: None,
            started: SystemTime::now(),
        };
        self.store.begin(&in_flight).await?;
        self.end_sessions_of(Some(owner)).await;
        self.pool.drop_owner(owner).await;
        drop(timeout(END_PATIENCE, self.containers.gone(owner)).await);
        // Before its row: what is left then is a sandbox without files, not files that nobody knows of.
        self.workspaces.delete(owner).await?;
        let existed = self.store.delete_sandbox(owner).await?;
        self.store.finish(&in_flight.id).await?;
        Ok(existed)
    }
}
