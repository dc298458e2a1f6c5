//! The body of a create, as the service wants it.
//!
//! The service ignores keys that it does not know, so a misspelt one is never an error: what matters for safety is checked
//! in an inspect afterwards, see [`verify`](crate::verify).

use std::collections::BTreeMap;
use std::path::Path;

use inline_runtime::{ContainerSpec, Gpus, Mount, MountKind, NetworkMode, Tmpfs, Ulimit};
use serde::Serialize;

use crate::facts::Facts;
use crate::id_mappings::IdMappings;
use crate::limits::{CPU_PERIOD_MICROS, Limits};

/// What is not in the spec itself.
#[derive(Debug)]
pub(crate) struct Extras<'a> {
    /// The program where a wrapper stands before it; otherwise the spec's own.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) annotations: BTreeMap<&'static str, String>,
    pub(crate) seccomp_profile: Option<&'a Path>,
    /// Whether limits are set by the wrapper and not by control groups.
    pub(crate) by_rlimit: bool,
}

/// A container to be.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the keys are the service's, and these are switches there"
)]
pub(crate) struct Body<'a> {
    name: &'a str,
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    command: Vec<String>,
    env: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    stdin: bool,
    terminal: bool,
    mounts: Vec<MountBody<'a>>,
    volumes: Vec<VolumeBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_limits: Option<ResourceLimits>,
    r_limits: Vec<RlimitBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shm_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oom_score_adj: Option<i16>,
    read_only_filesystem: bool,
    /// Later services mount unbounded tmpfs on `/run`, `/tmp` and `/var/tmp` of a read-only container otherwise.
    read_write_tmpfs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<Namespace>,
    cap_add: &'a [String],
    cap_drop: &'a [String],
    no_new_privileges: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seccomp_profile_path: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userns: Option<Namespace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idmappings: Option<IdMappings>,
    init: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    oci_runtime: Option<&'a str>,
    devices: Vec<DeviceBody>,
    /// The default writes all output to a file without a bound.
    log_configuration: LogBody,
    /// The default mounts more if the program is called like an init.
    systemd: &'static str,
}

#[derive(Debug, Serialize)]
struct MountBody<'a> {
    destination: &'a str,
    r#type: &'static str,
    source: &'a str,
    options: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeBody<'a> {
    name: &'a str,
    dest: &'a str,
    options: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct ResourceLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<PidsLimit>,
}

#[derive(Debug, Serialize)]
struct MemoryLimit {
    limit: u64,
    swap: Option<u64>,
}

#[derive(Debug, Serialize)]
struct CpuLimit {
    quota: u64,
    period: u64,
}

#[derive(Debug, Serialize)]
struct PidsLimit {
    limit: u64,
}

#[derive(Debug, Serialize)]
struct RlimitBody {
    r#type: String,
    soft: u64,
    hard: u64,
}

#[derive(Debug, Serialize)]
struct Namespace {
    nsmode: &'static str,
}

#[derive(Debug, Serialize)]
struct DeviceBody {
    path: String,
}

#[derive(Debug, Serialize)]
struct LogBody {
    driver: &'static str,
}

impl<'a> Body<'a> {
    /// Creates the body for a spec that was validated.
    pub(crate) fn new(spec: &'a ContainerSpec, facts: &Facts, extras: Extras<'a>) -> Self {
        let idmappings = IdMappings::of(spec, facts, extras.by_rlimit);
        let (entrypoint, command) = match extras.command {
            // The empty word says that there is no entrypoint; an empty list would take the image's.
            Some(command) => (Some(vec![String::new()]), command),
            None => (spec.entrypoint.as_deref().map(entrypoint), spec.cmd.clone()),
        };
        Self {
            name: &spec.name,
            image: spec.image.pinned(),
            entrypoint,
            command,
            env: &spec.env,
            work_dir: spec.working_dir.as_deref(),
            user: spec.user.as_deref(),
            hostname: spec.hostname.as_deref(),
            labels: &spec.labels,
            annotations: extras.annotations,
            stdin: spec.stdin,
            terminal: false,
            mounts: mounts(spec),
            volumes: spec.mounts.iter().filter_map(volume).collect(),
            resource_limits: (!extras.by_rlimit)
                .then(|| resource_limits(&Limits::of(spec)))
                .flatten(),
            r_limits: spec.ulimits.iter().map(rlimit).collect(),
            shm_size: spec.shm_size,
            oom_score_adj: spec.oom_score_adj,
            read_only_filesystem: spec.readonly_rootfs,
            read_write_tmpfs: false,
            netns: (spec.network_mode == NetworkMode::None).then_some(Namespace { nsmode: "none" }),
            cap_add: &spec.cap_add,
            cap_drop: &spec.cap_drop,
            no_new_privileges: spec.no_new_privileges,
            seccomp_profile_path: extras.seccomp_profile,
            userns: idmappings.is_some().then_some(Namespace { nsmode: "private" }),
            idmappings,
            init: spec.init,
            oci_runtime: spec.oci_runtime.as_deref(),
            devices: spec.gpus.iter().flat_map(gpus).collect(),
            log_configuration: LogBody { driver: "none" },
            systemd: "false",
        }
    }
}

fn entrypoint(words: &[String]) -> Vec<String> {
    if words.is_empty() {
        vec![String::new()]
    } else {
        words.to_vec()
    }
}

fn mounts(spec: &ContainerSpec) -> Vec<MountBody<'_>> {
    let binds = spec.mounts.iter().filter_map(bind);
    binds.chain(spec.tmpfs.iter().map(tmpfs)).collect()
}

fn bind(mount: &Mount) -> Option<MountBody<'_>> {
    (mount.kind == MountKind::Bind).then(|| MountBody {
        destination: &mount.target,
        r#type: "bind",
        source: &mount.source,
        options: ["rbind", "rprivate", access(mount)].map(str::to_owned).to_vec(),
    })
}

fn volume(mount: &Mount) -> Option<VolumeBody<'_>> {
    (mount.kind == MountKind::Volume).then(|| VolumeBody {
        name: &mount.source,
        dest: &mount.target,
        options: [access(mount)],
    })
}

fn access(mount: &Mount) -> &'static str {
    if mount.read_only { "ro" } else { "rw" }
}

fn tmpfs(tmpfs: &Tmpfs) -> MountBody<'_> {
    let exec = if tmpfs.exec { "exec" } else { "noexec" };
    let size = format!("size={}", tmpfs.size);
    MountBody {
        destination: &tmpfs.target,
        r#type: "tmpfs",
        source: "tmpfs",
        options: ["rw", "nosuid", "nodev", exec, &size, "mode=1777", "notmpcopyup"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn rlimit(ulimit: &Ulimit) -> RlimitBody {
    RlimitBody {
        r#type: ulimit.name.name().to_ascii_uppercase(),
        soft: ulimit.soft,
        hard: ulimit.hard,
    }
}

fn resource_limits(limits: &Limits) -> Option<ResourceLimits> {
    (!limits.is_empty()).then(|| ResourceLimits {
        memory: limits.memory.map(|limit| MemoryLimit {
            limit,
            swap: limits.memory_swap,
        }),
        cpu: limits.cpu_quota_micros().map(|quota| CpuLimit {
            quota,
            period: CPU_PERIOD_MICROS,
        }),
        pids: limits.pids_limit.map(|limit| PidsLimit { limit }),
    })
}

/// Devices are numbered from 0, as `nvidia-ctk` names them.
fn gpus(gpus: &Gpus) -> Vec<DeviceBody> {
    let device = |name: &str| DeviceBody {
        path: format!("nvidia.com/gpu={name}"),
    };
    match gpus {
        Gpus::Count(count) => (0..*count).map(|index| device(&index.to_string())).collect(),
        Gpus::DeviceIds(ids) => ids.iter().map(|id| device(id)).collect(),
        _ => vec![device("all")],
    }
}

#[cfg(test)]
mod tests;
