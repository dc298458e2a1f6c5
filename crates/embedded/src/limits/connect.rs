//! Tries the means by which limits can bind, the best first.

use std::sync::Arc;

use inline_runtime::{CgroupVersion, Result};

use super::controller::{Controller, Version};
use super::hierarchy::{self, Hierarchy};
use super::limiter::{Inner, Means, grouped, limit};
use super::owner::Owner;
use super::probe::{Bindings, Idle, LIMITS, cause};
use super::scope::Ferry;
use super::{LimitPolicy, sweep};

const PROBE: &str = "probe";
const CURE_V1: &str = "only root can use control groups of version 1; boot the host with version 2 \
                       (`systemd.unified_cgroup_hierarchy=1`), run as root, or let resource limits stand in \
                       (`limits = \"rlimit\"`)";
const CURE_V2: &str = "run in the user's systemd session (`loginctl enable-linger USER`), in a service with \
                       `Delegate=yes` and `DelegateSubgroup=`, as root, or let resource limits stand in \
                       (`limits = \"rlimit\"`)";

/// Finds what binds.
pub(super) fn connect(policy: LimitPolicy) -> Inner {
    let hierarchies = needed(hierarchy::of_this_process().unwrap_or_default());
    for hierarchy in &hierarchies {
        sweep::sweep(hierarchy);
    }
    let cgroup_version = version(&hierarchies);
    let (means, bindings) = by_groups(&hierarchies);
    let (means, bindings) = if binds(&bindings) {
        (means, bindings)
    } else {
        by_ferry(&hierarchies).unwrap_or_else(|| (means, with_cure(bindings, cgroup_version)))
    };
    Inner {
        means,
        bindings,
        cgroup_version,
        policy,
    }
}

/// Leaves out the unified hierarchy of a hybrid host: it has no controllers, and each move into a group costs.
fn needed(mut hierarchies: Vec<Hierarchy>) -> Vec<Hierarchy> {
    if hierarchies.iter().any(|hierarchy| hierarchy.version == Version::V1) {
        hierarchies.retain(|hierarchy| hierarchy.version == Version::V1);
    }
    hierarchies
}

fn version(hierarchies: &[Hierarchy]) -> CgroupVersion {
    match hierarchies.first().map(|hierarchy| hierarchy.version) {
        Some(Version::V1) => CgroupVersion::V1,
        Some(Version::V2) => CgroupVersion::V2,
        None => CgroupVersion::Unknown,
    }
}

fn by_groups(hierarchies: &[Hierarchy]) -> (Means, Bindings) {
    tried(Owner::make(hierarchies), None)
}

/// A user whose process is in no delegated group may have a service manager that is.
fn by_ferry(hierarchies: &[Hierarchy]) -> Option<(Means, Bindings)> {
    let [hierarchy] = hierarchies else {
        return None;
    };
    if hierarchy.version == Version::V1 || nix::unistd::geteuid().is_root() {
        return None;
    }
    let ferry = Ferry::of(hierarchy);
    let scope = Idle::start().ok()?.carried(&ferry).ok()?;
    let (means, bindings) = tried(Owner::below(scope.parent()?, hierarchy), Some(ferry));
    binds(&bindings).then_some((means, bindings))
}

/// Says what binds in the groups of an owner.
fn tried(owner: Owner, ferry: Option<Ferry>) -> (Means, Bindings) {
    let owner = Arc::new(owner);
    if let (None, Some(why)) = (owner.directory(), owner.missing(Controller::Memory)) {
        return (Means::Nothing, Bindings::none(why));
    }
    let bindings = match grouped(&owner, ferry.as_ref(), PROBE) {
        Ok((place, groups)) => {
            let bindings = Bindings::of(&place, |controller| {
                limit(&owner, &groups, controller, &LIMITS).map_err(|error| cause(&error))
            });
            remove(place.remove());
            bindings
        }
        Err(error) => Bindings::none(&cause(&error)),
    };
    (Means::Groups { owner, ferry }, bindings)
}

/// Anything that binds is worth having.
fn binds(bindings: &Bindings) -> bool {
    bindings.memory.is_present() || bindings.pids.is_present()
}

fn with_cure(bindings: Bindings, version: CgroupVersion) -> Bindings {
    let cure = match version {
        _ if nix::unistd::geteuid().is_root() => return bindings,
        CgroupVersion::V1 => CURE_V1,
        _ => CURE_V2,
    };
    let with = |support| match support {
        inline_runtime::Support::Absent { why } => inline_runtime::Support::absent(format!("{why}; {cure}")),
        present @ inline_runtime::Support::Present => present,
    };
    Bindings {
        memory: with(bindings.memory),
        pids: with(bindings.pids),
        cpu: with(bindings.cpu),
        stats: with(bindings.stats),
    }
}

fn remove(result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the control group of a probe remains until the next start");
    }
}
