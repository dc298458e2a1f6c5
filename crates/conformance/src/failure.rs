//! Why a case failed, and where in it.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

/// What a case comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a case failed.
pub(crate) struct Failure {
    message: String,
    is_of_driver: bool,
}

impl Failure {
    #[track_caller]
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        let location = Location::caller();
        Self {
            message: format!("{message}\n  at {}:{}", location.file(), location.line()),
            is_of_driver: false,
        }
    }

    /// Returns whether it is an error of the driver's, and nothing that the case found.
    pub(crate) fn is_of_driver(&self) -> bool {
        self.is_of_driver
    }

    pub(crate) fn into_message(self) -> String {
        self.message
    }
}

/// Lets cases use `?` on the calls that must succeed.
impl From<inline_runtime::Error> for Failure {
    #[track_caller]
    fn from(error: inline_runtime::Error) -> Self {
        Self {
            is_of_driver: true,
            ..Self::new(chain(&error))
        }
    }
}

impl From<std::io::Error> for Failure {
    #[track_caller]
    fn from(error: std::io::Error) -> Self {
        Self::new(chain(&error))
    }
}

/// Prints an error with all that caused it.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str("\n  caused by: ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Fails the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::failure::Failure::new(format!($($message)+)));
        }
    };
}

/// Fails the case unless the two are equal, and shows both.
macro_rules! ensure_eq {
    ($actual:expr, $expected:expr, $($message:tt)+) => {
        match (&$actual, &$expected) {
            (actual, expected) => {
                if *actual != *expected {
                    return Err($crate::failure::Failure::new(format!(
                        "{}: got {actual:?}, expected {expected:?}",
                        format!($($message)+),
                    )));
                }
            }
        }
    };
}

pub(crate) use {ensure, ensure_eq};
