//! Starts the helper and makes sure that it is one.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::process::Child;

use crate::channel::Incoming;
use crate::link::Link;
use crate::sys::{MARKER, SELF_EXECUTABLE};
use crate::wire::{Numbered, Reply, VERSION};

/// How long the helper may take to begin: it is a program that does nothing else first.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// Where a dynamic linker finds libraries of this executable that are in no usual place.
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// Says whether what starts is known to be a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It may be any program that this crate was loaded into as a library. It is told nothing before it has said hello.
    None,
    /// It has been one before, and the executable of a process does not change.
    Proven,
}

/// A helper that waits for what to do, or is on its way to. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Helper {
    pub(crate) child: Child,
    pub(crate) link: Link,
}

impl Helper {
    /// Starts one. It takes a while to come up, in which what it will be told can be made ready.
    pub(crate) fn start() -> io::Result<Self> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let child = spawn(theirs)?;
        let link = Link::new(ours)?;
        Ok(Self { child, link })
    }

    /// Makes sure that it is one.
    pub(crate) async fn check(&mut self, trust: Trust) -> io::Result<()> {
        if trust == Trust::Proven {
            return Ok(());
        }
        let hello = tokio::time::timeout(HELLO_TIME, self.link.receive()).await??;
        match hello.as_ref().map(Incoming::decode) {
            Some(Ok(Numbered {
                body: Reply::Hello(VERSION),
                ..
            })) => Ok(()),
            _ => Err(io::Error::other("what started is not the helper")),
        }
    }
}

/// Nothing runs between fork and exec, so that a process of any size and with any number of threads may do this.
fn spawn(socket: OwnedFd) -> io::Result<Child> {
    let mut command = Command::new(OsStr::from_bytes(SELF_EXECUTABLE.to_bytes()));
    command
        .arg0(MARKER)
        .env_clear()
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // An interrupt typed at a terminal is for us, and not for sandboxes.
        .process_group(0);
    if let Some(path) = std::env::var_os(LIBRARY_PATH) {
        command.env(LIBRARY_PATH, path);
    }
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true).spawn()
}
