//! One workspace as the operating system has it: every path is resolved here and nowhere else.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{FileType, Gid, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::trash::Trash;
use super::workspaces::HostUser;
use super::{Quota, WorkspacePath};
use crate::{Result, SandboxError};

/// The directory of one workspace and what its operations need.
#[derive(Debug)]
pub(super) struct Root {
    /// The directory that is mounted. `cap-std` keeps every path below it, whatever links the user's code makes meanwhile.
    pub(super) files: Dir,
    pub(super) trash: Arc<Trash>,
    /// The host path of `files`.
    pub(super) source: String,
    pub(super) user: HostUser,
    pub(super) quota: Quota,
}

impl Root {
    /// Opens a directory, through links inside the workspace.
    pub(super) fn directory(&self, path: &WorkspacePath) -> Result<Dir> {
        self.files
            .open_dir(path.as_path())
            .map_err(|error| refused(path, error))
    }

    /// Opens the directory that holds `path`, and returns it with the last name.
    pub(super) fn parent(&self, path: &WorkspacePath) -> Result<(Dir, CString)> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Err(invalid(path, "it is the root of the workspace"));
        };
        let name = CString::new(name.as_bytes()).map_err(|_| invalid(path, "it holds a NUL"))?;
        Ok((self.directory(&parent)?, name))
    }

    /// Opens a regular file to read, through links inside the workspace.
    pub(super) fn open_to_read(&self, path: &WorkspacePath) -> Result<(File, Stat)> {
        self.open(path, OpenOptions::new().read(true))
    }

    /// Opens a regular file to append to, through links inside the workspace.
    pub(super) fn open_to_append(&self, path: &WorkspacePath) -> Result<(File, Stat)> {
        self.open(path, OpenOptions::new().append(true))
    }

    fn open(&self, path: &WorkspacePath, options: &mut OpenOptions) -> Result<(File, Stat)> {
        // A device can do something when it is opened, so it is looked at first. Between the look and the opening it can
        // be swapped; then not waiting for the other end of a FIFO and the second look are what counts.
        let metadata = self
            .files
            .metadata(path.as_path())
            .map_err(|error| refused(path, error))?;
        if !metadata.is_file() {
            return Err(invalid(
                path,
                if metadata.is_dir() {
                    "it is a directory"
                } else {
                    "it is not a regular file"
                },
            ));
        }
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let file = self.files.open_with(path.as_path(), options.custom_flags(flags));
        let file = file.map_err(|error| refused(path, error))?.into_std();
        let stat = rustix::fs::fstat(&file).map_err(|error| refused(path, error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(invalid(path, "it is not a regular file"));
        }
        Ok((file, stat))
    }

    /// Makes `file` the container user's, where it is not by nature.
    pub(super) fn give_away(&self, file: impl std::os::fd::AsFd) -> io::Result<()> {
        if rustix::process::geteuid().is_root() {
            rustix::fs::fchown(
                file,
                Some(Uid::from_raw(self.user.uid)),
                Some(Gid::from_raw(self.user.gid)),
            )?;
        }
        Ok(())
    }
}

/// Says why `path` cannot be used.
pub(super) fn invalid(path: &WorkspacePath, why: &str) -> SandboxError {
    SandboxError::InvalidPath {
        path: path.to_string(),
        why: why.to_owned(),
    }
}

/// Says what an operation on `path` met, in the user's words where it is the user's doing.
pub(super) fn refused(path: &WorkspacePath, error: io::Error) -> SandboxError {
    let name = || path.to_string();
    match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => SandboxError::NotFound {
            what: "file",
            name: name(),
        },
        Some(Errno::EXIST) => SandboxError::AlreadyExists {
            what: "file",
            name: name(),
        },
        Some(Errno::ACCESS | Errno::PERM) => invalid(path, "its permissions do not allow it"),
        Some(Errno::LOOP) => invalid(path, "there are too many symbolic links on the way"),
        Some(Errno::NOTDIR) => invalid(path, "it, or a part of it, is not a directory"),
        Some(Errno::ISDIR) => invalid(path, "it is a directory"),
        Some(Errno::NOTEMPTY) => invalid(path, "the directory is not empty"),
        Some(Errno::NAMETOOLONG) => invalid(path, "it is too long"),
        Some(Errno::NXIO) => invalid(path, "it is not a regular file"),
        Some(Errno::XDEV) => invalid(path, "it leads out of the workspace"),
        // `cap-std` tells an escape by an error of its own, without a number.
        None if error.kind() == io::ErrorKind::PermissionDenied => invalid(path, "it leads out of the workspace"),
        _ => SandboxError::Io {
            operation: "access to a workspace",
            source: error,
        },
    }
}
