//! The base directory: one process at a time, and a name for what belongs to it.

use std::fmt::Write;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{Result, SandboxError};

const LOCK: &str = "lock";
/// How much of the hash is in the name of an instance, in bytes.
const NAME_BYTES: usize = 6;

/// A base directory that this process alone has open.
#[derive(Debug)]
pub(super) struct BaseDirectory {
    path: PathBuf,
    /// The lock ends with it, also where the process is killed.
    _lock: File,
}

impl BaseDirectory {
    /// Creates the directory for this user alone, if it is not there, and takes its lock.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let refused = SandboxError::io("opening the base directory");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(&refused)?;
        let path = path.canonicalize().map_err(&refused)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(&refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(SandboxError::InUse { path }),
            Err(TryLockError::Error(error)) => Err(refused(error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a name made from the path: the same whenever a process opens it, so that each finds what the last has left.
    pub(super) fn instance(&self) -> String {
        let hash = Sha256::digest(self.path.as_os_str().as_bytes());
        format!("inline-{}", hexadecimal(&hash[..NAME_BYTES]))
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_always_the_same_name() {
        let directory = tempfile::tempdir().unwrap();
        let base = BaseDirectory::open(directory.path()).unwrap();
        assert!(matches!(
            BaseDirectory::open(directory.path()),
            Err(SandboxError::InUse { .. })
        ));
        let name = base.instance();
        drop(base);
        assert_eq!(BaseDirectory::open(directory.path()).unwrap().instance(), name);
        assert!(name.starts_with("inline-") && name.len() == 19);
    }
}
