//! A running process: its input, and one stream of what it prints and how it ends.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::io::AsyncWrite;

use crate::{Result, Signal};

/// Writes to a process; shutting it down delivers end of file.
pub type Stdin = Pin<Box<dyn AsyncWrite + Send>>;

/// Yields what a process does, as it does it.
pub type Events = BoxStream<'static, Result<Event>>;

/// A process in a container: the main one from [`start`](crate::ContainerRuntime::start), a further one from
/// [`exec`](crate::ContainerRuntime::exec).
///
/// Events are pulled: a reader that stops reading stops the process once the pipes are full, so memory stays bounded.
/// Dropping a `Process` detaches from it and kills nothing.
#[non_exhaustive]
pub struct Process {
    /// The process's standard input, if the spec asked for one. Dropping it delivers end of file too.
    pub stdin: Option<Stdin>,
    /// What the process does. A lost connection is an error and ends the stream; it is never an exit.
    pub events: Events,
}

/// One thing that a process did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It printed to standard output. Chunks end anywhere, also within a character.
    Stdout(Bytes),
    /// It printed to standard error.
    Stderr(Bytes),
    /// It ended. Comes exactly once, and last.
    Exited(ExitStatus),
}

/// Says how a process ended.
///
/// Engines report a death by signal as `128 + n`, as shells do. A driver that knows no better reads 129 to 192 as the signal,
/// so a program that itself exits with 137 looks killed; [`shell_code`](Self::shell_code) is exact for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExitStatus {
    end: End,
    oom_killed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Code(u8),
    Signal(Signal),
}

impl Process {
    /// Puts a process together; for drivers.
    pub fn new(stdin: Option<Stdin>, events: Events) -> Self {
        Self { stdin, events }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("stdin", &self.stdin.is_some())
            .finish_non_exhaustive()
    }
}

impl ExitStatus {
    /// Creates the status of a process that exited with `code`.
    pub fn from_code(code: u8) -> Self {
        Self {
            end: End::Code(code),
            oom_killed: false,
        }
    }

    /// Creates the status of a process that died of `signal`.
    pub fn from_signal(signal: Signal) -> Self {
        Self {
            end: End::Signal(signal),
            oom_killed: false,
        }
    }

    /// Creates a status from the one number that engines report, in which 129 to 192 stand for signals.
    ///
    /// A number that is no exit status at all is kept by its low byte, as the kernel would.
    pub fn from_shell_code(code: i64) -> Self {
        match Signal::from_number(code - 128) {
            Ok(signal) => Self::from_signal(signal),
            Err(_) => Self::from_code(u8::try_from(code & 0xff).unwrap_or(u8::MAX)),
        }
    }

    /// Says that the kernel's OOM killer ended the process.
    #[must_use]
    pub fn with_oom_killed(mut self, oom_killed: bool) -> Self {
        self.oom_killed = oom_killed;
        self
    }

    /// Returns the exit code, unless the process died of a signal.
    pub fn code(self) -> Option<u8> {
        match self.end {
            End::Code(code) => Some(code),
            End::Signal(_) => None,
        }
    }

    /// Returns the signal that the process died of, if it did.
    pub fn signal(self) -> Option<Signal> {
        match self.end {
            End::Code(_) => None,
            End::Signal(signal) => Some(signal),
        }
    }

    /// Returns the exit code as a shell shows it: `128 + n` for a death by signal `n`.
    pub fn shell_code(self) -> u8 {
        match self.end {
            End::Code(code) => code,
            End::Signal(signal) => u8::try_from(128 + signal.number()).unwrap_or(u8::MAX),
        }
    }

    /// Returns whether the process exited with code 0.
    pub fn is_success(self) -> bool {
        self.end == End::Code(0)
    }

    /// Returns whether the kernel's OOM killer ended the process.
    pub fn is_oom_killed(self) -> bool {
        self.oom_killed
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Code(code) => write!(f, "exit code {code}")?,
            End::Signal(signal) => write!(f, "{signal}")?,
        }
        if self.oom_killed {
            f.write_str(" (out of memory)")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_numbers_become_codes_and_signals() {
        for (number, code, signal) in [
            (0, Some(0), None),
            (128, Some(128), None),
            (137, None, Some(Signal::KILL)),
            (139, None, Some(Signal::SEGV)),
            (193, Some(193), None),
            (255, Some(255), None),
            (-1, Some(255), None),
        ] {
            let status = ExitStatus::from_shell_code(number);
            assert_eq!((status.code(), status.signal()), (code, signal), "{number}");
            assert_eq!(i64::from(status.shell_code()), number & 0xff, "{number}");
        }
    }

    #[test]
    fn an_oom_kill_says_so() {
        let status = ExitStatus::from_signal(Signal::KILL).with_oom_killed(true);
        assert_eq!(status.to_string(), "SIGKILL (out of memory)");
        assert!(!status.is_success());
    }
}
