//! Directories that belong to a process while it lives.
//!
//! The kernel lets go of a lock however its process ends, so what is not locked is in nobody's use.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

const ATTEMPTS: usize = 8;

/// Locks a directory with others who use it; `None` if it is not there or about to be removed.
pub(super) fn shared(directory: &Path) -> io::Result<Option<File>> {
    take(directory, FlockOperation::NonBlockingLockShared)
}

/// Locks a directory against all others; `None` if it is not there or in use.
pub(super) fn exclusive(directory: &Path) -> io::Result<Option<File>> {
    take(directory, FlockOperation::NonBlockingLockExclusive)
}

fn take(directory: &Path, operation: FlockOperation) -> io::Result<Option<File>> {
    let opened = match File::open(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    match flock(&opened, operation) {
        // It may have been moved away between the two.
        Ok(()) => Ok(is_same(directory, &opened).then_some(opened)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_same(directory: &Path, opened: &File) -> bool {
    match (fs::metadata(directory), opened.metadata()) {
        (Ok(named), Ok(held)) => (named.dev(), named.ino()) == (held.dev(), held.ino()),
        _ => false,
    }
}

/// A directory that is being worked in; dropping it removes it.
#[derive(Debug)]
pub(super) struct Work {
    directory: PathBuf,
    _lock: File,
}

impl Work {
    /// Makes one with a random name.
    pub(super) fn make(parent: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let directory = parent.join(format!("{:016x}", getrandom::u64().map_err(io::Error::other)?));
            fs::create_dir(&directory)?;
            // Another process may take it for left behind before it is locked.
            if let Some(lock) = exclusive(&directory)? {
                return Ok(Self { directory, _lock: lock });
            }
        }
        Err(io::Error::other(
            "other processes removed every directory that was made",
        ))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, directory = %self.directory.display(), "a directory remains until the next collection");
            }
            _ => {}
        }
    }
}
