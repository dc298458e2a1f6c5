//! What a workspace holds, and what it may.

use std::collections::HashSet;
use std::io;

use rustix::fs::FileType;

use super::Workspace;
use super::blocking::blocking;
use super::root::Root;
use super::walk::{Step, Walked, walk};
use crate::{Result, SandboxError};

/// The unit in which a filesystem counts what is allocated.
const BLOCK_BYTES: u64 = 512;
/// What most filesystems allocate for the least of files.
const PAGE_BYTES: u64 = 4_096;
/// How often a count begins again because directories were moved about meanwhile.
const MAX_ATTEMPTS: usize = 3;

/// Says how much a workspace may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The most bytes that may be allocated on the filesystem.
    pub bytes: u64,
    /// The most files, directories and other names.
    pub files: u64,
}

/// Says how much a workspace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The bytes that are allocated on the filesystem, directories included; a file with several names counts once.
    pub bytes: u64,
    /// The bytes that reading every file would give, which is more than `bytes` for sparse files and for several names.
    pub apparent_bytes: u64,
    /// The names: files, directories, links and the rest.
    pub files: u64,
}

impl Usage {
    /// Returns whether this is more than `quota` allows.
    pub fn exceeds(&self, quota: &Quota) -> bool {
        self.bytes > quota.bytes || self.files > quota.files
    }
}

impl Workspace {
    /// Counts what the workspace holds: about 20 ms for 10,000 files.
    ///
    /// Files that were removed and are still open in a process are not seen.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`] if the operating system refuses, or if a program moves directories about so that no count
    ///   comes out.
    pub async fn usage(&self) -> Result<Usage> {
        self.counted(Quota {
            bytes: u64::MAX,
            files: u64::MAX,
        })
        .await
    }

    /// Returns what was counted of the workspace if it is more than `quota`, which may be narrower than the workspace's own.
    ///
    /// The count ends as soon as it is certain; so what comes back is a lower bound. Meant to be called every second while
    /// a program runs.
    ///
    /// # Errors
    ///
    /// - As for [`usage`](Self::usage). A program that makes the count fail again and again is best stopped as well.
    pub async fn exceeds(&self, quota: &Quota) -> Result<Option<Usage>> {
        let quota = *quota;
        Ok(Some(self.counted(quota).await?).filter(|usage| usage.exceeds(&quota)))
    }

    async fn counted(&self, limit: Quota) -> Result<Usage> {
        let root = self.root();
        blocking(move || root.count(limit)).await
    }
}

impl Root {
    /// Counts what there is until it is more than `limit`.
    fn count(&self, limit: Quota) -> Result<Usage> {
        for _ in 0..MAX_ATTEMPTS {
            let mut usage = Usage::default();
            let mut seen = HashSet::new();
            let walked = walk(&self.files, |found| {
                let stat = found.stat;
                usage.files += 1;
                if found.file_type() == FileType::RegularFile {
                    usage.apparent_bytes = usage
                        .apparent_bytes
                        .saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
                }
                // Directories have several links by nature.
                let several = stat.st_nlink > 1 && found.file_type() != FileType::Directory;
                if !several || seen.insert((stat.st_dev, stat.st_ino)) {
                    usage.bytes = usage.bytes.saturating_add(allocated_bytes(stat));
                }
                Ok(if usage.exceeds(&limit) { Step::Stop } else { Step::Into })
            })?;
            if walked != Walked::Moved {
                return Ok(usage);
            }
        }
        let source = io::Error::other("directories are moved faster than they can be counted");
        Err(SandboxError::Io {
            operation: "counting a workspace",
            source,
        })
    }

    /// Checks that the workspace's quota has room for `bytes` in `files` new names; returns the bytes that are left then.
    pub(super) fn check_room(&self, bytes: u64, files: u64) -> Result<u64> {
        let quota = self.quota;
        let used = self.count(Quota {
            bytes: quota.bytes.saturating_sub(bytes),
            files: quota.files.saturating_sub(files),
        })?;
        let over = |what, used: u64, limit| Err(SandboxError::QuotaExceeded { what, used, limit });
        let (bytes, files) = (used.bytes.saturating_add(bytes), used.files.saturating_add(files));
        if bytes > quota.bytes {
            return over("bytes", bytes, quota.bytes);
        }
        if files > quota.files {
            return over("files", files, quota.files);
        }
        Ok(quota.bytes - bytes)
    }
}

/// Returns what the filesystem holds for `stat`.
fn allocated_bytes(stat: &rustix::fs::Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK_BYTES)
}

/// Returns what a filesystem will most likely allocate for `len` bytes.
pub(super) fn to_be_allocated(len: u64) -> u64 {
    len.checked_next_multiple_of(PAGE_BYTES).unwrap_or(u64::MAX)
}
