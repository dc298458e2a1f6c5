//! The root filesystem: the host's own programs, or a directory that is never written to.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, UnmountFlags};

use super::mounts::{self, HARMLESS, Mount};
use super::{Parts, host_image};
use crate::wire::{Failure, RootFilesystem, Step};

/// Where the root is put together: the first that is there. What it holds is hidden by then, and not used any more.
const PLACES: [&str; 4] = ["/tmp", "/run", "/var", "/usr"];
/// What the parts of a root that cannot be written to take: names, and files of a few lines.
const READ_ONLY_BYTES: u64 = 1 << 20;

/// Puts the root together, so that all of `targets` are there; returns it as it stands at its place.
pub(super) fn assemble(parts: &Parts, targets: &[&str]) -> Result<OwnedFd, Failure> {
    match &parts.launch.root {
        RootFilesystem::Host { extra } => {
            let contents = host_image::contents(extra, parts.launch.host_network)?;
            let (_, root) = scratch(parts)?;
            host_image::fill(root.as_fd(), contents, parts.launch.users)?;
            Ok(root)
        }
        RootFilesystem::Directory(path) => directory(parts, path, targets),
    }
}

/// Makes this root the one of all processes of the namespace that have the host's, and leaves the host's behind.
pub(super) fn enter(root: &OwnedFd) -> Result<(), Failure> {
    let pivot = || -> Result<(), Errno> {
        rustix::process::fchdir(root)?;
        rustix::process::pivot_root(".", ".")?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")
    };
    pivot().map_err(Step::Root.at("pivot"))
}

fn directory(parts: &Parts, path: &Path, targets: &[&str]) -> Result<OwnedFd, Failure> {
    let subject = || path.display().to_string();
    let image = Mount::of(path).map_err(Step::Root.at(subject()))?;
    image
        .restrict(HARMLESS | MountAttrFlags::MOUNT_ATTR_RDONLY)
        .map_err(Step::Root.at(subject()))?;
    if let Some(owner) = &parts.root_owner
        && let Err(error) = image.map_owners(owner.as_fd())
        // Files whose owners cannot be mapped can be read all the same.
        && !parts.launch.readonly_rootfs
    {
        return Err(Step::Idmap.at(subject())(error));
    }
    let is_complete = targets.iter().all(|target| image.has(target));
    let (place, scratch) = scratch(parts)?;
    let make = |name: &str| mounts::make_directory(scratch.as_fd(), name).map_err(Step::Root.at(name));
    if is_complete && parts.launch.readonly_rootfs {
        let target = make("root")?;
        return image.attach_and_open(target.as_fd()).map_err(Step::Root.at(subject()));
    }
    let upper = make("upper")?;
    make("work")?;
    like(&image, &upper, parts).map_err(Step::Root.at("upper"))?;
    image.attach(make("lower")?.as_fd()).map_err(Step::Root.at(subject()))?;
    let overlay = overlay(place, !parts.launch.users.is_privileged()).map_err(Step::Root.at("overlay"))?;
    overlay
        .attach_and_open(make("root")?.as_fd())
        .map_err(Step::Root.at("overlay"))
}

/// The writable layer's root is the one that is seen, so it looks as the image's does.
fn like(image: &Mount, upper: &OwnedFd, parts: &Parts) -> io::Result<()> {
    let status = rustix::fs::statat(image.root(), "", AtFlags::EMPTY_PATH)?;
    let upper = rustix::fs::openat(upper, ".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::fs::fchmod(&upper, Mode::from_raw_mode(status.st_mode & 0o777))?;
    let users = parts.launch.users;
    if users.is_privileged() {
        rustix::fs::fchown(
            &upper,
            Some(Uid::from_raw(users.host_uid)),
            Some(Gid::from_raw(users.host_gid)),
        )?;
    }
    Ok(())
}

fn overlay(place: &str, in_user_namespace: bool) -> io::Result<Mount> {
    let at = |name| format!("{place}/{name}");
    let (lower, upper, work) = (at("lower"), at("upper"), at("work"));
    let mut options = vec![
        ("lowerdir", lower.as_str()),
        ("upperdir", upper.as_str()),
        ("workdir", work.as_str()),
    ];
    if in_user_namespace {
        options.push(("userxattr", ""));
    }
    Mount::new("overlay", &options, HARMLESS)
}

/// Mounts an empty filesystem to put the root together in; returns its path, and itself.
fn scratch(parts: &Parts) -> Result<(&'static str, OwnedFd), Failure> {
    let size = if parts.launch.readonly_rootfs {
        READ_ONLY_BYTES
    } else {
        parts.launch.root_size
    };
    let (size, uid, gid) = (
        size.to_string(),
        parts.launch.users.host_uid.to_string(),
        parts.launch.users.host_gid.to_string(),
    );
    let mut options = vec![("size", size.as_str()), ("mode", "0755")];
    if parts.launch.users.is_privileged() && !parts.launch.readonly_rootfs {
        options.extend([("uid", uid.as_str()), ("gid", gid.as_str())]);
    }
    let scratch = Mount::new("tmpfs", &options, HARMLESS).map_err(no_scratch)?;
    let (place, target) = PLACES
        .iter()
        .find_map(|place| {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Some((*place, rustix::fs::open(*place, flags, Mode::empty()).ok()?))
        })
        .ok_or(Errno::NOENT)
        .map_err(no_scratch)?;
    let root = scratch.attach_and_open(target.as_fd()).map_err(no_scratch)?;
    Ok((place, root))
}

fn no_scratch(error: impl Into<io::Error>) -> Failure {
    Step::Root.at("scratch")(error)
}
