//! How a verdict stands in its columns: the name, and what two of them carry.

use inline_runtime::Signal;

use super::columns::unreadable;
use crate::{Result, Verdict};

/// Those that carry nothing.
const PLAIN: [Verdict; 8] = [
    Verdict::Ok,
    Verdict::Timeout,
    Verdict::CpuTime,
    Verdict::OutOfMemory,
    Verdict::OutputLimit,
    Verdict::DiskFull,
    Verdict::Cancelled,
    Verdict::Lost,
];

/// Returns the exit code of a verdict that is about one.
pub(super) fn exit_code(verdict: Verdict) -> Option<i64> {
    match verdict {
        Verdict::Ok => Some(0),
        Verdict::NonZero(code) => Some(code.into()),
        _ => None,
    }
}

/// Returns the number of the signal of a verdict that is about one.
pub(super) fn signal(verdict: Verdict) -> Option<i64> {
    match verdict {
        Verdict::Signal(signal) => Some(signal.number().into()),
        _ => None,
    }
}

pub(super) fn from_columns(name: &str, exit_code: Option<i64>, signal: Option<i64>) -> Result<Verdict> {
    let verdict = match (name, exit_code, signal) {
        ("non_zero", Some(code), _) => u8::try_from(code).ok().map(Verdict::NonZero),
        ("signal", _, Some(number)) => Signal::from_number(number).ok().map(Verdict::Signal),
        _ => PLAIN.into_iter().find(|verdict| verdict.name() == name),
    };
    verdict.ok_or_else(|| unreadable("verdict", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let carrying = [Verdict::NonZero(255), Verdict::Signal(Signal::SEGV)];
        for verdict in PLAIN.into_iter().chain(carrying) {
            let read = from_columns(verdict.name(), exit_code(verdict), signal(verdict));
            assert_eq!(read.unwrap(), verdict);
        }
        for (name, exit_code, signal) in [
            ("later", None, None),
            ("non_zero", None, None),
            ("non_zero", Some(256), None),
            ("signal", None, Some(0)),
        ] {
            assert!(from_columns(name, exit_code, signal).is_err(), "{name}");
        }
    }
}
