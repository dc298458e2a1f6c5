//! What is mounted into a root: `/proc`, `/dev`, filesystems in memory, directories of the host.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::mount::MountAttrFlags;

use super::mounts::{self, HARMLESS, Mount};
use crate::wire::{Failure, Launch, Step, Tmpfs};

/// The devices that there are.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Files that tell of the host, which read as empty.
const MASKED_FILES: [&str; 12] = [
    "config.gz",
    "kallsyms",
    "kcore",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "sched_debug",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
];
/// Directories that tell of the host, which are empty.
const MASKED_DIRECTORIES: [&str; 4] = ["acpi", "asound", "driver", "scsi"];
/// Directories by which the host is set up, which can only be read.
const READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sys"];
const SMALL: &str = "65536";

/// Everything that comes from the host's own filesystems, taken before any of it is hidden.
pub(super) struct Sources {
    devices: Vec<(&'static str, Mount)>,
    binds: Vec<(String, Mount)>,
}

/// Takes what will be mounted; `owners` maps the owners of each bind, where they are mapped.
pub(super) fn sources(launch: &Launch, owners: &[Option<OwnedFd>]) -> Result<Sources, Failure> {
    let device = |name: &str| {
        let path = format!("/dev/{name}");
        Mount::of(Path::new(&path)).map_err(Step::Source.at(path))
    };
    let mut binds = Vec::new();
    for (bind, owner) in launch.binds.iter().zip(owners) {
        let subject = || bind.source.display().to_string();
        let mount = Mount::of(&bind.source).map_err(Step::Source.at(subject()))?;
        let mut attributes = HARMLESS;
        if bind.read_only {
            attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY;
        }
        mount.restrict(attributes).map_err(Step::Source.at(subject()))?;
        if let Some(owner) = owner {
            mount.map_owners(owner.as_fd()).map_err(Step::Idmap.at(subject()))?;
        }
        binds.push((bind.target.clone(), mount));
    }
    Ok(Sources {
        devices: DEVICES
            .into_iter()
            .map(|name| Ok((name, device(name)?)))
            .collect::<Result<_, Failure>>()?,
        binds,
    })
}

/// Mounts everything into a root.
pub(super) fn mount_all(root: BorrowedFd<'_>, launch: &Launch, sources: Sources) -> Result<(), Failure> {
    let dev = dev(root, launch.shm_size, sources.devices).map_err(Step::Mount.at("/dev"))?;
    proc(root, dev.as_fd())?;
    // A mount that stands above another one must come first, whatever their kinds are.
    let mut targets: Vec<(&str, Content<'_>)> = launch
        .tmpfs
        .iter()
        .map(|tmpfs| (tmpfs.target.as_str(), Content::Tmpfs(tmpfs)))
        .collect();
    targets.extend(
        sources
            .binds
            .into_iter()
            .zip(&launch.binds)
            .map(|((_, mount), bind)| (bind.target.as_str(), Content::Bind(mount))),
    );
    targets.sort_by_key(|(target, _)| target.matches('/').count());
    for (target, content) in targets {
        content.mount(root, target).map_err(Step::Mount.at(target))?;
    }
    Ok(())
}

enum Content<'a> {
    Tmpfs(&'a Tmpfs),
    Bind(Mount),
}

impl Content<'_> {
    fn mount(self, root: BorrowedFd<'_>, target: &str) -> io::Result<()> {
        let mount = match self {
            Self::Tmpfs(tmpfs) => memory(tmpfs.size, tmpfs.nr_inodes, tmpfs.exec)?,
            Self::Bind(mount) => mount,
        };
        let target = if mount.is_directory()? {
            mounts::make_directory(root, target)?
        } else {
            mounts::make_file(root, target)?
        };
        mount.attach(target.as_fd())
    }
}

/// Makes a filesystem in memory that every user can write to.
fn memory(size: u64, nr_inodes: Option<u64>, exec: bool) -> io::Result<Mount> {
    let (size, nr_inodes) = (size.to_string(), nr_inodes.map(|number| number.to_string()));
    let mut options = vec![("size", size.as_str()), ("mode", "1777")];
    if let Some(nr_inodes) = &nr_inodes {
        options.push(("nr_inodes", nr_inodes));
    }
    let attributes = if exec {
        HARMLESS
    } else {
        HARMLESS | MountAttrFlags::MOUNT_ATTR_NOEXEC
    };
    Mount::new("tmpfs", &options, attributes)
}

fn proc(root: BorrowedFd<'_>, dev: BorrowedFd<'_>) -> Result<(), Failure> {
    let attributes = HARMLESS | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let proc = Mount::new("proc", &[], attributes)
        .and_then(|proc| proc.attach_and_open(mounts::make_directory(root, "/proc")?.as_fd()))
        .map_err(Step::Proc.at("/proc"))?;
    let hide = || -> io::Result<()> {
        let proc = proc.as_fd();
        for name in READ_ONLY {
            if let Ok(target) = mounts::open_in(proc, name) {
                let mount = Mount::at(proc, Path::new(name))?;
                mount.restrict(MountAttrFlags::MOUNT_ATTR_RDONLY)?;
                mount.attach(target.as_fd())?;
            }
        }
        for name in MASKED_FILES {
            if let Ok(target) = mounts::open_in(proc, name) {
                let mask = Mount::at(dev, Path::new("null"))?;
                mask.restrict(MountAttrFlags::MOUNT_ATTR_RDONLY)?;
                mask.attach(target.as_fd())?;
            }
        }
        let mut empty: Option<OwnedFd> = None;
        for name in MASKED_DIRECTORIES {
            if let Ok(target) = mounts::open_in(proc, name) {
                let mask = if let Some(empty) = &empty {
                    Mount::at(empty.as_fd(), Path::new("."))?
                } else {
                    let options = [("size", SMALL), ("mode", "0555")];
                    Mount::new("tmpfs", &options, attributes | MountAttrFlags::MOUNT_ATTR_RDONLY)?
                };
                empty = Some(mask.attach_and_open(target.as_fd())?);
            }
        }
        Ok(())
    };
    hide().map_err(Step::Proc.at("what tells of the host"))
}

/// Returns the directory as it stands at its place.
fn dev(root: BorrowedFd<'_>, shm_size: u64, devices: Vec<(&'static str, Mount)>) -> io::Result<OwnedFd> {
    // Devices are mounted one by one, so that those of the host work and nobody can make another.
    let options = [("size", SMALL), ("mode", "0755")];
    let attributes = HARMLESS | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let target = mounts::make_directory(root, "/dev")?;
    let dev = Mount::new("tmpfs", &options, attributes)?.attach_and_open(target.as_fd())?;
    for (name, device) in devices {
        device.restrict(MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC)?;
        device.attach(mounts::make_file(dev.as_fd(), name)?.as_fd())?;
    }
    for (name, target) in LINKS {
        rustix::fs::symlinkat(target, &dev, name)?;
    }
    let shm = memory(shm_size, None, false)?;
    shm.attach(mounts::make_directory(dev.as_fd(), "shm")?.as_fd())?;
    mounts::make_read_only(dev.as_fd())?;
    Ok(dev)
}
