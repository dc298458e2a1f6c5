//! What a workspace looked like, to find what a run has made of it.

use std::collections::HashMap;
use std::ffi::CStr;

use rustix::fs::{FileType, Stat};

use super::Workspace;
use super::blocking::blocking;
use super::root::Root;
use super::walk::{Found, Step, Walked, walk};
use crate::{Result, SandboxError};

/// The most files of a snapshot, which takes about 150 bytes of memory for each.
pub const MAX_SNAPSHOT_FILES: usize = 200_000;
/// How often the walk begins again because directories were moved about meanwhile.
const MAX_ATTEMPTS: usize = 3;

/// What packages and tools put into a workspace: never what a user wants to be shown after a run.
const IGNORED: [&CStr; 11] = [
    c".site-packages",
    c"node_modules",
    c"__pycache__",
    c".cache",
    c".config",
    c".git",
    c".ipynb_checkpoints",
    c".local",
    c".mypy_cache",
    c".npm",
    c".pytest_cache",
];
/// What the names of the service's own files begin with.
const SERVICE_PREFIX: &[u8] = b".inline";

/// Remembers the regular files of a workspace, for [`Workspace::changes_since`].
///
/// Installed packages and caches are not in it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(super) files: HashMap<Box<[u8]>, Fingerprint>,
}

/// Tells a file from the same file with another content.
///
/// A program can set a file's size and time of modification back to what they were, but not the time of the change of its
/// inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) size: u64,
    inode: u64,
    modified: (i128, i128),
    changed: (i128, i128),
}

impl Fingerprint {
    fn new(stat: &Stat) -> Self {
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: stat.st_ino,
            modified: (stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed: (stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        }
    }
}

impl Workspace {
    /// Remembers what files there are now.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::QuotaExceeded`] if there are more than [`MAX_SNAPSHOT_FILES`].
    /// - [`SandboxError::Io`] if the operating system refuses, or if directories are moved about so that nothing comes out.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let root = self.root();
        blocking(move || root.snapshot()).await
    }
}

impl Root {
    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        for _ in 0..MAX_ATTEMPTS {
            let mut files = HashMap::new();
            let walked = walk(&self.files, |found| {
                if is_ignored(found) {
                    return Ok(Step::Past);
                }
                if found.file_type() == FileType::RegularFile && found.path.len() <= super::path::MAX_PATH_BYTES {
                    files.insert(found.path.into(), Fingerprint::new(found.stat));
                }
                Ok(if files.len() > MAX_SNAPSHOT_FILES {
                    Step::Stop
                } else {
                    Step::Into
                })
            })?;
            match walked {
                Walked::Whole => return Ok(Snapshot { files }),
                Walked::Stopped => {
                    let (used, limit) = (files.len() as u64, MAX_SNAPSHOT_FILES as u64);
                    return Err(SandboxError::QuotaExceeded {
                        what: "files",
                        used,
                        limit,
                    });
                }
                Walked::Moved => {}
            }
        }
        let source = std::io::Error::other("directories are moved faster than they can be looked at");
        Err(SandboxError::Io {
            operation: "looking for changed files",
            source,
        })
    }
}

fn is_ignored(found: &Found<'_>) -> bool {
    IGNORED.contains(&found.name) || found.name.to_bytes().starts_with(SERVICE_PREFIX)
}
