//! Where a run works: the owner's workspace, or one that is gone afterwards.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use inline_runtime::ImageReference;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::job::Job;
use super::live::LiveGuard;
use super::locks::OwnerLock;
use crate::run::{Blueprint, Purpose};
use crate::store::SandboxSettings;
use crate::workspace::Hold;
use crate::{
    Artifacts, Language, Limits, Owner, Program, Quota, Result, SandboxError, WORKSPACE_TARGET, Workspace,
    WorkspacePath,
};

/// The kind of owner that a workspace belongs to which is gone after its run; the name is the job's.
pub(super) const ONCE: &str = "once";
/// The kind of owner that the service keeps caches for.
pub(super) const CACHE: &str = "cache";
/// How long a container is waited for that must be gone before the next is made, or before its workspace is deleted.
pub(super) const GONE_PATIENCE: Duration = Duration::from_secs(20);

/// A workspace in which something runs.
pub(super) struct Room {
    /// Whose workspace it is.
    pub(super) owner: Owner,
    pub(super) workspace: Workspace,
    pub(super) directory: WorkspacePath,
    pub(super) settings: SandboxSettings,
    one_shot: Option<OneShot>,
}

/// What a workspace that is to be deleted is known by until then.
struct OneShot {
    /// Cancelled when nobody reads from it any more.
    released: CancellationToken,
    is_held: bool,
    _there: LiveGuard,
}

impl Room {
    /// Opens the sandbox of the job's owner, which is made if there is none.
    pub(super) async fn of_owner(inner: &Inner, job: &Job, quota: Quota) -> Result<Self> {
        let sandbox = inner.store.ensure_sandbox(&job.owner, SystemTime::now()).await?;
        Ok(Self {
            workspace: inner.workspaces.workspace(&job.owner, quota).await?,
            // One that this version cannot read is as good as one that is not there.
            directory: sandbox.current_dir.parse().unwrap_or_else(|_| WorkspacePath::root()),
            settings: sandbox.settings,
            owner: sandbox.owner,
            one_shot: None,
        })
    }

    /// Makes an empty workspace that [`close`](Self::close) deletes; where that is not reached, a sweep does.
    pub(super) async fn one_shot(inner: &Inner, job: &Job, quota: Quota) -> Result<Self> {
        let owner = Owner::new(ONCE, &job.id)?;
        let released = CancellationToken::new();
        let there = inner.one_shots.add(&job.id, &owner, "workspace", &released);
        Ok(Self {
            workspace: inner.workspaces.workspace(&owner, quota).await?,
            directory: WorkspacePath::root(),
            settings: SandboxSettings::default(),
            owner,
            one_shot: Some(OneShot {
                released,
                is_held: false,
                _there: there,
            }),
        })
    }

    pub(super) fn is_one_shot(&self) -> bool {
        self.one_shot.is_some()
    }

    /// Keeps what is not to stay for as long as `artifacts`, if there are any.
    pub(super) fn keep_for(&mut self, artifacts: &mut Artifacts) {
        if let Some(one_shot) = self.one_shot.as_mut().filter(|_| !artifacts.files.is_empty()) {
            one_shot.is_held = true;
            artifacts.keep(Hold::new(one_shot.released.clone()));
        }
    }

    /// Deletes what is not to stay, if need be when it is no longer kept for anybody.
    pub(super) async fn close(self, inner: &Arc<Inner>) {
        let held = self.one_shot.as_ref().filter(|one_shot| one_shot.is_held);
        let Some(released) = held.map(|one_shot| one_shot.released.clone()) else {
            return self.delete(inner).await;
        };
        // Whoever reads keeps neither the run among those that go on, nor the service.
        let inner_of_task = Arc::downgrade(inner);
        drop(inner.tasks.spawn(async move {
            released.cancelled().await;
            if let Some(inner) = inner_of_task.upgrade() {
                self.delete(&inner).await;
            }
        }));
    }

    async fn delete(self, inner: &Inner) {
        if !self.is_one_shot() {
            return;
        }
        drop(timeout(GONE_PATIENCE, inner.containers.gone(&self.owner)).await);
        if let Err(error) = inner.workspaces.delete(&self.owner).await {
            tracing::warn!(%error, "a workspace was not deleted; the next sweep tries again");
        }
    }

    /// Returns the image that programs of `language` run in: the owner's choice where that is still allowed.
    pub(super) fn image<'a>(&'a self, inner: &Inner, language: &'a Language) -> &'a ImageReference {
        let chosen = self
            .settings
            .images
            .get(&language.name)
            .filter(|image| inner.config.allows_image(image));
        chosen.unwrap_or(&language.image)
    }

    /// Returns the current directory as a program has it.
    pub(super) fn directory_in_container(&self) -> String {
        self.directory
            .in_container()
            .unwrap_or_else(|| WORKSPACE_TARGET.to_owned())
    }

    /// Returns the spec of a container for this workspace.
    pub(super) fn spec(
        &self,
        inner: &Inner,
        language: &Language,
        limits: &Limits,
        purpose: Purpose<'_>,
    ) -> Result<inline_runtime::ContainerSpec> {
        let blueprint = Blueprint {
            instance: &inner.instance,
            owner: &self.owner,
            language,
            image: self.image(inner, language),
            limits,
            workspace: self.workspace.mount(),
            user: inner.user,
        };
        blueprint.spec(purpose, &inner.containers.runtime().capabilities())
    }

    /// Checks that there is room for a run, and writes the files that come with it.
    pub(super) async fn furnish(&self, program: &Program, lock: &OwnerLock) -> Result<()> {
        self.check_quota().await?;
        if program.files.is_empty() {
            return Ok(());
        }
        let _writing = lock.writing.lock().await;
        for file in &program.files {
            let path = self.directory.join(&file.path)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.is_root()) {
                self.workspace.make_directory(&parent).await?;
            }
            self.workspace.write(&path, file.content.clone()).await?;
        }
        Ok(())
    }

    /// Returns whether no byte is left: a program that is not allowed to write beyond that, and says so, ends there.
    pub(super) async fn is_full(&self) -> bool {
        let mut quota = self.workspace.quota();
        quota.bytes = quota.bytes.saturating_sub(1);
        !matches!(self.workspace.exceeds(&quota).await, Ok(None))
    }

    pub(super) async fn check_quota(&self) -> Result<()> {
        let quota = self.workspace.quota();
        let Some(used) = self.workspace.exceeds(&quota).await? else {
            return Ok(());
        };
        let (what, used, limit) = if used.bytes > quota.bytes {
            ("bytes", used.bytes, quota.bytes)
        } else {
            ("files", used.files, quota.files)
        };
        Err(SandboxError::QuotaExceeded { what, used, limit })
    }
}

/// Returns what a workspace may hold.
pub(super) fn quota(limits: &Limits) -> Quota {
    Quota {
        bytes: limits.workspace_bytes,
        files: limits.workspace_files,
    }
}

/// Checks that an owner is somebody, and not the service itself.
pub(super) fn check_owner(owner: &Owner) -> Result<()> {
    if [ONCE, CACHE].contains(&owner.kind()) {
        let why = "the service keeps this kind for itself";
        return Err(SandboxError::InvalidOwner {
            owner: owner.to_string(),
            why,
        });
    }
    Ok(())
}
