//! What a run may use: the operator's limits, which a caller may only narrow.

use std::fmt::Display;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Result, SandboxError};

/// Engines refuse less.
const MIN_MEMORY: u64 = 6 << 20;
/// The kernel's shortest CPU quota is a hundredth of a CPU.
const MIN_NANO_CPUS: u64 = 10_000_000;

/// Bounds what one run may use.
///
/// In a file a size is `256m` or bytes, a duration `30s` or seconds, and CPUs a number such as `0.5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The wall time of a run that asks for none. Default 30 s.
    #[serde(with = "inline_runtime::human::duration")]
    pub timeout: Duration,
    /// The longest wall time that a run can ask for. Default 120 s.
    #[serde(with = "inline_runtime::human::duration")]
    pub max_timeout: Duration,
    /// The CPU time of each process. Default 120 s.
    #[serde(with = "inline_runtime::human::duration")]
    pub cpu_time: Duration,
    /// The memory of all processes together, in bytes. Default 256 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub memory: u64,
    /// The share of CPU in billionths of one; `cpus` in a file. Default one CPU.
    #[serde(rename = "cpus", with = "crate::config::cpus")]
    pub nano_cpus: u64,
    /// How many processes and threads there may be at once. Default 64.
    pub pids_limit: u64,
    /// How much of the output is kept, in bytes; what comes after is counted and dropped. Default 1 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub output_kept: u64,
    /// The output at which a run is stopped, in bytes. Default 16 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub output_max: u64,
    /// The size of `/tmp`, in bytes; it counts as memory. Default 64 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub tmpfs: u64,
    /// The length of the source, in bytes. Default 1 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub source_bytes: u64,
    /// What the workspace may hold, in bytes. Default 512 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub workspace_bytes: u64,
    /// How many files and directories the workspace may hold. Default 50,000.
    pub workspace_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_timeout: Duration::from_mins(2),
            cpu_time: Duration::from_mins(2),
            memory: 256 << 20,
            nano_cpus: 1_000_000_000,
            pids_limit: 64,
            output_kept: 1 << 20,
            output_max: 16 << 20,
            tmpfs: 64 << 20,
            source_bytes: 1 << 20,
            workspace_bytes: 512 << 20,
            workspace_files: 50_000,
        }
    }
}

/// Holds what a caller asks for one run; what is `None` is left to the operator.
///
/// What belongs to the workspace, and the length of the source, is the operator's alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitRequest {
    /// The wall time; more than the default is given up to [`Limits::max_timeout`].
    pub timeout: Option<Duration>,
    /// The CPU time of each process.
    pub cpu_time: Option<Duration>,
    /// The memory in bytes.
    pub memory: Option<u64>,
    /// The share of CPU in billionths of one.
    pub nano_cpus: Option<u64>,
    /// How many processes and threads.
    pub pids_limit: Option<u64>,
    /// How much of the output is kept, in bytes.
    pub output_kept: Option<u64>,
    /// The output at which the run is stopped, in bytes.
    pub output_max: Option<u64>,
    /// The size of `/tmp` in bytes.
    pub tmpfs: Option<u64>,
}

impl Limits {
    /// Returns the limits of a run for which a caller asked `requested`.
    ///
    /// Each is the smaller of the two, so that no request widens anything; narrowing twice never gives back what the
    /// first took. A timeout may be longer than the default, up to [`max_timeout`](Self::max_timeout).
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidLimit`] for zero, or for less than an engine can enforce.
    pub fn narrow(&self, requested: &LimitRequest) -> Result<Self> {
        let span = |limit, value: Option<Duration>, ours: Duration| match value {
            Some(Duration::ZERO) => Err(refused(limit, "0 s", "nothing could run")),
            Some(value) => Ok(value.min(ours)),
            None => Ok(ours),
        };
        let number = |limit, value: Option<u64>, ours: u64, least: u64| match value {
            Some(value) if value < least => Err(refused(limit, value, too_little(least))),
            Some(value) => Ok(value.min(ours)),
            None => Ok(ours),
        };
        let timeout = match requested.timeout {
            Some(_) => span("timeout", requested.timeout, self.max_timeout)?,
            None => self.timeout,
        };
        let output_max = number("output_max", requested.output_max, self.output_max, 1)?;
        Ok(Self {
            timeout,
            max_timeout: timeout,
            cpu_time: span("cpu_time", requested.cpu_time, self.cpu_time)?,
            memory: number("memory", requested.memory, self.memory, MIN_MEMORY)?,
            nano_cpus: number("cpus", requested.nano_cpus, self.nano_cpus, MIN_NANO_CPUS)?,
            pids_limit: number("pids_limit", requested.pids_limit, self.pids_limit, 1)?,
            output_kept: number("output_kept", requested.output_kept, self.output_kept, 1)?.min(output_max),
            output_max,
            tmpfs: number("tmpfs", requested.tmpfs, self.tmpfs, 1)?,
            source_bytes: self.source_bytes,
            workspace_bytes: self.workspace_bytes,
            workspace_files: self.workspace_files,
        })
    }

    /// Checks that a source of `len` bytes is not too long.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::SourceTooLarge`].
    pub fn check_source(&self, len: usize) -> Result<()> {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        if len > self.source_bytes {
            return Err(SandboxError::SourceTooLarge {
                len,
                max: self.source_bytes,
            });
        }
        Ok(())
    }

    /// Checks that the operator's limits make sense together.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`] with the key under `limits`.
    pub fn validate(&self) -> Result<()> {
        let as_request = LimitRequest {
            timeout: Some(self.timeout),
            cpu_time: Some(self.cpu_time),
            memory: Some(self.memory),
            nano_cpus: Some(self.nano_cpus),
            pids_limit: Some(self.pids_limit),
            output_kept: Some(self.output_kept),
            output_max: Some(self.output_max),
            tmpfs: Some(self.tmpfs),
        };
        self.narrow(&as_request).map_err(|error| match error {
            SandboxError::InvalidLimit { limit, why, .. } => invalid(limit, why),
            other => other,
        })?;
        if self.max_timeout < self.timeout {
            return Err(invalid("max_timeout", "it is shorter than `limits.timeout`"));
        }
        if self.output_max < self.output_kept {
            return Err(invalid("output_max", "it is less than `limits.output_kept`"));
        }
        for (key, value) in [
            ("source_bytes", self.source_bytes),
            ("workspace_bytes", self.workspace_bytes),
            ("workspace_files", self.workspace_files),
        ] {
            if value == 0 {
                return Err(invalid(key, too_little(1)));
            }
        }
        Ok(())
    }
}

fn too_little(least: u64) -> &'static str {
    match least {
        MIN_MEMORY => "engines need 6 MiB at least",
        MIN_NANO_CPUS => "the kernel's least is 0.01 CPU",
        _ => "nothing could run",
    }
}

fn refused(limit: &'static str, value: impl Display, why: &'static str) -> SandboxError {
    SandboxError::InvalidLimit {
        limit,
        value: value.to_string(),
        why,
    }
}

fn invalid(key: &str, why: &str) -> SandboxError {
    SandboxError::InvalidConfig {
        key: format!("limits.{key}"),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests;
