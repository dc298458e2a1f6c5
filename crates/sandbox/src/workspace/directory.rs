//! Opening a directory by its single name, whatever the user's code made of it meanwhile.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::Errno;

/// What the service must be able to do in a directory, in the bits of its owner.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// To list it and look at what it holds.
    Read,
    /// To take out what it holds, or to move it.
    Write,
}

impl Need {
    fn bits(self) -> Mode {
        match self {
            Self::Read => Mode::RUSR | Mode::XUSR,
            Self::Write => Mode::RWXU,
        }
    }
}

/// Opens `directory` again to list it; `cap-std` opens directories for passing through alone.
pub(super) fn entries(directory: impl AsFd) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Dir::new(rustix::fs::openat(directory, c".", flags, Mode::empty())?)?)
}

/// Opens the directory `name` of `parent`; `None` if there is none of that name, or no longer.
///
/// Never follows a link. A directory that its owner has closed with `chmod` is opened up for `need` first, since otherwise
/// a program could hide files from the quota, or leave some that nobody can delete.
pub(super) fn open(parent: impl AsFd, name: &CStr, need: Need) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match rustix::fs::openat(parent.as_fd(), name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            unlock(parent.as_fd(), name, need)?;
            rustix::fs::openat(parent.as_fd(), name, flags, Mode::empty())
        }
        opened => opened,
    };
    let directory = match opened {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&directory)?.st_mode);
    // Root passes permissions by, so that nothing of the user's need be changed.
    if !rustix::process::geteuid().is_root() && !mode.contains(need.bits()) {
        rustix::fs::fchmod(&directory, mode | need.bits())?;
    }
    Ok(Some(directory))
}

/// Gives the owner of the directory `name` what `need` wants; no error if there is no such directory any more.
pub(super) fn unlock(parent: impl AsFd, name: &CStr, need: Need) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode);
    // By its handle: a name could have become a link to somewhere else since.
    rustix::fs::chmod(format!("/proc/self/fd/{}", handle.as_raw_fd()), mode | need.bits())?;
    Ok(())
}
