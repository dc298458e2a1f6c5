//! The helper: this executable once more, as the one that makes a sandbox and runs programs in it.
//!
//! There are two processes of it, and neither is seen from inside. The monitor is the driver's child: it makes the
//! namespaces, and its end is that of the sandbox. Its child, the server, is the first process of a process namespace that
//! holds the sandbox; the server's child is the main program, the first process of a further one, which holds the programs
//! alone. When the driver closes the socket, or dies, the server ends, and the kernel kills whatever is left.

mod child;
mod container;
mod filesystems;
mod host_image;
mod late;
mod monitor;
mod mounts;
mod network;
mod oom_score;
mod program;
mod root;
mod server;
mod user_namespace;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use crate::channel::{Outgoing, Receiver};
use crate::seccomp::Filter;
use crate::sys::SingleThreaded;
use crate::wire::{Launch, Numbered, Reply};

/// The exit code of a helper that could not do its work; what was wrong went through the socket.
const FAILED: i32 = 1;

/// Runs the helper on its standard input, the socket; returns the exit code.
pub(crate) fn run(process: &SingleThreaded) -> i32 {
    match socket() {
        Ok(socket) => monitor::run(
            process,
            Link {
                socket,
                receiver: Receiver::new(),
            },
        ),
        Err(_) => FAILED,
    }
}

/// Takes the socket away from standard input, which is an empty file from then on.
fn socket() -> io::Result<OwnedFd> {
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    Ok(socket)
}

/// The connection to the driver.
struct Link {
    socket: OwnedFd,
    receiver: Receiver,
}

impl Link {
    /// Sends a reply.
    fn tell(&self, number: u64, body: Reply) -> io::Result<()> {
        Outgoing::new(&Numbered { number, body })?.send(self.socket.as_fd(), &[])
    }
}

/// What a sandbox is made of.
struct Parts {
    launch: Launch,
    filter: Filter,
    /// The namespace that maps the owners of the root filesystem, where they are mapped: that of the sandbox's users.
    root_owner: Option<OwnedFd>,
    /// The files by which a process puts itself under the sandbox's limits, with all that it starts from then on.
    doors: Vec<OwnedFd>,
    /// For each bind, the namespace that maps its owners, where they are mapped.
    bind_owners: Vec<Option<OwnedFd>>,
    /// The host's `/proc`, by which a process finds itself whatever is mounted.
    proc: OwnedFd,
}

/// Standard input, output and error of a program.
struct Streams {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

impl Streams {
    /// Takes the first three descriptors of a message.
    fn take(descriptors: &mut impl Iterator<Item = OwnedFd>) -> Option<Self> {
        Some(Self {
            stdin: descriptors.next()?,
            stdout: descriptors.next()?,
            stderr: descriptors.next()?,
        })
    }
}
