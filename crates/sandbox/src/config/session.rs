//! How many persistent interpreters there may be.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bounds the persistent interpreters, each of which keeps its memory while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionConfig {
    /// How many the whole service has. Default 16.
    pub max_sessions: NonZeroUsize,
    /// How many one owner has. Default 3.
    pub max_sessions_per_owner: NonZeroUsize,
    /// How long one is kept without a cell. Default 30 min.
    #[serde(with = "inline_runtime::human::duration")]
    pub idle_timeout: Duration,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            max_sessions: const { NonZeroUsize::new(16).unwrap() },
            max_sessions_per_owner: const { NonZeroUsize::new(3).unwrap() },
            idle_timeout: Duration::from_mins(30),
        }
    }
}
