//! Runtimes that break the contract in one way each: tests of the tests.

mod process;
mod runtime;

use inline_runtime::Capability;

pub use runtime::Faulty;

/// Names the one way in which a [`Faulty`] runtime breaks the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The stream of a process ends without the exit.
    ExitLost,
    /// The exit comes twice.
    ExitTwice,
    /// Every exit is with code 0.
    ExitAlwaysZero,
    /// A death by signal comes as an exit with 128 and its number.
    SignalAsCode,
    /// Standard output comes as standard error, and the other way round.
    StreamsSwapped,
    /// Standard error comes as standard output.
    StreamsMerged,
    /// Output past the first mebibyte is dropped.
    OutputTruncated,
    /// Output comes when the process has ended.
    OutputHeldBack,
    /// Output is read ahead without bound while nobody asks for it.
    OutputReadAhead,
    /// Each chunk of output is made valid UTF-8 by itself.
    OutputAsText,
    /// Standard input never ends.
    InputNeverEnds,
    /// The exit waits for whoever holds the output, here for two seconds.
    ExitLate,
    /// A program that is not found comes as an exit with 127.
    CommandNotFoundAsExit,
    /// A lost connection comes as an exit.
    LossAsExit,
    /// A call that is not answered waits for ever.
    NoTimeout,
    /// Dropping a process kills its container.
    DropKills,
    /// The OOM killer is never told.
    OomUntold,
    /// Every death by `SIGKILL` is put down to the OOM killer.
    OomForEveryKill,
    /// Signals are not sent.
    KillDoesNothing,
    /// `SIGKILL` is sent as `SIGTERM`.
    KillIsPolite,
    /// Removing what is not there is an error.
    RemoveNotIdempotent,
    /// A running container is given two seconds of grace.
    RemoveWaits,
    /// Containers are removed after the call has returned.
    RemoveReturnsEarly,
    /// The filter is ignored.
    ListIgnoresFilter,
    /// Only what runs is listed.
    ListRunningOnly,
    /// A taken name is replaced by another one.
    NameConflictIgnored,
    /// A container that cannot be made as asked is left behind in part.
    FailureLeavesContainer,
    /// A creation goes on that nobody waits for.
    DroppedCreationGoesOn,
    /// Labels other than the instance are dropped.
    LabelsLost,
    /// Variables are dropped.
    EnvIgnored,
    /// What needs this capability is taken out of every spec.
    Ignores(Capability),
    /// Programs may gain privileges.
    NewPrivilegesAllowed,
    /// Capabilities are not dropped.
    CapabilitiesKept,
    /// A tmpfs of the spec is executable.
    TmpfsExecutable,
    /// The state is that of the start for ever.
    StateStale,
    /// Measures are the same for all containers.
    StatsOfHost,
    /// A pull that failed comes as done.
    PullAlwaysDone,
}

impl Flaw {
    /// Holds every flaw.
    pub const ALL: &[Self] = &[
        Self::ExitLost,
        Self::ExitTwice,
        Self::ExitAlwaysZero,
        Self::SignalAsCode,
        Self::StreamsSwapped,
        Self::StreamsMerged,
        Self::OutputTruncated,
        Self::OutputHeldBack,
        Self::OutputReadAhead,
        Self::OutputAsText,
        Self::InputNeverEnds,
        Self::ExitLate,
        Self::CommandNotFoundAsExit,
        Self::LossAsExit,
        Self::NoTimeout,
        Self::DropKills,
        Self::OomUntold,
        Self::OomForEveryKill,
        Self::KillDoesNothing,
        Self::KillIsPolite,
        Self::RemoveNotIdempotent,
        Self::RemoveWaits,
        Self::RemoveReturnsEarly,
        Self::ListIgnoresFilter,
        Self::ListRunningOnly,
        Self::NameConflictIgnored,
        Self::FailureLeavesContainer,
        Self::DroppedCreationGoesOn,
        Self::LabelsLost,
        Self::EnvIgnored,
        Self::Ignores(Capability::Memory),
        Self::Ignores(Capability::NanoCpus),
        Self::Ignores(Capability::PidsLimit),
        Self::Ignores(Capability::Ulimits),
        Self::Ignores(Capability::NetworkNone),
        Self::Ignores(Capability::ReadonlyRootfs),
        Self::Ignores(Capability::BindMounts),
        Self::Ignores(Capability::TmpfsInodes),
        Self::Ignores(Capability::Seccomp),
        Self::Ignores(Capability::UserNamespace),
        Self::Ignores(Capability::OciRuntime),
        Self::Ignores(Capability::Init),
        Self::NewPrivilegesAllowed,
        Self::CapabilitiesKept,
        Self::TmpfsExecutable,
        Self::StateStale,
        Self::StatsOfHost,
        Self::PullAlwaysDone,
    ];
}
