//! The driver's child: makes the namespaces, and ends when the sandbox has.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountPropagationFlags;
use rustix::pipe::PipeFlags;
use rustix::process::{WaitOptions, waitpid};

use super::user_namespace::Map;
use super::{FAILED, Link, Parts, Streams, network, server, user_namespace};
use crate::channel;
use crate::seccomp::Filter;
use crate::sys::{self, SingleThreaded};
use crate::wire::{Failure, Launch, Numbered, Reply, Request, RootFilesystem, Step, VERSION};

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
    // The server and all that it starts are born where this process is by then.
    for door in descriptors {
        File::from(door).write_all(b"0").map_err(Step::Limits.at("enter"))?;
    }
    let filter = channel::read_file(filter).map_err(Step::Seccomp.at("the filter"))?;
    let filter = Filter::from_bytes(&filter).map_err(|_| misunderstood("the filter"))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty()).map_err(Step::Namespaces.at("/proc"))?;
    sys::join_session_keyring().map_err(Step::Namespaces.at("keyring"))?;
    let (users, root_owner, bind_owners) = user_namespaces(process, &launch, &proc)?;
    namespaces(&launch)?;
    let parts = Parts {
        launch,
        filter,
        users,
        root_owner,
        bind_owners,
        proc,
    };
    Ok((parts, streams))
}

type Namespaces = (Option<OwnedFd>, Option<OwnedFd>, Vec<Option<OwnedFd>>);

/// Makes the namespace of the sandbox's user, and one for each owner on disk who is to be that user.
///
/// Root makes them aside, since it needs its rights to mount; anyone else has no rights but in their own.
fn user_namespaces(process: &SingleThreaded, launch: &Launch, proc: &OwnedFd) -> Result<Namespaces, Failure> {
    let users = launch.users;
    let Some(base) = users.base else {
        let (uids, gids) = (Map::one(users.uid, users.host_uid), Map::one(users.gid, users.host_gid));
        user_namespace::enter_new(uids, gids, proc.as_fd())?;
        let none = launch.binds.iter().map(|_| None).collect();
        return Ok((None, None, none));
    };
    let all = user_namespace::with_map(process, Map::all(base), Map::all(base), proc.as_fd())?;
    let root_owner = match &launch.root {
        RootFilesystem::Directory(_) => Some(all.try_clone().map_err(Step::UserNamespace.at("owners"))?),
        RootFilesystem::Host { .. } => None,
    };
    let owner = |(uid, gid): (u32, u32)| {
        let (uids, gids) = (Map::one(uid, users.host_uid), Map::one(gid, users.host_gid));
        user_namespace::with_map(process, uids, gids, proc.as_fd())
    };
    let binds = launch.binds.iter().map(|bind| bind.owner.map(owner).transpose());
    Ok((Some(all), root_owner, binds.collect::<Result<_, _>>()?))
}

fn namespaces(launch: &Launch) -> Result<(), Failure> {
    let mut flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if !launch.host_network {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    nix::sched::unshare(flags).map_err(Step::Namespaces.at("unshare"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).map_err(Step::Namespaces.at("private mounts"))?;
    rustix::system::sethostname(launch.hostname.as_bytes()).map_err(Step::Network.at("the host name"))?;
    if !launch.host_network {
        network::loopback_up().map_err(Step::Network.at("the loopback"))?;
    }
    Ok(())
}

/// Makes the server and waits for its end, which is that of every process in the sandbox.
fn serve(process: &SingleThreaded, link: Link, number: u64, parts: Parts, streams: Streams) -> i32 {
    let forked = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)
        .map_err(io::Error::from)
        .and_then(|pipe| Ok((process.fork()?, pipe)));
    let (child, (read, write)) = match forked {
        Ok(forked) => forked,
        Err(error) => {
            drop(link.tell(number, Reply::Failed(Step::Fork.at("the server")(error))));
            return FAILED;
        }
    };
    let Some(child) = child else {
        drop(write);
        return server::run(process, link, &read, number, parts, streams);
    };
    // What is open here would keep a stream from its end. The pipe stays: its end tells the server that of the monitor.
    drop((link, read, parts, streams));
    while let Err(Errno::INTR) = waitpid(Some(child), WaitOptions::empty()) {}
    drop(write);
    0
}

fn misunderstood(what: &str) -> Failure {
    Step::Protocol.at(what)(io::Error::from(io::ErrorKind::InvalidData))
}
