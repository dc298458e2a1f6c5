//! A spec in the words of Docker's API. Pure: the whole mapping is here, and nowhere else.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, DeviceRequest, ExecConfig, HostConfig, HostConfigLogConfig, Mount, MountBindOptions,
    MountBindOptionsPropagationEnum, MountType, ResourcesUlimits,
};
use inline_runtime::{ContainerSpec, ExecSpec, Gpus, MountKind, NetworkMode, Seccomp, Tmpfs, Ulimit};

use crate::connect::ApiVersion;

/// The first API in which a read-only bind mount can be made to reach what is mounted below it.
const RECURSIVE_READ_ONLY_API: ApiVersion = ApiVersion { major: 1, minor: 44 };

/// Translates a valid spec. What is not said here stays as the engine has it.
pub(crate) fn container(spec: &ContainerSpec, api: ApiVersion) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.pinned()),
        cmd: (!spec.cmd.is_empty()).then(|| spec.cmd.clone()),
        entrypoint: spec.entrypoint.clone(),
        env: Some(env(&spec.env)),
        working_dir: spec.working_dir.clone(),
        user: spec.user.clone(),
        hostname: spec.hostname.clone(),
        labels: Some(spec.labels.clone().into_iter().collect()),
        attach_stdin: Some(spec.stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(spec.stdin),
        // A client that vanishes is an end of file then, so that the program does not wait for ever.
        stdin_once: Some(spec.stdin),
        // With a terminal the output has no frames, and the client would read what the program prints as headers.
        tty: Some(false),
        host_config: Some(host(spec, api)),
        ..ContainerCreateBody::default()
    }
}

/// Lists variables as `NAME=value`.
fn env(env: &BTreeMap<String, String>) -> Vec<String> {
    env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Translates a valid spec of a further process.
pub(crate) fn exec(spec: &ExecSpec) -> ExecConfig {
    ExecConfig {
        cmd: Some(spec.cmd.clone()),
        env: Some(env(&spec.env)),
        working_dir: spec.working_dir.clone(),
        user: spec.user.clone(),
        attach_stdin: Some(spec.stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        ..ExecConfig::default()
    }
}

fn host(spec: &ContainerSpec, api: ApiVersion) -> HostConfig {
    HostConfig {
        memory: spec.memory.map(signed),
        memory_swap: spec.effective_memory_swap().map(signed),
        nano_cpus: spec.nano_cpus.map(signed),
        pids_limit: spec.pids_limit.map(signed),
        shm_size: spec.shm_size.map(signed),
        oom_score_adj: spec.oom_score_adj.map(i64::from),
        ulimits: Some(spec.ulimits.iter().map(ulimit).collect()),
        readonly_rootfs: Some(spec.readonly_rootfs),
        network_mode: Some(network(spec.network_mode).to_owned()),
        ipc_mode: Some("private".to_owned()),
        cap_add: Some(spec.cap_add.clone()),
        cap_drop: Some(spec.cap_drop.clone()),
        security_opt: Some(security_opt(spec)),
        mounts: Some(spec.mounts.iter().map(|one| mount(one, api)).collect()),
        tmpfs: Some(tmpfs(spec)),
        device_requests: spec.gpus.as_ref().map(|gpus| vec![device_request(gpus)]),
        runtime: spec.oci_runtime.clone(),
        init: Some(spec.init),
        privileged: Some(false),
        // The driver removes it, when all that is to be learnt from it is.
        auto_remove: Some(false),
        // Output is for the caller; a log of it on the host's disk would have no bound.
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".to_owned()),
            config: None,
        }),
        ..HostConfig::default()
    }
}

fn network(mode: NetworkMode) -> &'static str {
    match mode {
        NetworkMode::Default => "default",
        // A mode that this driver does not know of yet must not open the network.
        _ => "none",
    }
}

fn security_opt(spec: &ContainerSpec) -> Vec<String> {
    let mut options = Vec::new();
    if spec.no_new_privileges {
        options.push("no-new-privileges".to_owned());
    }
    if let Seccomp::Profile(profile) = &spec.seccomp {
        options.push(format!("seccomp={profile}"));
    }
    options
}

fn ulimit(ulimit: &Ulimit) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some(ulimit.name.name().to_owned()),
        soft: Some(signed(ulimit.soft)),
        hard: Some(signed(ulimit.hard)),
    }
}

fn mount(mount: &inline_runtime::Mount, api: ApiVersion) -> Mount {
    let is_bind = mount.kind == MountKind::Bind;
    Mount {
        typ: Some(if is_bind { MountType::BIND } else { MountType::VOLUME }),
        source: Some(mount.source.clone()),
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        bind_options: is_bind.then(|| {
            // What is mounted below a read-only directory would stay writable by default. Older engines can only leave
            // it out; newer ones can make it read-only, or fail.
            let is_recursive = api >= RECURSIVE_READ_ONLY_API;
            MountBindOptions {
                propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
                non_recursive: Some(mount.read_only && !is_recursive),
                read_only_force_recursive: (mount.read_only && is_recursive).then_some(true),
                ..MountBindOptions::default()
            }
        }),
        ..Mount::default()
    }
}

fn tmpfs(spec: &ContainerSpec) -> HashMap<String, String> {
    let owner = owner(spec);
    let one = |tmpfs: &Tmpfs| (tmpfs.target.clone(), tmpfs_options(tmpfs, owner));
    spec.tmpfs.iter().map(one).collect()
}

fn tmpfs_options(tmpfs: &Tmpfs, owner: Option<(u32, u32)>) -> String {
    let exec = if tmpfs.exec { "exec" } else { "noexec" };
    let nr_inodes = tmpfs.nr_inodes.map(|number| format!(",nr_inodes={number}"));
    let owner = owner.map(|(uid, gid)| format!(",uid={uid},gid={gid}"));
    format!(
        "rw,nosuid,nodev,{exec},size={},mode=1777{}{}",
        tmpfs.size,
        nr_inodes.unwrap_or_default(),
        owner.unwrap_or_default()
    )
}

/// Finds whom a tmpfs is to belong to. Up to runc 1.1 it gets the mode of the directory that it covers, whatever
/// `mode=` says, usually 0755: then only its owner can write to it.
fn owner(spec: &ContainerSpec) -> Option<(u32, u32)> {
    let uid_alone = || spec.user.as_deref()?.parse().ok();
    spec.numeric_user().or_else(|| Some((uid_alone()?, 0)))
}

fn device_request(gpus: &Gpus) -> DeviceRequest {
    let (count, device_ids) = match gpus {
        Gpus::Count(count) => (Some(i64::from(*count)), None),
        Gpus::DeviceIds(ids) => (None, Some(ids.clone())),
        // All of them, in Docker's words.
        _ => (Some(-1), None),
    };
    DeviceRequest {
        count,
        device_ids,
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    }
}

/// Validation refused every number that does not fit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use inline_runtime::{Mount, UlimitName};
    use serde_json::{Value, json};

    use super::*;

    const OLD: ApiVersion = ApiVersion { major: 1, minor: 41 };

    fn spec() -> ContainerSpec {
        let mut spec = ContainerSpec::new("alpine".parse().unwrap(), "test");
        spec.labels.remove("inline.created");
        spec
    }

    fn body(spec: &ContainerSpec) -> Value {
        serde_json::to_value(container(spec, OLD)).unwrap()
    }

    #[test]
    fn a_new_spec_is_closed() {
        let expected = json!({
            "Image": "docker.io/library/alpine:latest",
            "Env": [],
            "Labels": {"inline.instance": "test"},
            "AttachStdin": false, "AttachStdout": true, "AttachStderr": true,
            "OpenStdin": false, "StdinOnce": false, "Tty": false,
            "HostConfig": {
                "Ulimits": [], "ReadonlyRootfs": true, "NetworkMode": "none", "IpcMode": "private",
                "CapAdd": [], "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"],
                "Mounts": [], "Tmpfs": {}, "Init": false, "Privileged": false, "AutoRemove": false,
                "LogConfig": {"Type": "none"},
            },
        });
        let mut actual = body(&spec());
        actual.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        for empty in ["ExposedPorts", "Volumes"] {
            actual.as_object_mut().unwrap().remove(empty);
        }
        assert_eq!(actual, expected);
    }

    #[test]
    fn every_field_arrives() {
        let full = spec()
            .with_cmd(["sh", "-c", "true"])
            .with_entrypoint(Vec::<String>::new())
            .with_env("A", "b=c")
            .with_working_dir("/workspace")
            .with_user("65534:65533")
            .with_hostname("sandbox")
            .with_stdin(true)
            .with_mount(Mount::bind("/srv/a", "/a").with_read_only(true))
            .with_mount(Mount::volume("cache", "/cache"))
            .with_tmpfs(Tmpfs::new("/tmp", 1 << 20).with_nr_inodes(100).with_exec(true))
            .with_memory(64 << 20)
            .with_nano_cpus(500_000_000)
            .with_pids_limit(64)
            .with_ulimit(Ulimit::new(UlimitName::Nofile, 256).with_soft(128))
            .with_shm_size(8 << 20)
            .with_oom_score_adj(500)
            .with_readonly_rootfs(false)
            .with_network_mode(NetworkMode::Default)
            .with_cap_add("CHOWN")
            .with_cap_drop(["NET_RAW"])
            .with_no_new_privileges(false)
            .with_seccomp(Seccomp::Profile("{}".to_owned()))
            .with_init(true)
            .with_oci_runtime("crun")
            .with_gpus(Gpus::Count(2));
        let body = body(&full);
        for (pointer, value) in [
            ("/Cmd", json!(["sh", "-c", "true"])),
            ("/Entrypoint", json!([])),
            ("/Env", json!(["A=b=c"])),
            ("/WorkingDir", json!("/workspace")),
            ("/User", json!("65534:65533")),
            ("/Hostname", json!("sandbox")),
            ("/AttachStdin", json!(true)),
            ("/OpenStdin", json!(true)),
            ("/StdinOnce", json!(true)),
            ("/HostConfig/Memory", json!(64 << 20)),
            ("/HostConfig/MemorySwap", json!(64 << 20)),
            ("/HostConfig/NanoCpus", json!(500_000_000)),
            ("/HostConfig/PidsLimit", json!(64)),
            (
                "/HostConfig/Ulimits",
                json!([{"Name": "nofile", "Soft": 128, "Hard": 256}]),
            ),
            ("/HostConfig/ShmSize", json!(8 << 20)),
            ("/HostConfig/OomScoreAdj", json!(500)),
            ("/HostConfig/ReadonlyRootfs", json!(false)),
            ("/HostConfig/NetworkMode", json!("default")),
            ("/HostConfig/CapAdd", json!(["CHOWN"])),
            ("/HostConfig/CapDrop", json!(["NET_RAW"])),
            ("/HostConfig/SecurityOpt", json!(["seccomp={}"])),
            ("/HostConfig/Init", json!(true)),
            ("/HostConfig/Runtime", json!("crun")),
            (
                "/HostConfig/DeviceRequests",
                json!([{"Count": 2, "Capabilities": [["gpu"]]}]),
            ),
            (
                "/HostConfig/Tmpfs",
                json!({"/tmp": "rw,nosuid,nodev,exec,size=1048576,mode=1777,nr_inodes=100,uid=65534,gid=65533"}),
            ),
            (
                "/HostConfig/Mounts",
                json!([
                    {
                        "Type": "bind", "Source": "/srv/a", "Target": "/a", "ReadOnly": true,
                        "BindOptions": {"Propagation": "rprivate", "NonRecursive": true},
                    },
                    {"Type": "volume", "Source": "cache", "Target": "/cache", "ReadOnly": false},
                ]),
            ),
        ] {
            assert_eq!(body.pointer(pointer), Some(&value), "{pointer}");
        }
    }

    #[test]
    fn newer_engines_make_all_of_a_bind_mount_read_only() {
        let read_only = Mount::bind("/srv/a", "/a").with_read_only(true);
        let options = mount(&read_only, RECURSIVE_READ_ONLY_API).bind_options.unwrap();
        assert_eq!(
            (options.non_recursive, options.read_only_force_recursive),
            (Some(false), Some(true))
        );
        let writable = mount(&Mount::bind("/srv/a", "/a"), OLD).bind_options.unwrap();
        assert_eq!(
            (writable.non_recursive, writable.read_only_force_recursive),
            (Some(false), None)
        );
    }

    #[test]
    fn a_tmpfs_belongs_to_a_numeric_user() {
        let options = |user: &str| tmpfs(&spec().with_user(user).with_tmpfs(Tmpfs::new("/t", 4096)))["/t"].clone();
        assert!(options("1000:100").ends_with(",uid=1000,gid=100"));
        assert!(options("1000").ends_with(",uid=1000,gid=0"));
        assert!(options("node").ends_with(",mode=1777"));
    }

    #[test]
    fn gpus_are_device_requests() {
        assert_eq!(device_request(&Gpus::All).count, Some(-1));
        let one = device_request(&Gpus::DeviceIds(vec!["0".to_owned()]));
        assert_eq!((one.count, one.device_ids), (None, Some(vec!["0".to_owned()])));
    }
}
