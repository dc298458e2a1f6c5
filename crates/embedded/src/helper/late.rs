//! Namespaces that are made while the root is put together, since nothing needs them before that is done.
//!
//! A network takes the kernel as long as the mounts of a sandbox do. So the monitor makes it beside them, and the server and
//! the main program enter it once they are done with all else, before either runs a program.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sched::CloneFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::LinkNameSpaceType;

use super::user_namespace::{self, Maker, Map};
use super::{Parts, network};
use crate::channel::{Outgoing, Receiver};
use crate::sys::SingleThreaded;
use crate::wire::{Failure, Launch, Step};

/// Who takes what is made: the server and the main program.
const TAKERS: usize = 2;

/// What is made late.
pub(super) struct Late {
    /// The namespace of the sandbox's user, where the helper is not in it already.
    users: Option<OwnedFd>,
    /// The sandbox's network, where it has one of its own.
    network: Option<OwnedFd>,
}

/// Where the monitor gives what it has made.
pub(super) struct Giver(OwnedFd);

/// Where the server and the main program take it, each once.
pub(super) struct Taker(OwnedFd);

/// Makes both ends. Whoever takes must not keep the one that gives, whose end tells that of the monitor.
pub(super) fn ends() -> io::Result<(Giver, Taker)> {
    let flags = SocketFlags::CLOEXEC;
    let (giver, taker) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    Ok((Giver(giver), Taker(taker)))
}

impl Late {
    /// Makes it all and gives it, or the reason why it cannot be made.
    pub(super) fn make(process: &SingleThreaded, parts: Parts, giver: Giver) {
        // The end of a process takes a while, for which nobody needs to wait here.
        let (users, _maker) = match users(process, parts.root_owner, &parts.launch, &parts.proc) {
            Ok((users, maker)) => (Ok(users), maker),
            Err(failure) => (Err(failure), None),
        };
        giver.give(users.and_then(|users| {
            let network = network(&parts.launch, &parts.proc)?;
            Ok(Self { users, network })
        }));
    }

    /// Enters the network, and becomes a user of the sandbox's namespace where the helper is not in it already.
    pub(super) fn enter(self, uid: u32, gid: u32) -> Result<(), Failure> {
        if let Some(network) = self.network {
            rustix::thread::move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
                .map_err(Step::Network.at("namespace"))?;
        }
        match self.users {
            Some(users) => user_namespace::enter(users.as_fd(), uid, gid),
            None => Ok(()),
        }
    }
}

type Users = (Option<OwnedFd>, Option<Maker>);

/// The owners of a root filesystem are the sandbox's users.
fn users(process: &SingleThreaded, owners: Option<OwnedFd>, launch: &Launch, proc: &OwnedFd) -> Result<Users, Failure> {
    let (Some(base), None) = (launch.users.base, &owners) else {
        return Ok((owners, None));
    };
    let all = Map::all(base);
    let (users, maker) = user_namespace::with_map(process, all, all, proc.as_fd())?;
    Ok((Some(users), Some(maker)))
}

fn network(launch: &Launch, proc: &OwnedFd) -> Result<Option<OwnedFd>, Failure> {
    const PATH: &str = "self/ns/net";
    if launch.host_network {
        return Ok(None);
    }
    nix::sched::unshare(CloneFlags::CLONE_NEWNET).map_err(Step::Namespaces.at("unshare"))?;
    network::loopback_up().map_err(Step::Network.at("the loopback"))?;
    user_namespace::open(proc.as_fd(), PATH)
        .map(Some)
        .map_err(Step::Namespaces.at(PATH))
}

impl Giver {
    /// Where nobody waits any more, nobody needs it.
    fn give(self, made: Result<Late, Failure>) {
        let (body, made): (Result<(), Failure>, _) = match made {
            Ok(Late { users, network }) => (Ok(()), [users, network]),
            Err(failure) => (Err(failure), [None, None]),
        };
        let Ok(message) = Outgoing::new(&body) else { return };
        let descriptors: Vec<_> = made.iter().flatten().map(AsFd::as_fd).collect();
        for _ in 0..TAKERS {
            message.send(self.0.as_fd(), &descriptors).ok();
        }
    }
}

impl Taker {
    /// Waits for what is made.
    pub(super) fn take(&self, launch: &Launch) -> Result<Late, Failure> {
        let lost = |error: io::Error| Step::Namespaces.at("from the monitor")(error);
        let received = Receiver::new().receive(self.0.as_fd()).map_err(lost)?;
        let mut message = received.ok_or_else(|| lost(Errno::PIPE.into()))?;
        let mut descriptors = std::mem::take(&mut message.descriptors).into_iter();
        message.decode::<Result<(), Failure>>().map_err(lost)??;
        let mut next = || descriptors.next().ok_or_else(|| lost(Errno::BADMSG.into()));
        Ok(Late {
            users: launch.users.is_privileged().then(&mut next).transpose()?,
            network: (!launch.host_network).then(next).transpose()?,
        })
    }
}
