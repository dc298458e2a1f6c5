use inline_runtime::{CgroupVersion, Seccomp, UlimitName, Userns};
use serde_json::json;

use super::*;
use crate::facts::Host;

fn facts() -> Facts {
    Facts {
        version: "4.3.1".to_owned(),
        rootless: true,
        cgroup_version: CgroupVersion::V2,
        cgroup_manager: "systemd".to_owned(),
        cgroup_controllers: Vec::new(),
        unbound: None,
        oci_runtime: "crun".to_owned(),
        seccomp: true,
        uids: 65_537,
        gids: 65_537,
        host: Host {
            is_here: true,
            reads_our_files: true,
            has_init: true,
            has_gpus: true,
        },
    }
}

fn extras() -> Extras<'static> {
    Extras {
        command: None,
        annotations: BTreeMap::new(),
        seccomp_profile: None,
        by_rlimit: false,
    }
}

fn spec() -> ContainerSpec {
    let mut spec = ContainerSpec::new("python:3.11-slim".parse().unwrap(), "test").with_name("it");
    spec.labels.retain(|name, _| name == inline_runtime::labels::INSTANCE);
    spec
}

#[test]
fn every_field_has_its_place() {
    let spec = spec()
        .with_cmd(["python3", "-"])
        .with_entrypoint(["env"])
        .with_env("A", "b")
        .with_working_dir("/workspace")
        .with_user("65534:65534")
        .with_hostname("sandbox")
        .with_stdin(true)
        .with_mount(Mount::bind("/srv/a", "/workspace"))
        .with_mount(Mount::volume("cache", "/cache").with_read_only(true))
        .with_tmpfs(Tmpfs::new("/tmp", 1 << 20))
        .with_memory(64 << 20)
        .with_nano_cpus(500_000_000)
        .with_pids_limit(64)
        .with_ulimit(Ulimit::new(UlimitName::Nofile, 256))
        .with_shm_size(8 << 20)
        .with_oom_score_adj(500)
        .with_cap_add("CAP_CHOWN")
        .with_seccomp(Seccomp::Profile("{}".to_owned()))
        .with_userns(Userns::KeepId)
        .with_init(true)
        .with_oci_runtime("crun")
        .with_gpus(Gpus::Count(2));
    let extras = Extras {
        annotations: BTreeMap::from([("io.inline.note", "x".to_owned())]),
        seccomp_profile: Some(Path::new("/run/profile.json")),
        ..extras()
    };
    let map = json!([
        {"container_id": 0, "host_id": 1, "size": 65534},
        {"container_id": 65534, "host_id": 0, "size": 1},
        {"container_id": 65535, "host_id": 65535, "size": 2},
    ]);
    let expected = json!({
        "name": "it",
        "image": "docker.io/library/python:3.11-slim",
        "entrypoint": ["env"],
        "command": ["python3", "-"],
        "env": {"A": "b"},
        "work_dir": "/workspace",
        "user": "65534:65534",
        "hostname": "sandbox",
        "labels": {"inline.instance": "test"},
        "annotations": {"io.inline.note": "x"},
        "stdin": true,
        "terminal": false,
        "mounts": [
            {"destination": "/workspace", "type": "bind", "source": "/srv/a", "options": ["rbind", "rprivate", "rw"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
             "options": ["rw", "nosuid", "nodev", "noexec", "size=1048576", "mode=1777", "notmpcopyup"]},
        ],
        "volumes": [{"Name": "cache", "Dest": "/cache", "Options": ["ro"]}],
        "resource_limits": {
            "memory": {"limit": 67_108_864, "swap": 67_108_864},
            "cpu": {"quota": 50_000, "period": 100_000},
            "pids": {"limit": 64},
        },
        "r_limits": [{"type": "NOFILE", "soft": 256, "hard": 256}],
        "shm_size": 8_388_608,
        "oom_score_adj": 500,
        "read_only_filesystem": true,
        "read_write_tmpfs": false,
        "netns": {"nsmode": "none"},
        "cap_add": ["CAP_CHOWN"],
        "cap_drop": ["ALL"],
        "no_new_privileges": true,
        "seccomp_profile_path": "/run/profile.json",
        "userns": {"nsmode": "private"},
        "idmappings": {"UIDMap": map, "GIDMap": map},
        "init": true,
        "oci_runtime": "crun",
        "devices": [{"path": "nvidia.com/gpu=0"}, {"path": "nvidia.com/gpu=1"}],
        "log_configuration": {"driver": "none"},
        "systemd": "false",
    });
    assert_eq!(
        serde_json::to_value(Body::new(&spec, &facts(), extras)).unwrap(),
        expected
    );
}

#[test]
fn what_is_not_said_is_left_to_the_image() {
    let body = serde_json::to_value(Body::new(&spec(), &facts(), extras())).unwrap();
    for key in [
        "entrypoint",
        "command",
        "user",
        "work_dir",
        "resource_limits",
        "userns",
        "oci_runtime",
    ] {
        assert_eq!(body.get(key), None, "{key}");
    }
    let spec = spec().with_entrypoint::<[&str; 0], _>([]);
    let body = serde_json::to_value(Body::new(&spec, &facts(), extras())).unwrap();
    assert_eq!(body["entrypoint"], json!([""]));
}

#[test]
fn a_wrapper_takes_the_place_of_limits() {
    let spec = spec().with_memory(64 << 20).with_pids_limit(8).with_cmd(["true"]);
    let extras = Extras {
        command: Some(vec!["/bin/sh".to_owned()]),
        by_rlimit: true,
        ..extras()
    };
    let body = serde_json::to_value(Body::new(&spec, &facts(), extras)).unwrap();
    assert_eq!(body.get("resource_limits"), None);
    assert_eq!(
        (&body["entrypoint"], &body["command"]),
        (&json!([""]), &json!(["/bin/sh"]))
    );
    // A namespace of its own with the ids of the default.
    assert_eq!(
        body["idmappings"]["UIDMap"],
        json!([{"container_id": 0, "host_id": 0, "size": 1}, {"container_id": 1, "host_id": 1, "size": 65536}])
    );
}
