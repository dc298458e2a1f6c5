//! A file that is whole before anybody sees it.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, RenameFlags};

use super::WorkspacePath;
use super::root::{Root, refused};
use super::usage::to_be_allocated;
use crate::{Result, SandboxError};

/// The permissions of a file that is new: anybody in the container may read it.
const NEW_FILE: Mode = Mode::from_raw_mode(0o644);

/// A new file outside the workspace that takes its place with one rename, or is gone if it never does.
#[derive(Debug)]
pub(super) struct Staged {
    root: Arc<Root>,
    name: CString,
    file: Arc<File>,
    placed: bool,
}

impl Staged {
    pub(super) fn create(root: Arc<Root>) -> Result<Self> {
        let (name, file) = root.trash.create_file().map_err(SandboxError::io("creating a file"))?;
        Ok(Self {
            root,
            name,
            file: Arc::new(file),
            placed: false,
        })
    }

    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Puts the file at `path`, if the quota has room for it; what is there is replaced if `replace` says so.
    pub(super) fn place(mut self, path: &WorkspacePath, replace: bool) -> Result<()> {
        let failed = |error: rustix::io::Errno| refused(path, error.into());
        let (parent, name) = self.root.parent(path)?;
        let present = rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW);
        let len = rustix::fs::fstat(&*self.file).map_err(failed)?.st_size;
        self.root.check_room(
            to_be_allocated(u64::try_from(len).unwrap_or(0)),
            u64::from(present.is_err()),
        )?;
        // A script that is replaced stays one that can be run.
        let mode = match present {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Mode::from_raw_mode(stat.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO)
            }
            _ => NEW_FILE,
        };
        self.root.give_away(&*self.file).map_err(|error| refused(path, error))?;
        rustix::fs::fchmod(&*self.file, mode).map_err(failed)?;
        rename(self.root.trash.directory(), &self.name, &parent, &name, replace).map_err(failed)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now, the next sweep removes.
            let _ = rustix::fs::unlinkat(self.root.trash.directory(), &self.name, AtFlags::empty());
        }
    }
}

/// Renames single names of open directories; fails with `EXIST` rather than to replace, unless `replace` is set.
pub(super) fn rename(
    from: impl AsFd,
    from_name: &CStr,
    to: impl AsFd,
    to_name: &CStr,
    replace: bool,
) -> rustix::io::Result<()> {
    let flags = if replace {
        RenameFlags::empty()
    } else {
        RenameFlags::NOREPLACE
    };
    rustix::fs::renameat_with(from, from_name, to, to_name, flags)
}
