//! Mounts that are made aside and put in place by descriptor, so that no path of an image's or a program's making is followed
//! out of the root that is being put together.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};

use crate::sys;

/// What every mount of files has: no device and no setuid bit in it works.
pub(super) const HARMLESS: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A mount that is nowhere yet.
#[derive(Debug)]
pub(super) struct Mount(OwnedFd);

impl Mount {
    /// Takes what is at `path` now, with all that is mounted below it.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Self::at(CWD, path)
    }

    /// Takes what is at `path` below a directory.
    pub(super) fn at(directory: BorrowedFd<'_>, path: &Path) -> io::Result<Self> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        Ok(Self(rustix::mount::open_tree(directory, path, flags)?))
    }

    /// Makes a filesystem.
    pub(super) fn new(kind: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> io::Result<Self> {
        let filesystem = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in options {
            if value.is_empty() {
                rustix::mount::fsconfig_set_flag(filesystem.as_fd(), *key)?;
            } else {
                rustix::mount::fsconfig_set_string(filesystem.as_fd(), *key, *value)?;
            }
        }
        rustix::mount::fsconfig_create(filesystem.as_fd())?;
        Ok(Self(rustix::mount::fsmount(
            filesystem.as_fd(),
            FsMountFlags::FSMOUNT_CLOEXEC,
            attributes,
        )?))
    }

    /// Adds attributes to the mount and those below it.
    pub(super) fn restrict(&self, attributes: MountAttrFlags) -> io::Result<()> {
        sys::set_mount_attributes(self.0.as_fd(), u64::from(attributes.bits()), true, None)
    }

    /// Maps the owners of its files.
    pub(super) fn map_owners(&self, users: BorrowedFd<'_>) -> io::Result<()> {
        sys::set_mount_attributes(self.0.as_fd(), 0, true, Some(users))
    }

    /// Returns whether it is a directory, and not a file.
    pub(super) fn is_directory(&self) -> io::Result<bool> {
        let status = rustix::fs::statat(&self.0, "", AtFlags::EMPTY_PATH)?;
        Ok(FileType::from_raw_mode(status.st_mode) == FileType::Directory)
    }

    /// Returns whether it holds something at `path`, seen as its root.
    pub(super) fn has(&self, path: &str) -> bool {
        open_in(self.0.as_fd(), path).is_ok()
    }

    /// Returns its root.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Puts it in place.
    pub(super) fn attach(self, target: BorrowedFd<'_>) -> io::Result<()> {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        Ok(rustix::mount::move_mount(self.0.as_fd(), "", target, "", flags)?)
    }

    /// Puts it in place and returns its root there.
    pub(super) fn attach_and_open(self, target: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let root = rustix::io::fcntl_dupfd_cloexec(&self.0, 3)?;
        self.attach(target)?;
        Ok(root)
    }
}

/// Makes a mount that is in place already read-only, without those below it.
pub(super) fn make_read_only(root: BorrowedFd<'_>) -> io::Result<()> {
    let read_only = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    sys::set_mount_attributes(root, read_only, false, None)
}

/// Opens a place below `root`, which is what links and `..` cannot lead out of.
pub(super) fn open_in(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    Ok(rustix::fs::openat2(
        root,
        path,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        resolve,
    )?)
}

/// Opens a directory below `root` and makes what is missing of its path.
pub(super) fn make_directory(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    make(root, path, |parent, name| {
        rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))
    })
}

/// Opens a file below `root` and makes an empty one, with the directories above it, if it is missing.
pub(super) fn make_file(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    make(root, path, |parent, name| {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
    })
}

fn make(
    root: BorrowedFd<'_>,
    path: &str,
    make_last: impl Fn(BorrowedFd<'_>, &str) -> Result<(), Errno>,
) -> io::Result<OwnedFd> {
    match open_in(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let path = path.trim_matches('/');
    match path.rsplit_once('/') {
        Some((above, name)) => make_last(make_directory(root, above)?.as_fd(), name)?,
        None => make_last(root, path)?,
    }
    open_in(root, path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn root() -> (tempfile::TempDir, OwnedFd) {
        let directory = tempfile::tempdir().unwrap();
        let root = rustix::fs::open(directory.path(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        (directory, root)
    }

    #[test]
    fn what_is_missing_is_made() {
        let (directory, root) = root();
        make_directory(root.as_fd(), "/a/b/c").unwrap();
        make_file(root.as_fd(), "/a/b/file").unwrap();
        make_directory(root.as_fd(), "/a/b/c").unwrap();
        assert!(directory.path().join("a/b/c").is_dir() && directory.path().join("a/b/file").is_file());
    }

    #[test]
    fn nothing_leads_out_of_the_root() {
        let (outside, _) = root();
        let (directory, root) = root();
        symlink(outside.path(), directory.path().join("absolute")).unwrap();
        symlink("../../../../../../..", directory.path().join("up")).unwrap();
        for path in ["/absolute/made", "/up/made/deep"] {
            // Either the link leads nowhere, or to a place of this name below the root.
            drop(make_directory(root.as_fd(), path));
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(directory.path().join("made/deep").is_dir());
    }
}
