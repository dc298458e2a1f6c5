//! Why a run is refused for now.

use std::fmt;
use std::time::Duration;

use crate::Owner;

/// Says what there is too much of, in [`SandboxError::Busy`](crate::SandboxError::Busy).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BusyReason {
    /// The queue of the whole service is full.
    #[error("the queue is full: {waiting} runs are waiting")]
    QueueFull {
        /// How many wait.
        waiting: usize,
    },
    /// The owner has too many runs waiting.
    #[error("`{owner}` has {waiting} runs waiting already")]
    OwnerQueueFull {
        /// The owner.
        owner: Owner,
        /// How many of the owner's wait.
        waiting: usize,
    },
    /// The run waited as long as it may.
    #[error("no slot came free within {}", Seconds(*.waited))]
    QueueTimeout {
        /// How long it waited.
        waited: Duration,
    },
    /// The owner asks too often.
    #[error("`{owner}` asks too often: {allowed} runs in {} are allowed", Seconds(*.period))]
    RateLimited {
        /// The owner.
        owner: Owner,
        /// How many are allowed within the period.
        allowed: u32,
        /// The period.
        period: Duration,
    },
    /// The owner's CPU time of the day is used up.
    #[error("`{owner}` has used {} of CPU time today, {} are allowed", Seconds(*.used), Seconds(*.allowed))]
    DailyCpu {
        /// The owner.
        owner: Owner,
        /// What was used since midnight UTC.
        used: Duration,
        /// What may be used in a day.
        allowed: Duration,
    },
    /// There are as many sessions as there may be.
    #[error("{allowed} sessions are open already")]
    TooManySessions {
        /// How many there may be, of the owner or of all.
        allowed: usize,
    },
    /// The service is shutting down.
    #[error("the service is shutting down")]
    ShuttingDown,
}

/// Prints a duration in seconds, with a fraction only where there is one.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", (self.0.as_secs_f64() * 10.0).round() / 10.0)
    }
}
