//! What a run comes to.

use inline_runtime::{ExitStatus, Signal};

use super::Captured;
use crate::workspace::Artifacts;
use crate::{RunUsage, Verdict};

/// What a shell exits with that cannot start a command, as POSIX has it.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Holds how a run ended, what it printed, used and made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunResult {
    /// How it ended.
    pub verdict: Verdict,
    /// How the program's own process ended, where it did so by itself or is known to.
    pub status: Option<ExitStatus>,
    /// The start of standard output.
    pub stdout: Captured,
    /// The start of standard error.
    pub stderr: Captured,
    /// What it used.
    pub usage: RunUsage,
    /// Whether the container was made ahead.
    pub warm: bool,
    /// Whether the interpreter took the program, as far as is known: `false` means that nothing of it ran.
    pub started: bool,
    /// Whether the interpreter said that it took the program.
    pub(crate) took_program: bool,
    /// The driver that it ran on.
    pub driver: &'static str,
    /// The files that it made or changed; empty until the service has looked.
    pub artifacts: Artifacts,
}

impl RunResult {
    /// Creates the result of a run that was given up before there was a container for it.
    pub(crate) fn cancelled(driver: &'static str) -> Self {
        Self {
            verdict: Verdict::Cancelled,
            status: None,
            stdout: Captured::default(),
            stderr: Captured::default(),
            usage: RunUsage::default(),
            warm: false,
            started: false,
            took_program: false,
            driver,
            artifacts: Artifacts::default(),
        }
    }

    /// Returns the exit code, if the program ended with one.
    pub fn exit_code(&self) -> Option<u8> {
        self.status?.code()
    }

    /// Returns the signal that the program died of, if it did.
    pub fn signal(&self) -> Option<Signal> {
        self.status?.signal()
    }

    /// Returns whether there was no interpreter to take the program.
    pub(crate) fn has_no_interpreter(&self) -> bool {
        !self.took_program && matches!(self.exit_code(), Some(NOT_EXECUTABLE | NOT_FOUND))
    }

    /// Returns whether anything that was printed was not kept.
    pub fn is_truncated(&self) -> bool {
        self.stdout.truncated || self.stderr.truncated
    }
}
