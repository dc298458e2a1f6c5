//! The first process of a sandbox: puts its filesystems together and becomes the main program.

use std::os::fd::{AsFd, OwnedFd};

use super::late::Taker;
use super::oom_score::OomScore;
use super::program::{self, Confinement, Identity};
use super::{Parts, Streams, filesystems, mounts, root};
use crate::wire::{Failure, Step};

/// Becomes the main program; returns only if it cannot, with the reason.
pub(super) fn run(parts: &Parts, streams: &Streams, late: &Taker, report: &OwnedFd) -> Failure {
    match prepare(parts, late) {
        Err(failure) => failure,
        Ok(()) => program::become_program(
            &parts.launch.main,
            &Confinement {
                restrictions: &parts.launch.restrictions,
                filter: &parts.filter,
                identity: Identity::Kept,
            },
            streams,
            report,
        ),
    }
}

fn prepare(parts: &Parts, late: &Taker) -> Result<(), Failure> {
    let launch = &parts.launch;
    OomScore::open(parts.proc.as_fd(), launch.restrictions.oom_score_adj)?.raise()?;
    let sources = filesystems::sources(launch, &parts.bind_owners)?;
    let targets: Vec<&str> = ["/proc", "/dev"]
        .into_iter()
        .chain(launch.tmpfs.iter().map(|tmpfs| tmpfs.target.as_str()))
        .chain(launch.binds.iter().map(|bind| bind.target.as_str()))
        .collect();
    let root = root::assemble(parts, &targets)?;
    filesystems::mount_all(root.as_fd(), launch, sources)?;
    if launch.readonly_rootfs {
        mounts::make_read_only(root.as_fd()).map_err(Step::Root.at("read-only"))?;
    }
    // The monitor must be done with making namespaces: the kernel lets nobody make one whose root is not that of their mounts,
    // as it is for a moment while the root is changed for all.
    let late = late.take(launch)?;
    root::enter(&root)?;
    late.enter(launch.users.uid, launch.users.gid)
}
