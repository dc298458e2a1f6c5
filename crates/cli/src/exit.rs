//! The exit codes, in the words of shells, `timeout` and `docker run`.

use inline_sandbox::Verdict;

use crate::interrupt::Interrupt;

/// A command did not do what it was asked.
pub(crate) const OWN_FAILURE: u8 = 1;
/// A service cannot start before its operator has changed something; the `EX_CONFIG` of `sysexits.h`.
pub(crate) const CONFIGURATION: u8 = 78;
/// It was not the program that failed.
pub(crate) const RUN_FAILURE: u8 = 125;
/// The program was stopped at its time-out.
const TIMEOUT: u8 = 124;
/// What a shell adds to the number of the signal that ended a program.
const SIGNAL: u8 = 128;
const SIGKILL: u8 = 9;
const SIGPIPE: u8 = 13;
const SIGXCPU: u8 = 24;
const SIGXFSZ: u8 = 25;

/// Nobody reads the output any more.
pub(crate) const NOBODY_READS: u8 = SIGNAL + SIGPIPE;

/// Returns the exit code for how a program ended: its own, or that of the signal that would have ended it elsewhere.
pub(crate) fn of(verdict: Verdict, interrupt: &Interrupt) -> u8 {
    match verdict {
        Verdict::Ok => 0,
        Verdict::NonZero(code) => code,
        Verdict::Signal(signal) => {
            u8::try_from(signal.number()).map_or(RUN_FAILURE, |number| SIGNAL.saturating_add(number))
        }
        Verdict::Timeout => TIMEOUT,
        Verdict::CpuTime => SIGNAL + SIGXCPU,
        Verdict::OutOfMemory | Verdict::OutputLimit => SIGNAL + SIGKILL,
        Verdict::DiskFull => SIGNAL + SIGXFSZ,
        Verdict::Cancelled => interrupt.code(),
        _ => RUN_FAILURE,
    }
}
