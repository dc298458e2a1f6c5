//! A child of the server: on its way to be a program, as one, and at its end.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{PidfdFlags, WaitId, WaitIdOptions};

use super::FAILED;
use crate::sys::{self, SingleThreaded};
use crate::wire::{End, Failure, Step};

/// A report is a few words.
const MAX_REPORT_BYTES: u64 = 64 << 10;
const KILLED: End = End::Signal(libc::SIGKILL);

/// A child that is a program.
pub(super) struct Child {
    pub(super) number: u64,
    pub(super) descriptor: OwnedFd,
}

/// A child on its way to be a program.
pub(super) struct Spawned {
    child: Child,
    report: File,
}

impl Spawned {
    /// Makes a child; `become_program` returns only if it cannot.
    pub(super) fn fork(
        process: &SingleThreaded,
        number: u64,
        become_program: impl FnOnce(&OwnedFd) -> Failure,
    ) -> Result<Self, Failure> {
        let (report, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(not_made)?;
        let Some(child) = process.fork().map_err(not_made)? else {
            let failure = become_program(&write);
            // A report that cannot be written reads as a program that was killed.
            drop(serde_json::to_writer(File::from(write), &failure));
            sys::exit_now(FAILED);
        };
        let descriptor = rustix::process::pidfd_open(child, PidfdFlags::empty()).map_err(not_made)?;
        Ok(Self {
            child: Child { number, descriptor },
            report: report.into(),
        })
    }

    /// Waits until it is the program.
    pub(super) fn wait(self) -> Result<Child, Failure> {
        let mut report = Vec::new();
        let read = self.report.take(MAX_REPORT_BYTES).read_to_end(&mut report);
        read.map_err(not_made)?;
        if report.is_empty() {
            return Ok(self.child);
        }
        self.child.wait_for_end();
        Err(serde_json::from_slice(&report).unwrap_or_else(not_made))
    }
}

impl Child {
    /// Returns how it ended, if it has.
    pub(super) fn end(&self) -> Option<End> {
        self.waited(WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
    }

    /// Waits for the end of one that is to end at once.
    pub(super) fn wait_for_end(&self) -> End {
        self.waited(WaitIdOptions::EXITED).unwrap_or(KILLED)
    }

    fn waited(&self, options: WaitIdOptions) -> Option<End> {
        loop {
            match rustix::process::waitid(WaitId::PidFd(self.descriptor.as_fd()), options) {
                Ok(None) => return None,
                Ok(Some(status)) => {
                    let code = status.exit_status().and_then(|code| u8::try_from(code & 0xff).ok());
                    let signal = status.terminating_signal();
                    return Some(code.map(End::Code).or(signal.map(End::Signal)).unwrap_or(KILLED));
                }
                Err(Errno::INTR) => {}
                // Nobody else reaps, so this cannot be; that it ended is all that is known then.
                Err(_) => return Some(KILLED),
            }
        }
    }
}

fn not_made(error: impl Into<io::Error>) -> Failure {
    Step::Fork.at("the program")(error)
}
