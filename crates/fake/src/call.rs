//! What was asked of a fake, for tests to check.

use inline_runtime::{ContainerId, ContainerSpec, ExecSpec, ImageReference, ListFilter, Signal};

use crate::Operation;

/// One call and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a method of the contract with its arguments")]
pub enum Call {
    Info,
    Pull(ImageReference),
    Image(ImageReference),
    Create(Box<ContainerSpec>),
    Start(ContainerId),
    Exec(ContainerId, Box<ExecSpec>),
    Kill(ContainerId, Signal),
    Remove(ContainerId),
    Inspect(ContainerId),
    List(ListFilter),
    Stats(ContainerId),
}

impl Call {
    /// Returns the method that was called.
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Info => Operation::Info,
            Self::Pull(_) => Operation::Pull,
            Self::Image(_) => Operation::Image,
            Self::Create(_) => Operation::Create,
            Self::Start(_) => Operation::Start,
            Self::Exec(..) => Operation::Exec,
            Self::Kill(..) => Operation::Kill,
            Self::Remove(_) => Operation::Remove,
            Self::Inspect(_) => Operation::Inspect,
            Self::List(_) => Operation::List,
            Self::Stats(_) => Operation::Stats,
        }
    }
}
