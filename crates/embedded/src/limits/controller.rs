//! The controllers that limit and measure, and the versions they come in.

/// The version of a hierarchy of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

impl Version {
    /// Returns how many of the helper's own processes are in a container's group: the one that serves, which puts itself in,
    /// and in version 2 the one that watches, which is put in.
    pub(super) const fn helper_processes(self) -> u64 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// What a controller is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Controller {
    Memory,
    Pids,
    Cpu,
    /// Measures CPU time. In version 2 every group does.
    Cpuacct,
}

impl Controller {
    pub(super) const ALL: [Self; 4] = [Self::Memory, Self::Pids, Self::Cpu, Self::Cpuacct];
    /// Those that version 2 has by name.
    pub(super) const UNIFIED: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    /// Returns the kernel's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
        }
    }
}
