//! Changing the tree: directories, names and what is removed.

use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::blocking::blocking;
use super::directory::{self, Need};
use super::root::{Root, invalid, refused};
use super::staged::rename;
use super::usage::to_be_allocated;
use super::{Workspace, WorkspacePath};
use crate::{Result, SandboxError};

impl Workspace {
    /// Creates the directory `path` and those on the way to it, where they are not there already.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::QuotaExceeded`] if they do not fit.
    /// - [`SandboxError::InvalidPath`] if something else has that name, or the path leads out of the workspace.
    pub async fn make_directory(&self, path: &WorkspacePath) -> Result<()> {
        let (root, path) = (self.root(), path.clone());
        blocking(move || root.make_directory(&path)).await
    }

    /// Gives `from` the name `to`, which may be in another directory; what is there is replaced if `replace` says so.
    ///
    /// Works for anything that has a name; a link is moved itself. A directory replaces an empty one only.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if there is no `from`, or no directory for `to`.
    /// - [`SandboxError::AlreadyExists`] if there is a `to` and `replace` is `false`.
    /// - [`SandboxError::InvalidPath`] if `to` is inside `from`, or either leads out of the workspace.
    pub async fn rename(&self, from: &WorkspacePath, to: &WorkspacePath, replace: bool) -> Result<()> {
        let (root, from, to) = (self.root(), from.clone(), to.clone());
        blocking(move || root.rename(&from, &to, replace)).await
    }

    /// Removes `path`: a directory and all in it only if `recursive` is set. A link is removed itself.
    ///
    /// A directory is out of the workspace at once, before what it holds is removed one by one; what a killed process
    /// leaves of it, the sweep of [`Workspaces`](super::Workspaces::purge_trash) removes.
    ///
    /// # Cancellation
    ///
    /// The removal goes on.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if it is not there.
    /// - [`SandboxError::InvalidPath`] if it is a directory and `recursive` is not set, if it is the root, or if it leads
    ///   out of the workspace.
    pub async fn remove(&self, path: &WorkspacePath, recursive: bool) -> Result<()> {
        let (root, path) = (self.root(), path.clone());
        blocking(move || root.remove(&path, recursive)).await
    }
}

impl Root {
    fn make_directory(self: Arc<Self>, path: &WorkspacePath) -> Result<()> {
        let mut missing = Vec::new();
        for ancestor in path.ancestors() {
            match self.directory(&ancestor) {
                Ok(_) => {}
                Err(SandboxError::NotFound { .. }) => missing.push(ancestor),
                Err(error) => return Err(error),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let count = missing.len() as u64;
        self.check_room(to_be_allocated(1).saturating_mul(count), count)?;
        let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
        for directory in missing {
            let (parent, name) = self.parent(&directory)?;
            match rustix::fs::mkdirat(&parent, &name, mode) {
                Ok(()) => self.adopt(&directory, &parent, &name)?,
                // Somebody was faster, or it is a link that leads nowhere, which opening tells.
                Err(Errno::EXIST) => drop(self.directory(&directory)?),
                Err(error) => return Err(refused(&directory, error.into())),
            }
        }
        Ok(())
    }

    fn adopt(&self, path: &WorkspacePath, parent: &cap_std::fs::Dir, name: &std::ffi::CStr) -> Result<()> {
        let opened = directory::open(parent, name, Need::Read);
        let adopted = opened.and_then(|directory| directory.map_or(Ok(()), |directory| self.give_away(directory)));
        adopted.map_err(|error| refused(path, error))
    }

    fn rename(&self, from: &WorkspacePath, to: &WorkspacePath, replace: bool) -> Result<()> {
        let (from_parent, from_name) = self.parent(from)?;
        let (to_parent, to_name) = self.parent(to)?;
        if to != from && to.is_within(from) {
            return Err(invalid(to, "it is inside of what is to be moved"));
        }
        rename(&from_parent, &from_name, &to_parent, &to_name, replace).map_err(|error| match error {
            Errno::NOENT => refused(from, error.into()),
            // Links on the way can hide that one is inside the other.
            Errno::INVAL => invalid(to, "it is inside of what is to be moved"),
            _ => refused(to, error.into()),
        })
    }

    fn remove(&self, path: &WorkspacePath, recursive: bool) -> Result<()> {
        let (parent, name) = self.parent(path)?;
        let failed = |error: Errno| refused(path, error.into());
        let stat = rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return rustix::fs::unlinkat(&parent, &name, AtFlags::empty()).map_err(failed);
        }
        if !recursive {
            return Err(invalid(
                path,
                "it is a directory: ask for it to be removed with all in it",
            ));
        }
        self.trash.remove(&parent, &name).map_err(|error| refused(path, error))
    }
}
