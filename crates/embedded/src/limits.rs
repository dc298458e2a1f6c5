//! What a container is held to, by the kernel's control groups or, where these do not bind, by resource limits.
//!
//! Everything here is reading and writing of small files. What binds is found out once, by effect, and a container's
//! limits are read back before its program runs.

mod connect;
mod controller;
mod file;
mod group;
mod hierarchy;
mod limiter;
mod owner;
mod place;
mod probe;
mod scope;
mod sweep;
#[cfg(test)]
mod tests;

use inline_runtime::ContainerSpec;
use serde::{Deserialize, Serialize};

pub(crate) use limiter::Limiter;
pub(crate) use place::Place;

/// Says by what means limits may bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LimitPolicy {
    /// By control groups alone; where these do not bind, a spec with limits is refused.
    Cgroup,
    /// By control groups, and where these do not bind by resource limits of each process. Default.
    ///
    /// That is weaker: a program that forks can use more memory than was asked for, what lies in a tmpfs is not counted,
    /// and CPU cannot be limited. Memory is address space: Python runs in 256 MiB of it; programs that reserve much more
    /// than they use, such as Node.js, want gigabytes.
    #[default]
    Rlimit,
}

/// What a container was asked to be limited to, in the words and units of [`ContainerSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) memory: Option<u64>,
    pub(crate) memory_swap: Option<u64>,
    pub(crate) nano_cpus: Option<u64>,
    pub(crate) pids_limit: Option<u64>,
}

/// What each program must be limited to by `setrlimit`, since no control group does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessLimits {
    /// `RLIMIT_AS`, bytes.
    pub(crate) address_space: Option<u64>,
    /// `RLIMIT_NPROC`, counted for each user of each user namespace.
    pub(crate) processes: Option<u64>,
}

impl Limits {
    /// Returns what a spec asks for.
    pub(crate) fn of(spec: &ContainerSpec) -> Self {
        Self {
            memory: spec.memory,
            memory_swap: spec.memory_swap,
            nano_cpus: spec.nano_cpus,
            pids_limit: spec.pids_limit,
        }
    }

    /// Returns how much may lie in swap, bytes: none, unless it was asked for.
    fn swap(&self) -> Option<u64> {
        let memory = self.memory?;
        Some(self.memory_swap.unwrap_or(memory).saturating_sub(memory))
    }

    /// Returns the CPU time in each [`CPU_PERIOD_MICROS`], microseconds. The kernel takes no less than a thousand.
    fn cpu_quota_micros(&self) -> Option<u64> {
        self.nano_cpus
            .map(|nano_cpus| (nano_cpus / (1_000_000_000 / CPU_PERIOD_MICROS)).max(1_000))
    }
}

/// The period that CPU time is dealt out in, microseconds; Docker's and the kernel's own.
const CPU_PERIOD_MICROS: u64 = 100_000;
