//! What is mounted into a container.

use serde::{Deserialize, Serialize};

/// Mounts a host directory or a volume of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// The absolute host path of a bind mount, or the name of a volume.
    pub source: String,
    /// The absolute path in the container.
    pub target: String,
    /// Whether the container can only read it; the default of the constructors is `false`.
    #[serde(default)]
    pub read_only: bool,
}

/// Says what a [`Mount`] mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MountKind {
    /// A directory or file of the engine's host. It must exist; engines do not create it.
    Bind,
    /// A named volume of the engine.
    Volume,
}

impl Mount {
    /// Mounts the host path `source` at `target`, writable.
    pub fn bind(source: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            kind: MountKind::Bind,
            source: source.into(),
            target: target.into(),
            read_only: false,
        }
    }

    /// Mounts the engine's volume `name` at `target`, writable.
    pub fn volume(name: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            kind: MountKind::Volume,
            source: name.into(),
            target: target.into(),
            read_only: false,
        }
    }

    /// Sets whether the container can only read it.
    #[must_use]
    pub fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }
}

/// Mounts an empty filesystem in memory, always `nosuid` and `nodev`.
///
/// Its pages count as the container's memory, so `memory` must leave room for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tmpfs {
    /// The absolute path in the container.
    pub target: String,
    /// The size in bytes; required, since a tmpfs without one takes half of the host's memory.
    pub size: u64,
    /// The most files it may hold; `None` leaves the kernel's default. Needs `tmpfs_inodes`.
    #[serde(default)]
    pub nr_inodes: Option<u64>,
    /// Whether programs on it can be executed; the default of the constructor is `false`.
    #[serde(default)]
    pub exec: bool,
}

impl Tmpfs {
    /// Mounts `size` bytes at `target`, writable by every user (mode 1777), not executable.
    pub fn new(target: impl Into<String>, size: u64) -> Self {
        Self {
            target: target.into(),
            size,
            nr_inodes: None,
            exec: false,
        }
    }

    /// Sets the most files it may hold.
    #[must_use]
    pub fn with_nr_inodes(mut self, nr_inodes: u64) -> Self {
        self.nr_inodes = Some(nr_inodes);
        self
    }

    /// Sets whether programs on it can be executed.
    #[must_use]
    pub fn with_exec(mut self, exec: bool) -> Self {
        self.exec = exec;
        self
    }
}
