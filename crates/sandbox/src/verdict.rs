//! How a run came to its end. A program that fails is a verdict, never an error.

use std::fmt;
use std::time::Duration;

use inline_runtime::{ExitStatus, Signal};
use serde::{Serialize, Serializer};

/// Says how a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It ended with exit code 0.
    Ok,
    /// It ended with this exit code, which is not 0.
    NonZero(u8),
    /// It died of this signal.
    Signal(Signal),
    /// It was stopped at its timeout.
    Timeout,
    /// One of its processes used more CPU time than allowed.
    CpuTime,
    /// It needed more memory than allowed.
    OutOfMemory,
    /// It printed more than allowed.
    OutputLimit,
    /// It filled the workspace, or wrote a file larger than that may be.
    DiskFull,
    /// It was stopped because somebody asked for that.
    Cancelled,
    /// The engine lost it; how it ended is not known.
    Lost,
}

/// Measures a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunUsage {
    /// From when the program was sent to its end.
    pub wall: Duration,
    /// The CPU time of all its processes, where the engine or the kernel tells.
    pub cpu: Option<Duration>,
    /// The most memory in use at any time, in bytes, where the engine or the kernel tells.
    pub peak_memory: Option<u64>,
}

impl Verdict {
    /// Returns the name for machines: `ok`, `non_zero`, `signal` …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NonZero(_) => "non_zero",
            Self::Signal(_) => "signal",
            Self::Timeout => "timeout",
            Self::CpuTime => "cpu_time",
            Self::OutOfMemory => "out_of_memory",
            Self::OutputLimit => "output_limit",
            Self::DiskFull => "disk_full",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    /// Returns whether the program ended well.
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }

    /// Returns what becomes of a program whose process 1 ended with `status` and without a word, as it does only when it
    /// is killed.
    pub(crate) fn of_unreported(status: ExitStatus) -> Self {
        if status.is_success() {
            Self::Lost
        } else {
            Self::of_status(status)
        }
    }

    /// Returns whether it was not the program, nor its container, that led to this.
    pub(crate) fn is_decided_outside(self) -> bool {
        matches!(self, Self::Timeout | Self::DiskFull | Self::Cancelled)
    }

    /// Returns what becomes of a program that ended with `status`, as far as that alone tells.
    pub(crate) fn of_status(status: ExitStatus) -> Self {
        /// A file grew beyond `RLIMIT_FSIZE`.
        const XFSZ: i32 = 25;
        match (status.signal(), status.code()) {
            _ if status.is_oom_killed() => Self::OutOfMemory,
            (Some(Signal::XCPU), _) => Self::CpuTime,
            (Some(signal), _) if signal.number() == XFSZ => Self::DiskFull,
            (Some(signal), _) => Self::Signal(signal),
            (None, Some(0)) => Self::Ok,
            (None, Some(code)) => Self::NonZero(code),
            (None, None) => Self::Lost,
        }
    }
}

impl fmt::Display for Verdict {
    /// Words it for somebody who is new to programming.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Ok => "the program ended well",
            Self::NonZero(code) => return write!(f, "the program ended with exit code {code}"),
            Self::Signal(Signal::SEGV) => "the program crashed: it used memory that is not its own (SIGSEGV)",
            Self::Signal(Signal::ABRT) => "the program gave itself up (SIGABRT)",
            Self::Signal(Signal::KILL) => "the program was killed (SIGKILL)",
            Self::Signal(signal) => return write!(f, "the program was ended by {signal}"),
            Self::Timeout => "the program took too long and was stopped",
            Self::CpuTime => "the program computed for too long and was stopped",
            Self::OutOfMemory => "the program needed more memory than it may have",
            Self::OutputLimit => "the program printed too much and was stopped",
            Self::DiskFull => "the program wrote more files than there is room for",
            Self::Cancelled => "the program was stopped",
            Self::Lost => "the connection to the program was lost; how it ended is not known",
        };
        f.write_str(words)
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_becomes_a_verdict() {
        for (number, oom, verdict) in [
            (0, false, Verdict::Ok),
            (3, false, Verdict::NonZero(3)),
            (139, false, Verdict::Signal(Signal::SEGV)),
            (152, false, Verdict::CpuTime),
            (153, false, Verdict::DiskFull),
            (137, true, Verdict::OutOfMemory),
        ] {
            let status = ExitStatus::from_shell_code(number).with_oom_killed(oom);
            assert_eq!(Verdict::of_status(status), verdict, "{number}");
        }
    }

    #[test]
    fn machines_read_the_name_alone() {
        assert_eq!(serde_json::to_string(&Verdict::NonZero(3)).unwrap(), "\"non_zero\"");
        assert_eq!(Verdict::NonZero(3).to_string(), "the program ended with exit code 3");
    }
}
