//! Chooses by what means limits bind, and makes the place of each container.

use std::sync::Arc;

use inline_runtime::{Capabilities, Capability, CgroupVersion, Error, ErrorKind, LimitMechanism, Result, Support};

use super::controller::Controller;
use super::group::Group;
use super::owner::{Owner, unsupported};
use super::place::{Kept, Place};
use super::probe::Bindings;
use super::scope::Ferry;
use super::{LimitPolicy, Limits, ProcessLimits, connect};

const NO_CPU_RLIMIT: &str = "no resource limit bounds the rate of CPU use; bound the CPU time of each process by the \
                             ulimit `cpu`";
const NO_OOM: &str = "without control groups the kernel counts no OOM kills of a container; past its address space a \
                      program fails to allocate instead";
const NO_STATS: &str = "without control groups of its own a container cannot be measured";

/// Where the limits of containers are kept, chosen once. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Limiter(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) means: Means,
    pub(super) bindings: Bindings,
    pub(super) cgroup_version: CgroupVersion,
    pub(super) policy: LimitPolicy,
}

/// What a container is kept by.
#[derive(Debug)]
pub(super) enum Means {
    Groups { owner: Arc<Owner>, ferry: Option<Ferry> },
    Nothing,
}

impl Limiter {
    /// Finds what binds here and removes what killed processes have left.
    ///
    /// It never fails: what does not bind is told by [`fill`](Self::fill). It takes milliseconds, and at most some 10 s
    /// where a service manager does not answer.
    pub(crate) fn connect(policy: LimitPolicy) -> Self {
        Self(Arc::new(connect::connect(policy)))
    }

    /// Fills in what binds, by which means.
    pub(crate) fn fill(&self, table: Capabilities) -> Capabilities {
        let bindings = &self.0.bindings;
        if self.is_by_rlimit() {
            return table
                .with(Capability::Memory, Support::Present)
                .with(Capability::PidsLimit, Support::Present)
                .with(Capability::NanoCpus, Support::absent(NO_CPU_RLIMIT))
                .with(Capability::OomDetection, Support::absent(NO_OOM))
                .with(Capability::Stats, Support::absent(NO_STATS))
                .with_limit_mechanism(LimitMechanism::Rlimit);
        }
        table
            .with(Capability::Memory, bindings.memory.clone())
            .with(Capability::PidsLimit, bindings.pids.clone())
            .with(Capability::NanoCpus, bindings.cpu.clone())
            .with(Capability::OomDetection, bindings.memory.clone())
            .with(Capability::Stats, bindings.stats.clone())
            .with_limit_mechanism(LimitMechanism::Cgroup)
    }

    /// Returns the version of the control groups of this machine.
    pub(crate) fn cgroup_version(&self) -> CgroupVersion {
        self.0.cgroup_version
    }

    /// Says in one line by what means limits bind.
    pub(crate) fn describe(&self) -> String {
        if self.is_by_rlimit() {
            return "resource limits of each process".to_owned();
        }
        match &self.0.means {
            Means::Groups { owner, .. } => match owner.directory() {
                Some(directory) => format!("control groups below `{}`", directory.display()),
                None => "nothing".to_owned(),
            },
            Means::Nothing => "nothing".to_owned(),
        }
    }

    /// Checks that limits can bind, without making anything.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unsupported`] for a limit that no means here enforces.
    pub(crate) fn check(&self, limits: &Limits) -> Result<()> {
        if self.is_by_rlimit() && limits.memory_swap.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "`memory_swap` cannot be limited by resource limits",
            )
            .with_hint("leave `memory_swap` out"));
        }
        let table = self.fill(Capabilities::none(NO_STATS));
        for (asked, capability) in [
            (limits.memory, Capability::Memory),
            (limits.pids_limit, Capability::PidsLimit),
            (limits.nano_cpus, Capability::NanoCpus),
        ] {
            if asked.is_some() {
                table.require(capability)?;
            }
        }
        Ok(())
    }

    /// Makes the place of one container and sets its limits, read back.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unsupported`] for a limit that no means here enforces.
    /// - [`ErrorKind::ResourceExhausted`], [`ErrorKind::PermissionDenied`] or [`ErrorKind::Unexpected`] if the kernel
    ///   refuses a group or its limit.
    pub(crate) fn place(&self, container: &str, limits: &Limits) -> Result<Place> {
        self.check(limits)?;
        if self.is_by_rlimit() {
            return Ok(Place::new(Kept::Processes {
                limits: ProcessLimits {
                    address_space: limits.memory,
                    processes: limits.pids_limit,
                },
                why: NO_STATS.to_owned(),
            }));
        }
        match &self.0.means {
            Means::Groups { owner, ferry } => limited(owner, ferry.as_ref(), container, limits),
            Means::Nothing => Ok(Place::new(Kept::Processes {
                limits: ProcessLimits::default(),
                why: NO_STATS.to_owned(),
            })),
        }
    }

    fn is_by_rlimit(&self) -> bool {
        let Bindings { memory, pids, .. } = &self.0.bindings;
        self.0.policy == LimitPolicy::Rlimit && !(memory.is_present() && pids.is_present())
    }
}

/// Makes groups and limits them.
fn limited(owner: &Arc<Owner>, ferry: Option<&Ferry>, container: &str, limits: &Limits) -> Result<Place> {
    let (place, groups) = grouped(owner, ferry, container)?;
    for (asked, controller) in [
        (limits.memory, Controller::Memory),
        (limits.pids_limit, Controller::Pids),
        (limits.nano_cpus, Controller::Cpu),
    ] {
        if asked.is_some() {
            limit(owner, &groups, controller, limits)?;
        }
    }
    Ok(place)
}

/// Makes groups without limits.
pub(super) fn grouped(owner: &Arc<Owner>, ferry: Option<&Ferry>, container: &str) -> Result<(Place, Vec<Group>)> {
    let groups = owner.groups(container)?;
    let place = Place::new(Kept::Groups {
        groups: groups.clone(),
        owner: Arc::clone(owner),
        ferry: ferry.cloned(),
    });
    Ok((place, groups))
}

/// Sets one kind of limit in the group that has it.
pub(super) fn limit(owner: &Owner, groups: &[Group], controller: Controller, limits: &Limits) -> Result<()> {
    match groups.iter().find(|group| group.controllers.contains(&controller)) {
        Some(group) => group.limit(controller, limits),
        None => Err(unsupported(
            controller,
            owner.missing(controller).unwrap_or("it was not handed down"),
        )),
    }
}
