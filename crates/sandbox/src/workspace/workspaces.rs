//! The base directory: the workspaces of all owners.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::blocking::blocking;
use super::directory::{self, Need};
use super::root::Root;
use super::trash::Trash;
use super::{Quota, Workspace, directory_name};
use crate::{Owner, Result, SandboxError};

/// The subdirectory of the owners' directories.
const OWNERS: &std::ffi::CStr = c"owners";
/// The subdirectory for what is on its way in or out; see [`Trash`].
const TRASH: &std::ffi::CStr = c"trash";
/// The directory of an owner that is mounted; a level below the owner's own, which no container can change.
const FILES: &std::ffi::CStr = c"files";

/// Names the user that the container's user is on the host, so that both sides can write to a workspace.
///
/// Rootless engines map users: `keep-id` makes the container's user the service's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostUser {
    /// The user id on the host.
    pub uid: u32,
    /// The group id on the host.
    pub gid: u32,
}

impl HostUser {
    /// Returns the user that this process runs as.
    pub fn current() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }
}

/// Keeps the workspaces of all owners.
///
/// They stand in a directory of the host now. Nothing in this type's methods says so, since volumes of an engine and
/// claims of a cluster are to come: reach files through [`Workspace`] and containers through [`Workspace::mount`].
///
/// Clones are cheap and mean the same workspaces. Several processes may use the same base directory.
#[derive(Clone, Debug)]
pub struct Workspaces {
    base: Arc<Base>,
}

#[derive(Debug)]
struct Base {
    path: PathBuf,
    owners: OwnedFd,
    trash: Arc<Trash>,
    user: HostUser,
}

impl Workspaces {
    /// Opens the base directory `path`, which is created for this user alone if it is not there.
    ///
    /// `user` is given every file that is put into a workspace. That needs root, or `user` is this process's own.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`] if `user` is another user and this process is not root, if `path` is not UTF-8,
    ///   or if somebody else owns the directories in it.
    /// - [`SandboxError::Io`] if the operating system refuses.
    pub async fn open(path: impl Into<PathBuf>, user: HostUser) -> Result<Self> {
        let path = path.into();
        blocking(move || Base::open(&path, user).map(|base| Self { base: Arc::new(base) })).await
    }

    /// Returns the workspace of `owner`, empty if there was none; its own operations keep it within `quota`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`] if the operating system refuses.
    pub async fn workspace(&self, owner: &Owner, quota: Quota) -> Result<Workspace> {
        let (base, owner) = (Arc::clone(&self.base), owner.clone());
        blocking(move || base.workspace(&owner, quota)).await
    }

    /// Returns the owners that have a workspace, in no order.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`] if the operating system refuses.
    pub async fn owners(&self) -> Result<Vec<Owner>> {
        let base = Arc::clone(&self.base);
        blocking(move || base.owners().map_err(SandboxError::io("listing the workspaces"))).await
    }

    /// Deletes the workspace of `owner` with all its files; returns whether there was one.
    ///
    /// It is out of reach at once, before its files are removed one by one: what a killed process leaves of them,
    /// [`purge_trash`](Self::purge_trash) removes. A [`Workspace`] of it that somebody still has is of no use any more.
    ///
    /// # Cancellation
    ///
    /// The removal goes on.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`] if the operating system refuses.
    pub async fn delete(&self, owner: &Owner) -> Result<bool> {
        let (base, name) = (Arc::clone(&self.base), c_string(directory_name::encode(owner)));
        blocking(move || match base.trash.remove(&base.owners, &name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(SandboxError::Io {
                operation: "deleting a workspace",
                source,
            }),
        })
        .await
    }

    /// Removes what killed processes have left behind, and returns how many things that were.
    ///
    /// Call it at start and then from time to time. What this or another living process is writing stays.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`] if the operating system refuses.
    pub async fn purge_trash(&self) -> Result<u64> {
        let base = Arc::clone(&self.base);
        blocking(move || base.trash.purge().map_err(SandboxError::io("emptying the trash"))).await
    }
}

impl Base {
    fn open(path: &Path, user: HostUser) -> Result<Self> {
        let refused = SandboxError::io("opening the base directory of the workspaces");
        let own = HostUser::current();
        if own.uid != 0 && own.uid != user.uid {
            return Err(invalid(format!(
                "user {} cannot give files to user {}: run containers as user {}, or the service as root",
                own.uid, user.uid, own.uid
            )));
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(&refused)?;
        let path = path.canonicalize().map_err(&refused)?;
        if path.to_str().is_none() {
            return Err(invalid(format!(
                "`{}` is not UTF-8, which engines want a mount to be",
                path.display()
            )));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let base = rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| refused(error.into()))?;
        let open = |name: &std::ffi::CStr| {
            let directory = create_directory(&base, name, Mode::RWXU).map_err(&refused)?;
            let stat = rustix::fs::fstat(&directory).map_err(|error| refused(error.into()))?;
            if stat.st_uid == own.uid {
                return Ok(directory);
            }
            Err(invalid(format!(
                "`{}/{}` belongs to user {}",
                path.display(),
                name.to_string_lossy(),
                stat.st_uid
            )))
        };
        let (owners, trash) = (open(OWNERS)?, open(TRASH)?);
        Ok(Self {
            path,
            owners,
            trash: Arc::new(Trash::new(trash)),
            user,
        })
    }

    fn workspace(&self, owner: &Owner, quota: Quota) -> Result<Workspace> {
        let refused = SandboxError::io("opening a workspace");
        let name = directory_name::encode(owner);
        let source = self.path.join("owners").join(&name).join("files");
        let directory = create_directory(&self.owners, &c_string(name), Mode::RWXU).map_err(&refused)?;
        let files = create_directory(&directory, FILES, Mode::RWXU).map_err(&refused)?;
        self.give_away(&files).map_err(&refused)?;
        Ok(Workspace::new(Root {
            files: cap_std::fs::Dir::from_std_file(files.into()),
            trash: Arc::clone(&self.trash),
            source: source.to_string_lossy().into_owned(),
            user: self.user,
            quota,
        }))
    }

    fn give_away(&self, files: &OwnedFd) -> io::Result<()> {
        let stat = rustix::fs::fstat(files)?;
        let needed =
            rustix::process::geteuid().is_root() && (stat.st_uid, stat.st_gid) != (self.user.uid, self.user.gid);
        if needed {
            rustix::fs::fchown(
                files,
                Some(Uid::from_raw(self.user.uid)),
                Some(Gid::from_raw(self.user.gid)),
            )?;
        }
        // The user's code may have closed the root of its own workspace.
        let mode = Mode::from_raw_mode(stat.st_mode);
        if !mode.contains(Mode::RWXU) {
            rustix::fs::fchmod(files, mode | Mode::RWXU)?;
        }
        Ok(())
    }

    fn owners(&self) -> io::Result<Vec<Owner>> {
        let mut owners = Vec::new();
        for entry in directory::entries(&self.owners)? {
            owners.extend(entry?.file_name().to_str().ok().and_then(directory_name::decode));
        }
        Ok(owners)
    }
}

/// Opens the directory `name` of `parent`, which is created with `mode` if it is not there. Never follows a link.
fn create_directory(parent: impl AsFd, name: &std::ffi::CStr, mode: Mode) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(parent.as_fd(), name, mode) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    directory::open(parent, name, Need::Write)?
        .ok_or_else(|| io::Error::other(format!("`{}` is not a directory", name.to_string_lossy())))
}

fn c_string(name: String) -> CString {
    // An encoded name holds no NUL.
    CString::new(name).unwrap_or_default()
}

fn invalid(why: String) -> SandboxError {
    SandboxError::InvalidConfig {
        key: "base_dir".to_owned(),
        why,
    }
}
