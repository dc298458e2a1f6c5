//! What can go wrong on demand.

use inline_runtime::{ErrorKind, ExitStatus};

/// Names a method of the contract that asks the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// [`info`](inline_runtime::ContainerRuntime::info)
    Info,
    /// [`pull`](inline_runtime::ContainerRuntime::pull)
    Pull,
    /// [`image`](inline_runtime::ContainerRuntime::image)
    Image,
    /// [`create`](inline_runtime::ContainerRuntime::create)
    Create,
    /// [`start`](inline_runtime::ContainerRuntime::start)
    Start,
    /// [`exec`](inline_runtime::ContainerRuntime::exec)
    Exec,
    /// [`kill`](inline_runtime::ContainerRuntime::kill)
    Kill,
    /// [`remove`](inline_runtime::ContainerRuntime::remove)
    Remove,
    /// [`inspect`](inline_runtime::ContainerRuntime::inspect)
    Inspect,
    /// [`list`](inline_runtime::ContainerRuntime::list)
    List,
    /// [`stats`](inline_runtime::ContainerRuntime::stats)
    Stats,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing was done.
    Fail(ErrorKind),
    /// It does its work, and fails all the same: a container is made and its id lost.
    FailAfterwards(ErrorKind),
    /// It never answers.
    Hang,
    /// The connection is cut: this call, all later ones and every open stream are
    /// [`Unavailable`](ErrorKind::Unavailable).
    Disconnect,
    /// `start` and `exec`: the connection of this one process is lost after so many events. The process runs on.
    LoseAfter(usize),
    /// `start` and `exec`: the process dies in this way after so many events.
    DieAfter(usize, ExitStatus),
}

/// What happens to one stream of events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StreamFault {
    LoseAfter(usize),
    DieAfter(usize, ExitStatus),
}

impl Operation {
    /// Returns the name of the method.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Pull => "pull",
            Self::Image => "image",
            Self::Create => "create",
            Self::Start => "start",
            Self::Exec => "exec",
            Self::Kill => "kill",
            Self::Remove => "remove",
            Self::Inspect => "inspect",
            Self::List => "list",
            Self::Stats => "stats",
        }
    }
}

impl Fault {
    pub(crate) fn of_stream(self) -> Option<StreamFault> {
        match self {
            Self::LoseAfter(events) => Some(StreamFault::LoseAfter(events)),
            Self::DieAfter(events, status) => Some(StreamFault::DieAfter(events, status)),
            _ => None,
        }
    }
}
