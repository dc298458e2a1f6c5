//! The files of one owner, as a person walks about in them.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::locks::OwnerLock;
use super::room::check_owner;
use super::{Inner, SandboxService};
use crate::{Chunk, Download, Entry, Export, ExportLimits, Owner, Page, Result, Workspace, WorkspacePath};

/// Reaches the files of one owner from the current directory, in which the owner's programs run, too.
///
/// Paths are as a person types them: from the current directory, or from the workspace with `/workspace/…`; none leads out.
/// Writers of one owner take turns, so that together they stay within the quota.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
    owner: Owner,
    workspace: Workspace,
    directory: WorkspacePath,
    lock: Arc<OwnerLock>,
}

impl SandboxService {
    /// Returns the files of `owner`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`](crate::SandboxError::NotFound) if the owner has no sandbox.
    /// - [`SandboxError::Store`](crate::SandboxError::Store), [`SandboxError::Io`](crate::SandboxError::Io).
    pub async fn files(&self, owner: &Owner) -> Result<Files> {
        check_owner(owner)?;
        let lock = self.inner.locks.of(owner);
        let present = lock.presence.read().await;
        let sandbox = self.inner.store.sandbox(owner).await?;
        let workspace = self.inner.workspace(owner).await?;
        self.inner.store.touch_sandbox(owner, SystemTime::now()).await?;
        drop(present);
        Ok(Files {
            inner: Arc::clone(&self.inner),
            owner: owner.clone(),
            workspace,
            directory: sandbox.current_dir.parse().unwrap_or_else(|_| WorkspacePath::root()),
            lock,
        })
    }
}

impl Files {
    /// Returns the current directory.
    pub fn directory(&self) -> &WorkspacePath {
        &self.directory
    }

    /// Returns the files themselves, by paths from the workspace; whoever writes through it takes no turns.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Returns what a person `typed` means.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidPath`](crate::SandboxError::InvalidPath) if it leads out of the workspace.
    pub fn resolve(&self, typed: &str) -> Result<WorkspacePath> {
        self.directory.join(typed)
    }

    /// Makes `typed` the current directory, also for the runs to come.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`](crate::SandboxError::NotFound),
    ///   [`SandboxError::InvalidPath`](crate::SandboxError::InvalidPath) if it is no directory of the workspace.
    /// - [`SandboxError::Store`](crate::SandboxError::Store).
    pub async fn change_directory(&mut self, typed: &str) -> Result<()> {
        let directory = self.workspace.change_directory(&self.directory, typed).await?;
        let text = if directory.is_root() {
            String::new()
        } else {
            directory.to_string()
        };
        self.inner.store.set_current_dir(&self.owner, &text).await?;
        self.directory = directory;
        Ok(())
    }

    /// Lists a directory, see [`Workspace::list`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn list(&self, typed: &str, offset: usize, limit: usize) -> Result<Page> {
        self.workspace.list(&self.resolve(typed)?, offset, limit).await
    }

    /// Describes one name, see [`Workspace::entry`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn entry(&self, typed: &str) -> Result<Entry> {
        self.workspace.entry(&self.resolve(typed)?).await
    }

    /// Reads a part of a file, see [`Workspace::read`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn read(&self, typed: &str, offset: u64, max_bytes: usize) -> Result<Chunk> {
        self.workspace.read(&self.resolve(typed)?, offset, max_bytes).await
    }

    /// Opens a file to be sent, see [`Workspace::download`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn download(&self, typed: &str, max_bytes: u64) -> Result<Download> {
        self.workspace.download(&self.resolve(typed)?, max_bytes).await
    }

    /// Writes a file, see [`Workspace::write`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn write(&self, typed: &str, content: impl Into<Bytes>) -> Result<()> {
        let path = self.resolve(typed)?;
        let _turn = self.lock.writing.lock().await;
        self.workspace.write(&path, content).await
    }

    /// Appends to a file, see [`Workspace::append`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn append(&self, typed: &str, content: impl Into<Bytes>) -> Result<()> {
        let path = self.resolve(typed)?;
        let _turn = self.lock.writing.lock().await;
        self.workspace.append(&path, content).await
    }

    /// Receives a file, see [`Workspace::upload`]; whoever sends slowly does not keep others from writing.
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn upload(
        &self,
        typed: &str,
        reader: &mut (impl AsyncRead + Unpin + Send + ?Sized),
        max_bytes: u64,
    ) -> Result<u64> {
        self.workspace.upload(&self.resolve(typed)?, reader, max_bytes).await
    }

    /// Removes a file or a directory, see [`Workspace::remove`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn remove(&self, typed: &str, recursive: bool) -> Result<()> {
        self.workspace.remove(&self.resolve(typed)?, recursive).await
    }

    /// Renames or moves, see [`Workspace::rename`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn rename(&self, from: &str, to: &str, replace: bool) -> Result<()> {
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        let _turn = self.lock.writing.lock().await;
        self.workspace.rename(&from, &to, replace).await
    }

    /// Makes a directory with those above it, see [`Workspace::make_directory`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn make_directory(&self, typed: &str) -> Result<()> {
        let path = self.resolve(typed)?;
        let _turn = self.lock.writing.lock().await;
        self.workspace.make_directory(&path).await
    }

    /// Packs a file or a directory, see [`Workspace::export`].
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn export(
        &self,
        typed: &str,
        limits: ExportLimits,
        writer: &mut (impl AsyncWrite + Unpin + Send + ?Sized),
    ) -> Result<Export> {
        self.workspace.export(&self.resolve(typed)?, limits, writer).await
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files")
            .field("owner", &self.owner)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
