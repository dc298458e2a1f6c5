//! The directory for what is not part of a workspace yet, or no longer.
//!
//! Files are written here and then moved to their place; trees are moved here and then removed. A process that is killed
//! in between leaves either whole files in the workspace or something here, which the next sweep removes.

use std::ffi::{CStr, CString};
use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::directory::{self, Need};

/// How often a directory is emptied again because somebody still put things into it.
const MAX_PASSES: usize = 64;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A directory on the filesystem of the workspaces that no container sees.
#[derive(Debug)]
pub(super) struct Trash {
    directory: OwnedFd,
}

impl Trash {
    pub(super) fn new(directory: OwnedFd) -> Self {
        Self { directory }
    }

    /// Returns the directory itself.
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Creates an empty file, readable by its owner alone, that a sweep leaves alone as long as it is open.
    pub(super) fn create_file(&self) -> io::Result<(CString, File)> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = unique_name();
            let file = match rustix::fs::openat(&self.directory, name.as_c_str(), flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => File::from(file),
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            };
            file.lock()?;
            // A sweep can come between the creation and the lock.
            if rustix::fs::fstat(&file)?.st_nlink > 0 {
                return Ok((name, file));
            }
        }
    }

    /// Takes the name `name` out of `parent` at once, then removes all that it held.
    pub(super) fn remove(&self, parent: impl AsFd, name: &CStr) -> io::Result<()> {
        let aside = self.move_here(parent.as_fd(), name)?;
        self.remove_aside(aside)
    }

    /// Removes what is left over from other processes; returns how many things those were.
    pub(super) fn purge(&self) -> io::Result<u64> {
        let mut purged = 0;
        for _ in 0..MAX_PASSES {
            let mut progress = 0;
            for name in self.names()? {
                let stat = match rustix::fs::statat(&self.directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => stat,
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(error.into()),
                };
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile if self.is_in_use(&name)? => continue,
                    _ => self.remove_aside(name)?,
                }
                progress += 1;
            }
            purged += progress;
            if progress == 0 {
                break;
            }
        }
        Ok(purged)
    }

    fn names(&self) -> io::Result<Vec<CString>> {
        let mut names = Vec::new();
        for entry in directory::entries(&self.directory)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push(entry.file_name().to_owned());
            }
        }
        Ok(names)
    }

    /// Returns whether the process that writes the file `name` is alive.
    fn is_in_use(&self, name: &CStr) -> io::Result<bool> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            // Gone, or a file out of a workspace that its owner closed; those being written are open to this user.
            Err(Errno::NOENT | Errno::ACCESS) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn move_here(&self, parent: BorrowedFd<'_>, name: &CStr) -> io::Result<CString> {
        let aside = unique_name();
        let renamed = match rustix::fs::renameat(parent, name, &self.directory, &aside) {
            // To give a directory another parent is to write to it.
            Err(Errno::ACCESS) => {
                directory::unlock(parent, name, Need::Write)?;
                rustix::fs::renameat(parent, name, &self.directory, &aside)
            }
            renamed => renamed,
        };
        Ok(renamed.map(|()| aside)?)
    }

    /// Removes `name` of this directory and all that it holds.
    ///
    /// Directories in it are moved up here first, one by one. So the depth of the tree costs neither stack nor open files,
    /// and no path grows too long.
    fn remove_aside(&self, name: CString) -> io::Result<()> {
        let mut pending = vec![name];
        while let Some(name) = pending.pop() {
            if unlink_file(self.directory(), &name)? {
                continue;
            }
            let mut removed = Err(Errno::NOTEMPTY);
            for _ in 0..MAX_PASSES {
                let Some(directory) = directory::open(&self.directory, &name, Need::Write)? else {
                    removed = Ok(());
                    break;
                };
                self.empty(directory, &mut pending)?;
                removed = rustix::fs::unlinkat(&self.directory, &name, AtFlags::REMOVEDIR);
                // A process may still have the directory as its current one and go on making files there.
                if removed != Err(Errno::NOTEMPTY) {
                    break;
                }
            }
            match removed {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Unlinks the files of `directory` and moves its directories here, onto `pending`.
    fn empty(&self, directory: OwnedFd, pending: &mut Vec<CString>) -> io::Result<()> {
        let mut entries = Dir::new(directory)?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if entry.file_type() != FileType::Directory && unlink_file(entries.fd()?, name)? {
                continue;
            }
            match self.move_here(entries.fd()?, name) {
                Ok(aside) => pending.push(aside),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Unlinks `name`; `false` if it is a directory.
fn unlink_file(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<bool> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::ISDIR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes a name that no other process on this host uses here: the counter is this process's, the time tells it from one
/// that had the same id before or has it in another namespace.
fn unique_name() -> CString {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{}-{}-{count}", std::process::id(), now.tv_sec, now.tv_nsec);
    CString::new(name).unwrap_or_default()
}
