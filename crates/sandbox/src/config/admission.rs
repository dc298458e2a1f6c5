//! How many runs there may be at once, and how often.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::Result;

/// Bounds how many runs there may be at once, how many may wait, and how often an owner may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdmissionConfig {
    /// How many runs the whole service has at once. Default 8.
    pub max_running: NonZeroUsize,
    /// How many runs one owner has at once. Default 2.
    pub max_running_per_owner: NonZeroUsize,
    /// How many runs of the whole service may wait; 0 refuses at once. Default 256.
    pub queue_length: usize,
    /// How many runs of one owner may wait; 0 refuses at once. Default 16.
    pub queue_length_per_owner: usize,
    /// How long a run may wait. Default 60 s.
    #[serde(with = "inline_runtime::human::duration")]
    pub queue_timeout: Duration,
    /// How often one owner may ask.
    pub rate_limit: RateLimit,
    /// The CPU time of one owner in a day of UTC, or `None` for no bound; `"unlimited"` in a file. Default one hour.
    #[serde(with = "super::retention::unlimited")]
    pub daily_cpu: Option<Duration>,
}

/// Bounds how often one owner may ask: `runs` at once after a pause, then evenly `runs` in each `period`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many runs. Default 30.
    pub runs: NonZeroU32,
    /// The time that they are counted in. Default 60 s.
    #[serde(with = "inline_runtime::human::duration")]
    pub period: Duration,
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self {
            max_running: const { NonZeroUsize::new(8).unwrap() },
            max_running_per_owner: const { NonZeroUsize::new(2).unwrap() },
            queue_length: 256,
            queue_length_per_owner: 16,
            queue_timeout: Duration::from_mins(1),
            rate_limit: RateLimit::default(),
            daily_cpu: Some(Duration::from_hours(1)),
        }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            runs: const { NonZeroU32::new(30).unwrap() },
            period: Duration::from_mins(1),
        }
    }
}

impl AdmissionConfig {
    pub(super) fn validate(&self) -> Result<()> {
        if self.rate_limit.period < Duration::from_millis(1) {
            return Err(invalid(
                "admission.rate_limit.period",
                "it is shorter than a millisecond",
            ));
        }
        if self.queue_timeout.is_zero() {
            return Err(invalid(
                "admission.queue_timeout",
                "it is zero; to let nothing wait set `queue_length = 0`",
            ));
        }
        Ok(())
    }
}
