//! Per-process resource limits.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Limits one resource of every process by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Ulimit {
    /// The resource.
    pub name: UlimitName,
    /// The limit that the process may raise up to `hard`, in the unit of the resource.
    pub soft: u64,
    /// The limit that holds, in the unit of the resource.
    pub hard: u64,
}

/// Names a resource that [`Ulimit`] limits.
///
/// `as` and `nproc` are missing on purpose: set by an engine, the first breaks OCI runtimes that are written in Go and the
/// second counts the user's processes outside the container. Use `memory` and `pids_limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UlimitName {
    /// The size of a core file, bytes.
    Core,
    /// CPU time, seconds: `SIGXCPU` at the soft limit, `SIGKILL` at the hard one.
    Cpu,
    /// The size of one file, bytes.
    Fsize,
    /// Locked memory, bytes.
    Memlock,
    /// Open files.
    Nofile,
    /// The stack, bytes.
    Stack,
}

impl Ulimit {
    /// Creates a limit whose soft and hard value are the same.
    pub fn new(name: UlimitName, value: u64) -> Self {
        Self {
            name,
            soft: value,
            hard: value,
        }
    }

    /// Sets the soft limit.
    #[must_use]
    pub fn with_soft(mut self, soft: u64) -> Self {
        self.soft = soft;
        self
    }
}

impl UlimitName {
    /// Returns the name that Docker and `ulimit`'s manual use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Cpu => "cpu",
            Self::Fsize => "fsize",
            Self::Memlock => "memlock",
            Self::Nofile => "nofile",
            Self::Stack => "stack",
        }
    }
}

impl fmt::Display for UlimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
