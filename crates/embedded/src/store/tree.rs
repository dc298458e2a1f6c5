//! A file tree that is written without trust in what it holds.
//!
//! Every path is resolved by the kernel inside the tree's root (`openat2` with `RESOLVE_IN_ROOT`): a symlink that an
//! archive has made leads nowhere else, also an absolute one. The last part of a path is never followed.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_OMIT, fchmod, futimens,
    linkat, mkdirat, openat, openat2, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

/// Deeper paths are refused; each level holds a descriptor while a tree is removed.
const MAX_DEPTH: usize = 128;
const MAX_PATH_BYTES: usize = 4096;

/// A tree that one layer after the other is put into.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    /// What the current layer has made or kept: its whiteouts do not count for these.
    made: HashSet<u64>,
}

/// Where the last part of a path is.
struct Place {
    parent: OwnedFd,
    name: OsString,
}

impl Tree {
    /// Opens the directory that is the root.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self {
            root: openat(CWD, root, DIRECTORY, Mode::empty())?,
            made: HashSet::new(),
        })
    }

    /// Begins a layer: what is there now belongs to those below.
    pub(super) fn begin_layer(&mut self) {
        self.made.clear();
    }

    /// Makes a directory, or keeps the one that is there.
    pub(super) fn directory(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let Some(place) = self.place(path)? else {
            return fchmod_of(&self.root, mode | 0o700);
        };
        self.directory_at(place.parent.as_fd(), &place.name)?;
        fchmod_of(&open_directory(place.parent.as_fd(), &place.name)?, mode | 0o700)
    }

    /// Makes an empty file, open for writing.
    pub(super) fn file(&mut self, path: &Path, mode: u32) -> io::Result<File> {
        let place = self.cleared(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&place.parent, &place.name, flags, Mode::from_raw_mode(0o600))?;
        fchmod_of(&file, mode | 0o600)?;
        self.keep(&place)?;
        Ok(File::from(file))
    }

    /// Makes a symlink; where it leads is nobody's concern until it is followed, which is inside the root.
    pub(super) fn symlink(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let place = self.cleared(path)?;
        symlinkat(target, &place.parent, &place.name)?;
        self.keep(&place)
    }

    /// Makes a further name for a file of the tree.
    pub(super) fn hard_link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let old = self.place(target)?.ok_or_else(|| refused("a hard link to the root"))?;
        let kind = FileType::from_raw_mode(statat(&old.parent, &old.name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::Symlink) {
            return Err(refused("a hard link to what is no file"));
        }
        let new = self
            .place(path)?
            .ok_or_else(|| refused("a hard link in place of the root"))?;
        let is_itself = match statat(&new.parent, &new.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => there.st_ino == statat(&old.parent, &old.name, AtFlags::SYMLINK_NOFOLLOW)?.st_ino,
            Err(_) => false,
        };
        if !is_itself {
            remove(new.parent.as_fd(), &new.name)?;
            linkat(&old.parent, &old.name, &new.parent, &new.name, AtFlags::empty())?;
        }
        self.keep(&new)
    }

    /// Removes what layers below have at a path.
    pub(super) fn white_out(&mut self, path: &Path) -> io::Result<()> {
        match self.place(path)? {
            Some(place) => self.remove_below(place.parent.as_fd(), &place.name),
            None => Err(refused("a whiteout of the root")),
        }
    }

    /// Removes what layers below have in a directory.
    pub(super) fn make_opaque(&mut self, path: &Path) -> io::Result<()> {
        let directory = match self.place(path)? {
            Some(place) => open_directory(place.parent.as_fd(), &place.name)?,
            None => open_directory(self.root.as_fd(), OsStr::new("."))?,
        };
        self.clear_below(directory.as_fd())
    }

    /// Removes what is at a path and returns where it was, ready for something new.
    fn cleared(&mut self, path: &Path) -> io::Result<Place> {
        let place = self
            .place(path)?
            .ok_or_else(|| refused("something else in place of the root"))?;
        remove(place.parent.as_fd(), &place.name)?;
        Ok(place)
    }

    /// Resolves all of a path but its last part, making the directories that are missing; `None` is the root itself.
    fn place(&mut self, path: &Path) -> io::Result<Option<Place>> {
        let path = normal(path)?;
        let Some(name) = path.file_name() else {
            return Ok(None);
        };
        let above = path.parent().unwrap_or(Path::new(""));
        let parent = match self.open_inside(above) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_parents(above)?;
                self.open_inside(above)?
            }
            other => other?,
        };
        Ok(Some(Place {
            parent,
            name: name.to_owned(),
        }))
    }

    fn open_inside(&self, path: &Path) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.root, path, DIRECTORY, Mode::empty(), resolve)?)
    }

    fn make_parents(&mut self, path: &Path) -> io::Result<()> {
        let mut made = PathBuf::new();
        for part in path.components() {
            let parent = self.open_inside(&made)?;
            made.push(part);
            if self.open_inside(&made).is_err() {
                self.directory_at(parent.as_fd(), part.as_os_str())?;
            }
        }
        Ok(())
    }

    /// Makes a directory of a name unless one is there; what else has the name goes.
    fn directory_at(&mut self, parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
        let is_there = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) if FileType::from_raw_mode(there.st_mode) == FileType::Directory => true,
            Ok(_) => {
                remove(parent, name)?;
                false
            }
            Err(Errno::NOENT) => false,
            Err(error) => return Err(error.into()),
        };
        if !is_there {
            mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
        }
        let inode = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?.st_ino;
        self.made.insert(inode);
        Ok(())
    }

    fn keep(&mut self, place: &Place) -> io::Result<()> {
        let inode = statat(&place.parent, &place.name, AtFlags::SYMLINK_NOFOLLOW)?.st_ino;
        self.made.insert(inode);
        Ok(())
    }

    fn clear_below(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        for name in names(directory)? {
            self.remove_below(directory, &name)?;
        }
        Ok(())
    }

    /// Removes a name unless this layer has made it; of a directory, what this layer has not made in it.
    fn remove_below(&self, parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
        let there = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            other => other?,
        };
        let is_made = self.made.contains(&there.st_ino);
        if FileType::from_raw_mode(there.st_mode) != FileType::Directory {
            return if is_made {
                Ok(())
            } else {
                Ok(unlinkat(parent, name, AtFlags::empty())?)
            };
        }
        self.clear_below(open_directory(parent, name)?.as_fd())?;
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            _ if is_made => Ok(()),
            Ok(()) | Err(Errno::NOTEMPTY) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Sets the time of the last change, which some interpreters compare with what they have compiled.
pub(super) fn set_modified(file: &File, seconds: u64) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: i64::try_from(seconds).unwrap_or(0),
            tv_nsec: 0,
        },
    };
    Ok(futimens(file, &times)?)
}

/// Takes a path of an archive apart: relative to the root whatever it says, and nowhere upwards.
fn normal(path: &Path) -> io::Result<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(refused("a path with `..`")),
        }
    }
    if normal.components().count() > MAX_DEPTH || normal.as_os_str().len() > MAX_PATH_BYTES {
        return Err(refused("a path of too many parts"));
    }
    Ok(normal)
}

fn open_directory(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?)
}

/// Nothing of an archive lends its owner's rights.
fn fchmod_of(file: &OwnedFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_raw_mode(mode & 0o1777))?)
}

/// Removes whatever has a name, with all that is in it.
fn remove(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {
            let directory = open_directory(parent, name)?;
            for name in names(directory.as_fd())? {
                remove(directory.as_fd(), &name)?;
            }
            Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Says what an archive tried.
pub(super) fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it holds {what}"))
}
