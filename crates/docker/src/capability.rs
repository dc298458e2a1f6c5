//! What an engine can enforce, from what it says of itself.

use bollard::models::{SystemInfo, SystemInfoCgroupDriverEnum};
use inline_runtime::{Capabilities, Capability, Support};

/// What an engine puts in place of a commit when the program is missing.
const NO_COMMIT: &str = "N/A";
const GPU_RUNTIME: &str = "nvidia";

/// Reads the capabilities out of what the engine says. Limits are checked against the kernel later, by `limits.rs`.
pub(crate) fn capabilities(info: &SystemInfo) -> Capabilities {
    use Capability as C;
    let has_cgroups = !matches!(
        info.cgroup_driver,
        Some(SystemInfoCgroupDriverEnum::NONE | SystemInfoCgroupDriverEnum::EMPTY) | None
    );
    let limit = |flag: Option<bool>, controller: &str| {
        if !has_cgroups {
            Support::absent(
                "the engine runs without control groups; a rootless one needs cgroup v2, systemd and delegation",
            )
        } else if flag == Some(true) {
            Support::Present
        } else {
            Support::absent(format!(
                "cgroup controller `{controller}` is not there or not delegated to the engine"
            ))
        }
    };
    let memory = match limit(info.memory_limit, "memory") {
        Support::Present if info.swap_limit != Some(true) => Support::absent(
            "the kernel of the engine's host does not count swap, so that memory could grow into it; boot it with \
             `swapaccount=1` or cgroup v2",
        ),
        other => other,
    };
    let oom_detection = match &memory {
        Support::Present => Support::Present,
        Support::Absent { .. } => Support::absent("it needs `memory`"),
    };
    let quota = info
        .cpu_cfs_quota
        .zip(info.cpu_cfs_period)
        .map(|(quota, period)| quota && period);
    let always = [
        C::Pull,
        C::Ulimits,
        C::NetworkNone,
        C::ReadonlyRootfs,
        C::BindMounts,
        C::Volumes,
        C::TmpfsInodes,
    ];
    always
        .into_iter()
        .fold(Capabilities::none("the engine does not tell"), |table, capability| {
            table.with(capability, Support::Present)
        })
        .with(C::Memory, memory)
        .with(C::OomDetection, oom_detection)
        .with(C::NanoCpus, limit(quota, "cpu"))
        .with(C::PidsLimit, limit(info.pids_limit, "pids"))
        .with(C::Stats, limit(Some(true), "memory"))
        .with(C::Seccomp, seccomp(info))
        .with(
            C::UserNamespace,
            Support::absent("Docker maps users for the whole engine only; the driver `podman` maps them per container"),
        )
        .with(C::OciRuntime, Support::Present)
        .with(C::Gpus, gpus(info))
        .with(C::Init, init(info))
}

fn seccomp(info: &SystemInfo) -> Support {
    if security_option(info, "seccomp").is_some() {
        Support::Present
    } else {
        Support::absent("the engine was built, or its host's kernel was, without seccomp")
    }
}

/// Says whether the engine filters system calls where a spec leaves the filter to it.
pub(crate) fn default_seccomp(info: &SystemInfo) -> Support {
    match security_option(info, "seccomp") {
        None => Support::absent("the engine has no seccomp"),
        Some(option) if option.contains("profile=unconfined") => {
            Support::absent("the engine's default seccomp profile is `unconfined`")
        }
        Some(_) => Support::Present,
    }
}

/// Returns whether the engine runs without root.
pub(crate) fn is_rootless(info: &SystemInfo) -> bool {
    security_option(info, "rootless").is_some()
}

/// Finds the entry `name=NAME[,key=value]…` of the engine's security options.
fn security_option<'a>(info: &'a SystemInfo, name: &str) -> Option<&'a str> {
    let is_named = |option: &&str| option.split(',').next().and_then(|first| first.strip_prefix("name=")) == Some(name);
    let mut options = info.security_options.iter().flatten().map(String::as_str);
    options.find(is_named)
}

fn gpus(info: &SystemInfo) -> Support {
    let has_runtime = info
        .runtimes
        .as_ref()
        .is_some_and(|runtimes| runtimes.contains_key(GPU_RUNTIME));
    let is_gpu = |id: &str| id.contains("/gpu=");
    let has_device = info
        .discovered_devices
        .iter()
        .flatten()
        .any(|device| device.id.as_deref().is_some_and(is_gpu));
    if has_runtime || has_device {
        Support::Present
    } else {
        Support::absent(format!(
            "the engine has no OCI runtime `{GPU_RUNTIME}`; install the NVIDIA container toolkit on its host"
        ))
    }
}

fn init(info: &SystemInfo) -> Support {
    let commit = info.init_commit.as_ref().and_then(|commit| commit.id.as_deref());
    match &info.init_binary {
        Some(binary) if !binary.is_empty() && commit != Some(NO_COMMIT) => Support::Present,
        _ => Support::absent("the engine finds no init program; install `docker-init`, that is `tini`, on its host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(changes: &str) -> SystemInfo {
        let mut info = serde_json::json!({
            "MemoryLimit": true, "SwapLimit": true, "CpuCfsPeriod": true, "CpuCfsQuota": true, "PidsLimit": true,
            "CgroupDriver": "cgroupfs", "CgroupVersion": "1", "InitBinary": "docker-init", "InitCommit": {"ID": ""},
            "Runtimes": {"runc": {"path": "runc"}}, "SecurityOptions": ["name=seccomp,profile=default"],
        });
        let changes: serde_json::Value = serde_json::from_str(changes).unwrap();
        info.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        serde_json::from_value(info).unwrap()
    }

    fn absent(changes: &str) -> Vec<&'static str> {
        let table = capabilities(&info(changes));
        let absent = table.iter().filter(|(_, support)| !support.is_present());
        absent.map(|(capability, _)| capability.name()).collect()
    }

    #[test]
    fn each_word_of_the_engine_counts() {
        for (changes, expected) in [
            ("{}", vec!["user_namespace", "gpus"]),
            (
                r#"{"SwapLimit": false}"#,
                vec!["memory", "user_namespace", "gpus", "oom_detection"],
            ),
            (r#"{"PidsLimit": false}"#, vec!["pids_limit", "user_namespace", "gpus"]),
            (r#"{"CpuCfsQuota": false}"#, vec!["nano_cpus", "user_namespace", "gpus"]),
            (r#"{"SecurityOptions": []}"#, vec!["seccomp", "user_namespace", "gpus"]),
            (
                r#"{"InitCommit": {"ID": "N/A"}}"#,
                vec!["user_namespace", "gpus", "init"],
            ),
            (r#"{"Runtimes": {"nvidia": {}}}"#, vec!["user_namespace"]),
            (
                r#"{"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}"#,
                vec!["user_namespace"],
            ),
            (
                r#"{"CgroupDriver": "none"}"#,
                vec![
                    "memory",
                    "nano_cpus",
                    "pids_limit",
                    "user_namespace",
                    "gpus",
                    "stats",
                    "oom_detection",
                ],
            ),
        ] {
            assert_eq!(absent(changes), expected, "{changes}");
        }
    }

    #[test]
    fn an_engine_without_a_default_filter_is_seen() {
        let support = |options: &str| default_seccomp(&info(&format!(r#"{{"SecurityOptions": {options}}}"#)));
        assert!(support(r#"["name=apparmor", "name=seccomp,profile=builtin"]"#).is_present());
        assert!(!support(r#"["name=seccomp,profile=unconfined"]"#).is_present());
        assert!(!support("[]").is_present());
    }
}
