//! A run, from a container whose interpreter waits to the verdict.

mod capture;
mod containers;
mod execute;
mod frame;
mod mark;
mod outcome;
mod prepared;
mod relay;
mod report;
mod spec;

use bytes::Bytes;

pub use capture::Captured;
pub use containers::Containers;
pub use execute::{RunControl, execute};
pub use frame::Frame;
pub use outcome::RunResult;
pub use prepared::Prepared;
pub use spec::{Blueprint, Purpose};

pub(crate) use capture::Capture;
pub(crate) use containers::Container;
pub(crate) use execute::execute_and_keep;
pub(crate) use mark::{Mark, MarkFinder};
pub(crate) use relay::{Marked, Relay, Step, step};
pub(crate) use report::Report;
pub(crate) use spec::renewed;

/// What a program prints, as it prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// To standard output. Chunks end anywhere, also within a character.
    Stdout(Bytes),
    /// To standard error.
    Stderr(Bytes),
}

impl RunEvent {
    /// Returns what was printed.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Stdout(bytes) | Self::Stderr(bytes) => bytes,
        }
    }

    fn cut(mut self, length: usize) -> Self {
        match &mut self {
            Self::Stdout(bytes) | Self::Stderr(bytes) => bytes.truncate(length),
        }
        self
    }
}

#[cfg(test)]
mod benchmarks;
#[cfg(test)]
mod tests;
