use super::*;
use crate::{Mount, Support, Tmpfs, Ulimit, UlimitName};

fn spec() -> ContainerSpec {
    ContainerSpec::new("alpine".parse().unwrap(), "test")
}

fn everything() -> Capabilities {
    Capability::ALL
        .into_iter()
        .fold(Capabilities::none(""), |table, capability| {
            table.with(capability, Support::Present)
        })
}

#[test]
fn a_full_spec_is_valid() {
    let full = spec()
        .with_cmd(["sh"])
        .with_env("A", "b=c")
        .with_working_dir("/workspace")
        .with_user("65534:65534")
        .with_hostname("sandbox")
        .with_mount(Mount::bind("/srv/a", "/workspace"))
        .with_mount(Mount::volume("cache", "/cache"))
        .with_tmpfs(Tmpfs::new("/tmp", 1 << 20).with_nr_inodes(100))
        .with_memory(64 << 20)
        .with_memory_swap(64 << 20)
        .with_nano_cpus(500_000_000)
        .with_pids_limit(64)
        .with_ulimit(Ulimit::new(UlimitName::Nofile, 256))
        .with_oom_score_adj(500)
        .with_cap_add("CAP_CHOWN")
        .with_seccomp(Seccomp::Profile("{}".to_owned()))
        .with_userns(Userns::KeepId)
        .with_init(true)
        .with_oci_runtime("crun")
        .with_gpus(Gpus::All);
    full.validate(&everything()).unwrap();
}

#[test]
fn what_contradicts_itself_is_invalid() {
    let cases = vec![
        ("name", spec().with_name("../info")),
        ("empty name", spec().with_name("")),
        ("no instance", spec().with_label(labels::INSTANCE, "")),
        ("hostname", spec().with_hostname("a_b")),
        ("nul", spec().with_cmd(["a\0b"])),
        ("empty program", spec().with_cmd([""])),
        ("env name", spec().with_env("A=B", "")),
        ("working_dir", spec().with_working_dir("relative")),
        ("dots", spec().with_working_dir("/a/../b")),
        ("user", spec().with_user("a b")),
        ("user option", spec().with_user("-u")),
        ("little memory", spec().with_memory(1024)),
        ("memory that turns negative", spec().with_memory(u64::MAX)),
        ("swap alone", spec().with_memory_swap(64 << 20)),
        (
            "swap below memory",
            spec().with_memory(64 << 20).with_memory_swap(32 << 20),
        ),
        ("no cpu", spec().with_nano_cpus(0)),
        ("no pids", spec().with_pids_limit(0)),
        ("score", spec().with_oom_score_adj(1001)),
        (
            "soft above hard",
            spec().with_ulimit(Ulimit::new(UlimitName::Core, 0).with_soft(1)),
        ),
        (
            "ulimit twice",
            spec()
                .with_ulimit(Ulimit::new(UlimitName::Core, 0))
                .with_ulimit(Ulimit::new(UlimitName::Core, 1)),
        ),
        ("relative bind", spec().with_mount(Mount::bind("srv", "/a"))),
        ("volume path", spec().with_mount(Mount::volume("/srv", "/a"))),
        ("root mount", spec().with_tmpfs(Tmpfs::new("//", 4096))),
        ("no size", spec().with_tmpfs(Tmpfs::new("/tmp", 0))),
        (
            "target twice",
            spec()
                .with_tmpfs(Tmpfs::new("/a/", 4096))
                .with_mount(Mount::bind("/b", "/a")),
        ),
        ("capability", spec().with_cap_add("NET ADMIN")),
        (
            "profile path",
            spec().with_seccomp(Seccomp::Profile("/etc/seccomp.json".to_owned())),
        ),
        (
            "keep-id without ids",
            spec().with_userns(Userns::KeepId).with_user("nobody"),
        ),
        ("no gpus", spec().with_gpus(Gpus::Count(0))),
    ];
    for (what, spec) in cases {
        let error = spec.validate(&everything()).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{what}: {error}");
    }
}

#[test]
fn each_capability_refuses_what_needs_it() {
    let asks = vec![
        (Capability::Memory, spec().with_memory(64 << 20)),
        (Capability::NanoCpus, spec().with_nano_cpus(500_000_000)),
        (Capability::PidsLimit, spec().with_pids_limit(64)),
        (
            Capability::Ulimits,
            spec().with_ulimit(Ulimit::new(UlimitName::Core, 0)),
        ),
        (Capability::NetworkNone, spec()),
        (Capability::ReadonlyRootfs, spec()),
        (Capability::BindMounts, spec().with_mount(Mount::bind("/a", "/a"))),
        (Capability::Volumes, spec().with_mount(Mount::volume("a", "/a"))),
        (
            Capability::TmpfsInodes,
            spec().with_tmpfs(Tmpfs::new("/a", 4096).with_nr_inodes(10)),
        ),
        (
            Capability::Seccomp,
            spec().with_seccomp(Seccomp::Profile("{}".to_owned())),
        ),
        (
            Capability::UserNamespace,
            spec().with_userns(Userns::KeepId).with_user("1:1"),
        ),
        (Capability::OciRuntime, spec().with_oci_runtime("crun")),
        (Capability::Gpus, spec().with_gpus(Gpus::All)),
        (Capability::Init, spec().with_init(true)),
    ];
    for (capability, spec) in asks {
        let table = everything().with(capability, Support::absent("reason"));
        let error = spec.validate(&table).expect_err(capability.name());
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{capability}");
        assert!(
            error.message().contains("reason") && error.message().contains(capability.name()),
            "{error}"
        );
    }
}

#[test]
fn resource_limits_bind_no_swap() {
    let table = everything().with_limit_mechanism(LimitMechanism::Rlimit);
    let spec = spec().with_memory(64 << 20);
    spec.validate(&table).unwrap();
    assert_eq!(
        spec.with_memory_swap(64 << 20).validate(&table).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}
