//! Looking: what a directory holds, and where a typed path leads.

use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Stat};

use super::blocking::blocking;
use super::root::{Root, refused};
use super::{Workspace, WorkspacePath, directory};
use crate::Result;

/// The most names of one directory that are looked at, so that a listing takes neither long nor much memory.
pub const MAX_LISTED: usize = 100_000;
/// The most entries of one page.
pub const MAX_PAGE: usize = 1_000;

/// Describes one name in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Where it is; its [`Display`](std::fmt::Display) can be typed, whatever bytes the name has.
    pub path: WorkspacePath,
    /// What it is; links are not followed.
    pub kind: EntryKind,
    /// The bytes that reading it would give.
    pub size: u64,
    /// When its content last changed; the user's code can set this to any time.
    pub modified: Option<SystemTime>,
}

/// Says what a name in a workspace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file, the only kind that is read and written.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it may lead.
    Symlink,
    /// A FIFO, a socket or a device.
    Special,
}

/// Holds a part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The entries, sorted by the bytes of their names.
    pub entries: Vec<Entry>,
    /// How many names the directory holds, at most [`MAX_LISTED`].
    pub total: usize,
    /// Whether there are more than [`MAX_LISTED`], of which the rest cannot be listed.
    pub incomplete: bool,
}

impl Workspace {
    /// Returns the page of the directory `path` that begins at the entry `offset`, with at most `limit` entries
    /// ([`MAX_PAGE`] if that is less).
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`](crate::SandboxError::NotFound) and
    ///   [`SandboxError::InvalidPath`](crate::SandboxError::InvalidPath) if there is no such directory in the workspace.
    pub async fn list(&self, path: &WorkspacePath, offset: usize, limit: usize) -> Result<Page> {
        let (root, path) = (self.root(), path.clone());
        blocking(move || root.list(&path, offset, limit.min(MAX_PAGE))).await
    }

    /// Describes what `path` names, without following a link that it may be.
    ///
    /// # Errors
    ///
    /// - As for [`list`](Self::list).
    pub async fn entry(&self, path: &WorkspacePath) -> Result<Entry> {
        let (root, path) = (self.root(), path.clone());
        blocking(move || {
            let stat = if path.is_root() {
                rustix::fs::fstat(&root.files)
            } else {
                let (parent, name) = root.parent(&path)?;
                rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW)
            };
            let stat = stat.map_err(|error| refused(&path, error.into()))?;
            Ok(Entry::new(path, &stat))
        })
        .await
    }

    /// Resolves the directory that a person `typed` in the directory `current`.
    ///
    /// # Errors
    ///
    /// - As for [`list`](Self::list).
    pub async fn change_directory(&self, current: &WorkspacePath, typed: &str) -> Result<WorkspacePath> {
        let (root, path) = (self.root(), current.join(typed)?);
        blocking(move || root.directory(&path).map(|_| path)).await
    }
}

impl Root {
    fn list(&self, path: &WorkspacePath, offset: usize, limit: usize) -> Result<Page> {
        let failed = |error: rustix::io::Errno| refused(path, error.into());
        let directory = self.directory(path)?;
        let listed = directory::entries(&directory).map_err(|error| refused(path, error))?;
        let mut names = Vec::new();
        let mut incomplete = false;
        for entry in listed {
            let entry = entry.map_err(failed)?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            if names.len() == MAX_LISTED {
                incomplete = true;
                break;
            }
            names.push(entry.file_name().to_owned());
        }
        names.sort_unstable();
        let total = names.len();
        let page = names.iter().skip(offset).take(limit).filter_map(|name| {
            // What is gone since is left out.
            let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            Some(Entry::new(path.descendant(name.to_bytes())?, &stat))
        });
        Ok(Page {
            entries: page.collect(),
            total,
            incomplete,
        })
    }
}

impl Entry {
    fn new(path: WorkspacePath, stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Symlink,
            _ => EntryKind::Special,
        };
        Self {
            path,
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: modified(stat),
        }
    }
}

/// Returns when the content last changed; `None` for a time before 1970 or beyond what the platform can hold.
pub(super) fn modified(stat: &Stat) -> Option<SystemTime> {
    let seconds = u64::try_from(stat.st_mtime).ok()?;
    let nanos = u32::try_from(stat.st_mtime_nsec).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}
