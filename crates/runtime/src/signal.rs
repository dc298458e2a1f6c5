//! Signals by number, with the names that people type.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// Names a Linux signal.
///
/// ```
/// use inline_runtime::Signal;
///
/// assert_eq!("TERM".parse::<Signal>()?, Signal::TERM);
/// assert_eq!("sigint".parse::<Signal>()?, Signal::INT);
/// assert_eq!(Signal::KILL.to_string(), "SIGKILL");
/// # Ok::<(), inline_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

/// Signal names by number, from 1, as on every Linux that containers run on (x86-64 and aarch64).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

/// The highest signal number, the last of the real-time signals.
const MAX: u8 = 64;

impl Signal {
    /// The hang-up signal, 1.
    pub const HUP: Self = Self(1);
    /// The interrupt of a terminal, 2.
    pub const INT: Self = Self(2);
    /// The abort signal, 6.
    pub const ABRT: Self = Self(6);
    /// The kill that cannot be caught, 9.
    pub const KILL: Self = Self(9);
    /// The first signal for programs' own use, 10.
    pub const USR1: Self = Self(10);
    /// The invalid memory reference, 11.
    pub const SEGV: Self = Self(11);
    /// The polite request to end, 15.
    pub const TERM: Self = Self(15);
    /// The end of the CPU time that `RLIMIT_CPU` grants, 24.
    pub const XCPU: Self = Self(24);

    /// Creates a signal from its number.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidSpec`] if the number is not between 1 and 64.
    pub fn from_number(number: i64) -> Result<Self> {
        match u8::try_from(number) {
            Ok(number @ 1..=MAX) => Ok(Self(number)),
            _ => Err(Error::new(
                ErrorKind::InvalidSpec,
                format!("signal {number} is not between 1 and {MAX}"),
            )),
        }
    }

    /// Returns the number.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl FromStr for Signal {
    type Err = Error;

    /// Parses a number, or a name with or without `SIG`, in any case.
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(number) = text.parse() {
            return Self::from_number(number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        (1..)
            .zip(NAMES)
            .find(|(_, known)| *known == name)
            .map(|(number, _)| Self(number))
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidSpec, format!("unknown signal `{text}`"))
                    .with_hint("use a name such as `SIGTERM` or a number from 1 to 64")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_agree() {
        for (name, signal) in [
            ("KILL", Signal::KILL),
            ("XCPU", Signal::XCPU),
            ("SIGSEGV", Signal::SEGV),
            ("6", Signal::ABRT),
        ] {
            assert_eq!(name.parse::<Signal>().unwrap(), signal);
        }
        assert_eq!("SIGSYS".parse::<Signal>().unwrap().number(), 31);
        assert_eq!(Signal::from_number(34).unwrap().to_string(), "signal 34");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "0", "65", "-9", "SIG", "SIGNOPE", "99999999999999999999"] {
            assert_eq!(
                text.parse::<Signal>().unwrap_err().kind(),
                ErrorKind::InvalidSpec,
                "{text:?}"
            );
        }
    }
}
