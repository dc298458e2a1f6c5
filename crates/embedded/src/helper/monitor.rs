//! The driver's child: makes the namespaces, and ends when the sandbox has.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountPropagationFlags;
use rustix::pipe::PipeFlags;
use rustix::process::{WaitOptions, waitpid};

use super::late::{self, Late, Taker};
use super::user_namespace::{self, Map};
use super::{FAILED, Link, Parts, Streams, server};
use crate::channel;
use crate::seccomp::Filter;
use crate::sys::{self, SingleThreaded};
use crate::wire::{Failure, Launch, Numbered, Reply, Request, RootFilesystem, Step, VERSION};

/// What the server has of the monitor.
pub(super) struct Monitor {
    /// It reads as closed once the monitor has ended.
    pub(super) end: OwnedFd,
    /// What the monitor makes while the root is put together.
    pub(super) late: Taker,
}

/// Runs the monitor.
pub(super) fn run(process: &SingleThreaded, mut link: Link) -> i32 {
    process.reset_signals();
    if link.tell(0, Reply::Hello(VERSION)).is_err() {
        return FAILED;
    }
    // The driver may go away instead of asking for a sandbox.
    let Ok(Some(mut message)) = link.receiver.receive(link.socket.as_fd()) else {
        return FAILED;
    };
    let descriptors = std::mem::take(&mut message.descriptors);
    let Ok(Numbered { number, body }) = message.decode() else {
        return FAILED;
    };
    let parts = match body {
        Request::Launch(launch) => prepare(process, *launch, descriptors),
        _ => Err(misunderstood("launch")),
    };
    match parts {
        Ok((parts, streams)) => serve(process, link, number, parts, streams),
        Err(failure) => {
            // Where the driver is gone, nobody needs to be told.
            drop(link.tell(number, Reply::Failed(failure)));
            FAILED
        }
    }
}

fn prepare(process: &SingleThreaded, launch: Launch, descriptors: Vec<OwnedFd>) -> Result<(Parts, Streams), Failure> {
    let mut descriptors = descriptors.into_iter();
    let (Some(streams), Some(filter)) = (Streams::take(&mut descriptors), descriptors.next()) else {
        return Err(misunderstood("descriptors"));
    };
    let filter = channel::read_file(filter).map_err(Step::Seccomp.at("the filter"))?;
    let filter = Filter::from_bytes(&filter).map_err(|_| misunderstood("the filter"))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty()).map_err(Step::Namespaces.at("/proc"))?;
    sys::join_session_keyring().map_err(Step::Namespaces.at("keyring"))?;
    let (root_owner, bind_owners) = user_namespaces(process, &launch, &proc)?;
    namespaces(&launch)?;
    let parts = Parts {
        launch,
        filter,
        root_owner,
        bind_owners,
        doors: descriptors.collect(),
        proc,
    };
    Ok((parts, streams))
}

type Owners = (Option<OwnedFd>, Vec<Option<OwnedFd>>);

/// Makes the namespaces that map the owners of a root filesystem and of binds.
///
/// Root makes them aside, since it needs its rights to mount; anyone else has no rights but in a namespace of their own, and
/// enters it.
fn user_namespaces(process: &SingleThreaded, launch: &Launch, proc: &OwnedFd) -> Result<Owners, Failure> {
    let users = launch.users;
    let Some(base) = users.base else {
        let (uids, gids) = (Map::one(users.uid, users.host_uid), Map::one(users.gid, users.host_gid));
        user_namespace::enter_new(uids, gids, proc.as_fd())?;
        let none = launch.binds.iter().map(|_| None).collect();
        return Ok((None, none));
    };
    let all = Map::all(base);
    let root_owner = match &launch.root {
        RootFilesystem::Directory(_) => Some(user_namespace::with_map(process, all, all, proc.as_fd())?.0),
        RootFilesystem::Host { .. } => None,
    };
    let owner = |(uid, gid): (u32, u32)| {
        let (uids, gids) = (Map::one(uid, users.host_uid), Map::one(gid, users.host_gid));
        user_namespace::with_map(process, uids, gids, proc.as_fd()).map(|(namespace, _)| namespace)
    };
    let binds = launch.binds.iter().map(|bind| bind.owner.map(owner).transpose());
    Ok((root_owner, binds.collect::<Result<_, _>>()?))
}

fn namespaces(launch: &Launch) -> Result<(), Failure> {
    let flags =
        CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    nix::sched::unshare(flags).map_err(Step::Namespaces.at("unshare"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).map_err(Step::Namespaces.at("private mounts"))?;
    rustix::system::sethostname(launch.hostname.as_bytes()).map_err(Step::Network.at("the host name"))
}

/// Makes the server and waits for its end, which is that of every process in the sandbox.
fn serve(process: &SingleThreaded, link: Link, number: u64, parts: Parts, streams: Streams) -> i32 {
    let fork = || -> io::Result<_> {
        let (pipe, late) = (rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?, late::ends()?);
        Ok((process.fork()?, pipe, late))
    };
    let (child, (end, write), (giver, late)) = match fork() {
        Ok(forked) => forked,
        Err(error) => {
            drop(link.tell(number, Reply::Failed(Step::Fork.at("the server")(error))));
            return FAILED;
        }
    };
    let Some(child) = child else {
        drop((write, giver));
        return server::run(process, link, Monitor { end, late }, number, parts, streams);
    };
    // What is open here would keep a stream from its end. The pipe stays, and so does the socket: by their end the server knows
    // of that of the monitor, and the driver of that of all other processes.
    drop((end, late, streams));
    Late::make(process, parts, giver);
    while let Err(Errno::INTR) = waitpid(Some(child), WaitOptions::empty()) {}
    drop((write, link));
    0
}

fn misunderstood(what: &str) -> Failure {
    Step::Protocol.at(what)(io::Error::from(io::ErrorKind::InvalidData))
}
