//! What binds on a service, by the facts about it.
//!
//! The facts can be wrong: what a container was asked to be limited to is checked again by effect before its program runs,
//! see [`start`](crate::start).

use inline_runtime::{Capabilities, Capability, CgroupVersion, LimitMechanism, Support};

use crate::config::LimitPolicy;
use crate::facts::Facts;

const CGROUP_V1: &str = "rootless Podman cannot limit by control groups of version 1; boot the host with version 2 \
                         (`systemd.unified_cgroup_hierarchy=1`), run the service as root, or let resource limits stand in \
                         (`limits = \"rlimit\"`)";
const NOT_SYSTEMD: &str = "the service manages control groups without systemd, so none is delegated to it; run it in the \
                           user's systemd session (`loginctl enable-linger USER` and \
                           `systemctl --user enable --now podman.socket`)";
const ELSEWHERE: &str = "the service's processes are not on this host, so whether limits bind cannot be checked; run the \
                         driver beside the service";
const NO_CPU_RLIMIT: &str = "no resource limit bounds the rate of CPU use; bound the CPU time of each process by the \
                             ulimit `cpu`";
const NO_CGROUP_OOM: &str = "without control groups the kernel counts no OOM kills of a container; past its address space \
                             a program fails to allocate instead";
const NO_INODES: &str = "Podman takes no `nr_inodes` option for a tmpfs; bound it by `size`";
const NO_GPUS: &str = "no CDI specification of `nvidia.com/gpu` is in `/etc/cdi` or `/var/run/cdi`; make one with \
                       `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`";
const NO_INIT: &str = "the service has no `catatonit`; install it on its host";
const OTHER_USER: &str =
    "the service runs as another user, who cannot read a profile of ours; run the driver as that user";
const NO_SECCOMP: &str = "the service has seccomp switched off";
const ROOTFUL: &str = "a service of root has no user to map to; use a rootless one";
const NO_STATS: &str = "without control groups of its own a container cannot be measured";

/// Returns what binds.
pub(crate) fn table(facts: &Facts, policy: LimitPolicy) -> Capabilities {
    let memory = cgroup_limit(facts, "memory");
    let pids = cgroup_limit(facts, "pids");
    let by_rlimit = policy == LimitPolicy::Rlimit && !(memory.is_present() && pids.is_present());
    let table = Capabilities::none("not known of Podman")
        .with(Capability::Pull, Support::Present)
        .with(Capability::Ulimits, Support::Present)
        .with(Capability::NetworkNone, Support::Present)
        .with(Capability::ReadonlyRootfs, Support::Present)
        .with(Capability::BindMounts, Support::Present)
        .with(Capability::Volumes, Support::Present)
        .with(Capability::TmpfsInodes, Support::absent(NO_INODES))
        .with(Capability::Seccomp, seccomp(facts))
        .with(Capability::UserNamespace, present_if(facts.rootless, ROOTFUL))
        // Services before the one that obeys are found out by an inspect of each container that asks for one.
        .with(Capability::OciRuntime, Support::Present)
        .with(Capability::Gpus, present_if(facts.host.has_gpus, NO_GPUS))
        .with(Capability::Init, present_if(facts.host.has_init, NO_INIT))
        .with(Capability::Stats, stats(facts, &memory));
    if by_rlimit {
        table
            .with(Capability::Memory, Support::Present)
            .with(Capability::PidsLimit, own_user_namespace(facts))
            .with(Capability::NanoCpus, Support::absent(NO_CPU_RLIMIT))
            .with(Capability::OomDetection, Support::absent(NO_CGROUP_OOM))
            .with_limit_mechanism(LimitMechanism::Rlimit)
    } else {
        let oom = match &memory {
            Support::Present => Support::Present,
            Support::Absent { .. } => Support::absent(NO_CGROUP_OOM),
        };
        table
            .with(Capability::Memory, memory)
            .with(Capability::PidsLimit, pids)
            .with(Capability::NanoCpus, cgroup_limit(facts, "cpu"))
            .with(Capability::OomDetection, oom)
    }
}

/// The rule that was found by experiment: the service's own `/info` claims limits that it does not apply.
fn cgroup_limit(facts: &Facts, controller: &str) -> Support {
    if let Some(field) = &facts.unbound {
        return Support::absent(format!(
            "a container was about to run without its `{field}`, since the kernel did not have the number"
        ));
    }
    if !facts.host.is_here {
        return Support::absent(ELSEWHERE);
    }
    if !facts.rootless {
        return Support::Present;
    }
    if facts.cgroup_version != CgroupVersion::V2 {
        return Support::absent(CGROUP_V1);
    }
    if facts.cgroup_manager != "systemd" {
        return Support::absent(NOT_SYSTEMD);
    }
    if !facts.cgroup_controllers.iter().any(|known| known == controller) {
        return Support::absent(format!(
            "cgroup controller `{controller}` is not delegated; write `[Service]` and `Delegate=cpu cpuset io memory pids` \
             to `/etc/systemd/system/user@.service.d/delegate.conf`, then log in again"
        ));
    }
    Support::Present
}

fn seccomp(facts: &Facts) -> Support {
    if facts.seccomp {
        present_if(facts.host.reads_our_files, OTHER_USER)
    } else {
        Support::absent(NO_SECCOMP)
    }
}

fn stats(facts: &Facts, memory: &Support) -> Support {
    let measured = !facts.rootless || (facts.cgroup_version == CgroupVersion::V2 && memory.is_present());
    present_if(measured, NO_STATS)
}

/// Processes are counted by user and user namespace, so a container must have a namespace to itself.
fn own_user_namespace(facts: &Facts) -> Support {
    present_if(facts.rootless, ROOTFUL)
}

fn present_if(condition: bool, why: &str) -> Support {
    if condition {
        Support::Present
    } else {
        Support::absent(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Host;

    fn facts(cgroup_version: CgroupVersion, manager: &str, controllers: &[&str]) -> Facts {
        Facts {
            version: "4.3.1".to_owned(),
            rootless: true,
            cgroup_version,
            cgroup_manager: manager.to_owned(),
            cgroup_controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
            unbound: None,
            oci_runtime: "crun".to_owned(),
            seccomp: true,
            uids: 65_537,
            gids: 65_537,
            host: Host {
                is_here: true,
                reads_our_files: true,
                has_init: false,
                has_gpus: false,
            },
        }
    }

    fn limits(facts: &Facts, policy: LimitPolicy) -> [bool; 5] {
        let table = table(facts, policy);
        [
            Capability::Memory,
            Capability::PidsLimit,
            Capability::NanoCpus,
            Capability::OomDetection,
            Capability::Stats,
        ]
        .map(|capability| table.has(capability))
    }

    #[test]
    fn limits_bind_only_with_delegation() {
        let delegated = ["cpuset", "cpu", "io", "memory", "pids"];
        for (facts, expected) in [
            (facts(CgroupVersion::V1, "cgroupfs", &[]), [false; 5]),
            (facts(CgroupVersion::V2, "systemd", &delegated), [true; 5]),
            (facts(CgroupVersion::V2, "cgroupfs", &[]), [false; 5]),
            (
                facts(CgroupVersion::V2, "systemd", &["memory", "pids"]),
                [true, true, false, true, true],
            ),
            (facts(CgroupVersion::V2, "systemd", &[]), [false; 5]),
        ] {
            assert_eq!(limits(&facts, LimitPolicy::Cgroup), expected, "{facts:?}");
        }
    }

    #[test]
    fn rlimits_stand_in_only_where_cgroups_do_not_bind() {
        let v1 = facts(CgroupVersion::V1, "cgroupfs", &[]);
        assert_eq!(limits(&v1, LimitPolicy::Rlimit), [true, true, false, false, false]);
        assert_eq!(
            table(&v1, LimitPolicy::Rlimit).limit_mechanism(),
            LimitMechanism::Rlimit
        );
        let v2 = facts(CgroupVersion::V2, "systemd", &["cpu", "memory", "pids"]);
        assert_eq!(
            table(&v2, LimitPolicy::Rlimit).limit_mechanism(),
            LimitMechanism::Cgroup
        );
    }

    #[test]
    fn a_service_elsewhere_cannot_be_checked() {
        let mut facts = facts(CgroupVersion::V2, "systemd", &["cpu", "memory", "pids"]);
        facts.host.is_here = false;
        assert_eq!(limits(&facts, LimitPolicy::Cgroup)[..4], [false; 4]);
    }

    #[test]
    fn one_limit_that_did_not_bind_is_enough() {
        let mut facts = facts(CgroupVersion::V2, "systemd", &["cpu", "memory", "pids"]);
        facts.unbound = Some("memory".to_owned());
        assert_eq!(limits(&facts, LimitPolicy::Cgroup)[..4], [false; 4]);
        assert_eq!(limits(&facts, LimitPolicy::Rlimit)[..2], [true; 2]);
    }

    #[test]
    fn the_reason_names_the_controller() {
        let facts = facts(CgroupVersion::V2, "systemd", &["memory", "pids"]);
        let error = table(&facts, LimitPolicy::Cgroup)
            .require(Capability::NanoCpus)
            .unwrap_err();
        assert!(
            error.to_string().contains("controller `cpu` is not delegated"),
            "{error}"
        );
    }
}
