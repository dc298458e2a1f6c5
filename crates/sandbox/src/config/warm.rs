//! How many containers are made ahead.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bounds the containers that are made ahead, so that the next run of their owner starts at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WarmConfig {
    /// How many may wait at once; 0 makes none ahead. Default 4.
    pub max_containers: usize,
    /// The sum of their memory limits, in bytes. Default 1 GiB.
    #[serde(with = "inline_runtime::human::size")]
    pub max_memory: u64,
    /// How long one waits before it is removed. Default 10 min.
    #[serde(with = "inline_runtime::human::duration")]
    pub idle_timeout: Duration,
}

impl Default for WarmConfig {
    fn default() -> Self {
        Self {
            max_containers: 4,
            max_memory: 1 << 30,
            idle_timeout: Duration::from_mins(10),
        }
    }
}
