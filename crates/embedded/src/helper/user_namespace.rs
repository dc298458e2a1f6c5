//! User namespaces that hold one user.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use rustix::pipe::PipeFlags;
use rustix::process::{DumpableBehavior, Pid, WaitOptions, waitpid};
use rustix::thread::{Gid, LinkNameSpaceType, Uid};

use crate::sys::{self, SingleThreaded};
use crate::wire::{Failure, Step};

/// The user and group that the server is, where there is more than one: none that programs usually are.
pub(super) const SERVER: u32 = IDS - 1;

/// How many users and groups a namespace of root's has.
const IDS: u32 = 1 << 16;

/// Says what ids inside a namespace are outside.
#[derive(Clone, Copy)]
pub(super) struct Map {
    inside: u32,
    outside: u32,
    count: u32,
}

impl Map {
    /// Maps one id.
    pub(super) fn one(inside: u32, outside: u32) -> Self {
        Self {
            inside,
            outside,
            count: 1,
        }
    }

    /// Maps all ids that programs usually have, from 0 on.
    pub(super) fn all(outside: u32) -> Self {
        Self {
            inside: 0,
            outside,
            count: IDS,
        }
    }

    fn line(self) -> String {
        format!("{} {} {}", self.inside, self.outside, self.count)
    }
}

/// The process that a namespace was made by, on its way to its end, which dropping this waits for.
pub(super) struct Maker(Pid);

impl Drop for Maker {
    fn drop(&mut self) {
        while let Err(Errno::INTR) = waitpid(Some(self.0), WaitOptions::empty()) {}
    }
}

/// Makes a namespace aside, whose map only root can write; `proc` is where processes are found.
pub(super) fn with_map(
    process: &SingleThreaded,
    uids: Map,
    gids: Map,
    proc: BorrowedFd<'_>,
) -> Result<(OwnedFd, Maker), Failure> {
    let (mut made, tell_made) = pipe().map_err(not_made)?;
    let (mut until_held, done) = pipe().map_err(not_made)?;
    let Some(child) = process.fork().map_err(not_made)? else {
        drop(done);
        let mut tell_made = tell_made;
        let unshared = nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_or_else(|errno| errno as i32, |()| 0);
        if tell_made.write_all(&unshared.to_ne_bytes()).is_ok() {
            // The namespace lasts until it is held by a descriptor of the parent's.
            drop(until_held.read(&mut [0]));
        }
        sys::exit_now(0);
    };
    drop(tell_made);
    let maker = Maker(child);
    let mut errno = [0; 4];
    let namespace = made
        .read_exact(&mut errno)
        .and_then(|()| match i32::from_ne_bytes(errno) {
            0 => map_and_open(proc, &child.to_string(), uids, gids),
            errno => Err(io::Error::from_raw_os_error(errno)),
        })
        .map_err(not_made);
    drop(done);
    Ok((namespace?, maker))
}

fn map_and_open(proc: BorrowedFd<'_>, process: &str, uids: Map, gids: Map) -> io::Result<OwnedFd> {
    write(proc, &format!("{process}/uid_map"), &uids.line())?;
    write(proc, &format!("{process}/gid_map"), &gids.line())?;
    open(proc, &format!("{process}/ns/user"))
}

/// Enters a namespace of one's own, in which one has every right.
pub(super) fn enter_new(uids: Map, gids: Map, proc: BorrowedFd<'_>) -> Result<(), Failure> {
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_err(Step::UserNamespace.at("unshare"))?;
    map_own(uids, gids, proc).map_err(Step::UserNamespace.at("map"))
}

fn map_own(uids: Map, gids: Map, proc: BorrowedFd<'_>) -> io::Result<()> {
    // Without this a user could leave a group that keeps them from something.
    write(proc, "self/setgroups", "deny")?;
    write(proc, "self/uid_map", &uids.line())?;
    write(proc, "self/gid_map", &gids.line())
}

/// Makes a namespace within the one of the caller, who is its one user there under another id.
///
/// It is made by a process that no program sees: only one that others may look into can write its own map.
pub(super) fn nested(process: &SingleThreaded, uids: Map, gids: Map, proc: BorrowedFd<'_>) -> Result<OwnedFd, Failure> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(not_made)?;
    let Some(child) = process.fork().map_err(not_made)? else {
        let sent = make_nested(uids, gids, proc).and_then(|namespace| send(&theirs, &namespace));
        if let Err(failure) = sent {
            let errno = failure.raw_os_error().unwrap_or(0).to_ne_bytes();
            // Where there is nobody to tell any more, nobody waits.
            rustix::net::send(&theirs, &errno, SendFlags::NOSIGNAL).ok();
        }
        sys::exit_now(0);
    };
    drop(theirs);
    let _maker = Maker(child);
    receive(&ours).map_err(not_made)
}

fn make_nested(uids: Map, gids: Map, proc: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER)?;
    map_own(uids, gids, proc)?;
    open(proc, "self/ns/user")
}

fn send(socket: &OwnedFd, namespace: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [namespace.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(socket, &[IoSlice::new(&[0; 4])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(socket: &OwnedFd) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut errno = [0; 4];
    rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut errno)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message
            && let Some(namespace) = descriptors.next()
        {
            return Ok(namespace);
        }
    }
    Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
}

/// Enters a namespace and becomes one of its users, without further groups.
pub(super) fn enter(namespace: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<(), Failure> {
    join(namespace)?;
    rustix::thread::set_thread_groups(&[]).map_err(Step::User.at("groups"))?;
    become_user(uid, gid)
}

/// Enters a namespace.
pub(super) fn join(namespace: BorrowedFd<'_>) -> Result<(), Failure> {
    rustix::thread::move_into_link_name_space(namespace, Some(LinkNameSpaceType::User))
        .map_err(Step::User.at("namespace"))
}

/// Becomes a user of the namespace that the process is in.
pub(super) fn become_user(uid: u32, gid: u32) -> Result<(), Failure> {
    let ids = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::thread::set_thread_res_gid(ids.1, ids.1, ids.1)
        .and_then(|()| rustix::thread::set_thread_res_uid(ids.0, ids.0, ids.0))
        .map_err(Step::User.at(format!("{uid}:{gid}")))
}

fn pipe() -> io::Result<(File, File)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    Ok((read.into(), write.into()))
}

fn write(proc: BorrowedFd<'_>, path: &str, text: &str) -> io::Result<()> {
    let file = rustix::fs::openat(proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    File::from(file).write_all(text.as_bytes())
}

/// Opens what belongs to a process.
pub(super) fn open(proc: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(
        proc,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

fn not_made(error: impl Into<io::Error>) -> Failure {
    Step::UserNamespace.at("another namespace")(error)
}
