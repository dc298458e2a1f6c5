//! What a driver can enforce, with the reason for each thing that it cannot.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// Names one thing that a driver may or may not be able to enforce.
///
/// The list is short on purpose: only what changes a caller's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Images can be pulled from a registry.
    Pull,
    /// [`ContainerSpec::memory`](crate::ContainerSpec::memory) binds.
    Memory,
    /// [`ContainerSpec::nano_cpus`](crate::ContainerSpec::nano_cpus) binds.
    NanoCpus,
    /// [`ContainerSpec::pids_limit`](crate::ContainerSpec::pids_limit) binds.
    PidsLimit,
    /// [`ContainerSpec::ulimits`](crate::ContainerSpec::ulimits) bind, in the main process and in every exec.
    Ulimits,
    /// A container can be made without any network.
    NetworkNone,
    /// The root filesystem can be made read-only.
    ReadonlyRootfs,
    /// A host directory can be mounted.
    BindMounts,
    /// A named volume of the engine can be mounted.
    Volumes,
    /// [`Tmpfs::nr_inodes`](crate::Tmpfs::nr_inodes) binds.
    TmpfsInodes,
    /// A seccomp profile of the caller's can be loaded.
    Seccomp,
    /// [`Userns`](crate::Userns) can be chosen.
    UserNamespace,
    /// The OCI runtime can be chosen.
    OciRuntime,
    /// GPUs can be passed in.
    Gpus,
    /// An init process can be put before the program.
    Init,
    /// [`ContainerRuntime::stats`](crate::ContainerRuntime::stats) measures.
    Stats,
    /// A kill by the kernel's OOM killer is told apart from any other kill.
    OomDetection,
}

impl Capability {
    /// Holds every capability, in the order of tables.
    pub const ALL: [Self; 17] = [
        Self::Pull,
        Self::Memory,
        Self::NanoCpus,
        Self::PidsLimit,
        Self::Ulimits,
        Self::NetworkNone,
        Self::ReadonlyRootfs,
        Self::BindMounts,
        Self::Volumes,
        Self::TmpfsInodes,
        Self::Seccomp,
        Self::UserNamespace,
        Self::OciRuntime,
        Self::Gpus,
        Self::Init,
        Self::Stats,
        Self::OomDetection,
    ];

    /// Returns the name used in messages and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Memory => "memory",
            Self::NanoCpus => "nano_cpus",
            Self::PidsLimit => "pids_limit",
            Self::Ulimits => "ulimits",
            Self::NetworkNone => "network_none",
            Self::ReadonlyRootfs => "readonly_rootfs",
            Self::BindMounts => "bind_mounts",
            Self::Volumes => "volumes",
            Self::TmpfsInodes => "tmpfs_inodes",
            Self::Seccomp => "seccomp",
            Self::UserNamespace => "user_namespace",
            Self::OciRuntime => "oci_runtime",
            Self::Gpus => "gpus",
            Self::Init => "init",
            Self::Stats => "stats",
            Self::OomDetection => "oom_detection",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Says whether a driver can enforce one capability, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// The driver enforces it, or fails the call.
    Present,
    /// The driver refuses every spec that asks for it.
    Absent {
        /// The reason, and the cure where there is one: "cgroup controller `memory` is not delegated".
        why: String,
    },
}

impl Support {
    /// Creates an absence with its reason.
    pub fn absent(why: impl Into<String>) -> Self {
        Self::Absent { why: why.into() }
    }

    /// Returns whether the capability is present.
    pub fn is_present(&self) -> bool {
        matches!(self, Self::Present)
    }
}

/// Says by what means `memory` and `pids_limit` bind, where they are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitMechanism {
    /// Control groups: the limit is on the container as a whole.
    Cgroup,
    /// Resource limits: `memory` is address space of each process by itself, so a program that forks can use more.
    /// Used only where the operator allows it.
    Rlimit,
}

/// Holds what a driver can enforce on the engine that it is connected to.
///
/// What was never said is [`Support::Absent`], so that a forgotten line refuses work and never lets it through.
///
/// ```
/// use inline_runtime::{Capabilities, Capability, ErrorKind, Support};
///
/// let capabilities = Capabilities::none("not checked")
///     .with(Capability::Memory, Support::Present)
///     .with(Capability::Gpus, Support::absent("the engine has no GPU runtime"));
/// assert!(capabilities.require(Capability::Memory).is_ok());
/// let refused = capabilities.require(Capability::Gpus).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::Unsupported);
/// assert_eq!(refused.to_string(), "`gpus` is not supported: the engine has no GPU runtime");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    supports: [Support; Capability::ALL.len()],
    limit_mechanism: LimitMechanism,
}

impl Capabilities {
    /// Creates a table in which everything is absent for the reason `why`, to be filled with [`with`](Self::with).
    pub fn none(why: &str) -> Self {
        Self {
            supports: Capability::ALL.map(|_| Support::absent(why)),
            limit_mechanism: LimitMechanism::Cgroup,
        }
    }

    /// Sets the support of one capability.
    #[must_use]
    pub fn with(mut self, capability: Capability, support: Support) -> Self {
        self.supports[capability as usize] = support;
        self
    }

    /// Sets the means by which limits bind; the default is [`LimitMechanism::Cgroup`].
    #[must_use]
    pub fn with_limit_mechanism(mut self, mechanism: LimitMechanism) -> Self {
        self.limit_mechanism = mechanism;
        self
    }

    /// Returns the support of one capability.
    pub fn support(&self, capability: Capability) -> &Support {
        &self.supports[capability as usize]
    }

    /// Returns whether a capability is present.
    pub fn has(&self, capability: Capability) -> bool {
        self.support(capability).is_present()
    }

    /// Returns the means by which limits bind.
    pub fn limit_mechanism(&self) -> LimitMechanism {
        self.limit_mechanism
    }

    /// Returns every capability with its support, in the order of tables.
    pub fn iter(&self) -> impl Iterator<Item = (Capability, &Support)> {
        Capability::ALL.into_iter().zip(&self.supports)
    }

    /// Checks that a capability is present.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unsupported`] with the reason if it is absent.
    pub fn require(&self, capability: Capability) -> Result<()> {
        match self.support(capability) {
            Support::Present => Ok(()),
            Support::Absent { why } => Err(Error::new(
                ErrorKind::Unsupported,
                format!("`{capability}` is not supported: {why}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_all_is_the_order_of_the_table() {
        for (position, capability) in Capability::ALL.into_iter().enumerate() {
            assert_eq!(capability as usize, position, "{capability}");
        }
    }

    #[test]
    fn what_was_never_said_is_absent() {
        let capabilities = Capabilities::none("unknown");
        assert!(capabilities.iter().all(|(_, support)| !support.is_present()));
    }
}
