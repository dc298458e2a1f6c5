//! What a container cannot reach. Filesystems are in [`filesystems`](crate::filesystems).

use inline_runtime::{Capability, ContainerSpec, Gpus, Seccomp, Tmpfs};

use crate::bench::Bench;
use crate::case::{Case, Need, case_table};
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::filesystems::{
    bind_mount, bind_mount_read_only, keep_id, readonly_rootfs, tmpfs_noexec, tmpfs_options, volume,
};
use crate::programs;
use crate::subject::Fixture;

pub(crate) const CASES: &[Case] = case_table![
    "isolation":
    capabilities,
    cap_add,
    no_new_privileges,
    seccomp_default,
    seccomp_profile[requiring(Capability::Seccomp)],
    user,
    network_none[requiring(Capability::NetworkNone)],
    processes,
    init[requiring(Capability::Init)],
    gpus[requiring(Capability::Gpus)],
    readonly_rootfs[requiring(Capability::ReadonlyRootfs)],
    tmpfs_noexec,
    tmpfs_options,
    bind_mount[requiring(Capability::BindMounts), needing(Need::HostDirectory)],
    bind_mount_read_only[requiring(Capability::BindMounts), needing(Need::HostDirectory)],
    volume[requiring(Capability::Volumes), needing(Need::Volume)],
    keep_id[requiring(Capability::UserNamespace), needing(Need::HostDirectory)],
];

const CAPABILITY_SETS: [&str; 5] = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

/// Root without capabilities is told from root with some in no other way.
async fn capabilities(bench: &Bench) -> Outcome {
    for user in [Bench::USER, "0:0"] {
        for status in statuses(bench, bench.idle_spec().with_user(user)).await? {
            for set in CAPABILITY_SETS {
                ensure_eq!(status.get(set)?, "0000000000000000", "{set} of user {user}");
            }
        }
    }
    Ok(())
}

async fn cap_add(bench: &Bench) -> Outcome {
    let spec = bench.idle_spec().with_user("0:0");
    for status in statuses(bench, spec.with_cap_add("CHOWN").with_cap_add("CAP_KILL")).await? {
        for set in ["CapPrm", "CapEff", "CapBnd"] {
            ensure_eq!(status.get(set)?, "0000000000000021", "{set}");
        }
    }
    Ok(())
}

async fn no_new_privileges(bench: &Bench) -> Outcome {
    for (asked, seen) in [(true, "1"), (false, "0")] {
        for status in statuses(bench, bench.idle_spec().with_no_new_privileges(asked)).await? {
            ensure_eq!(
                status.get("NoNewPrivs")?,
                seen,
                "NoNewPrivs where {asked} was asked for"
            );
        }
    }
    Ok(())
}

async fn seccomp_default(bench: &Bench) -> Outcome {
    for status in statuses(bench, bench.idle_spec()).await? {
        ensure_eq!(status.get("Seccomp")?, "2", "Seccomp, in which 2 is a filter");
    }
    Ok(())
}

/// The profile denies one thing, so that what fails is known to fail because of it.
async fn seccomp_profile(bench: &Bench) -> Outcome {
    let profile = r#"{
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 }]
    }"#;
    let open = bench.idle_spec().with_tmpfs(Tmpfs::new("/files", 1 << 20));
    let mut closed = open.clone().with_seccomp(Seccomp::Profile(profile.to_owned()));
    closed.name.push_str("-closed");
    for (spec, allowed) in [(open, true), (closed, false)] {
        let idle = bench.start(&spec).await?;
        let made = bench
            .exec_to_end(&idle.id, programs::MAKE_DIRECTORY.cmd(&["/files/a"]))
            .await?;
        ensure_eq!(made.status.is_success(), allowed, "whether `mkdir` succeeded");
        let mut main = spec.with_cmd(programs::MAKE_DIRECTORY.cmd(&["/files/a"]));
        main.name.push_str("-main");
        let made = bench.run(&main).await?;
        ensure_eq!(
            made.status.is_success(),
            allowed,
            "whether `mkdir` succeeded in the main process"
        );
    }
    Ok(())
}

/// No process is in the group of root by accident.
async fn user(bench: &Bench) -> Outcome {
    for status in statuses(bench, bench.idle_spec().with_user("1234:4321")).await? {
        ensure_eq!(status.get("Uid")?, "1234\t1234\t1234\t1234", "the user");
        ensure_eq!(status.get("Gid")?, "4321\t4321\t4321\t4321", "the group");
        let groups = status.get("Groups")?;
        ensure!(
            groups.split_whitespace().all(|group| group == "4321"),
            "further groups: {groups}"
        );
    }
    Ok(())
}

async fn network_none(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let cmd = programs::READ_FILES.cmd(&["/proc/net/dev"]);
    let devices = bench.exec_to_end(&idle.id, cmd).await?;
    let names: Vec<_> = devices
        .text()?
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        // Kernels give every network namespace the idle ends of the tunnels that they have modules for.
        .filter(|name| {
            !["tunl", "sit", "gre", "erspan", "ip_vti", "ip6"]
                .iter()
                .any(|kind| name.starts_with(kind))
        })
        .collect();
    ensure_eq!(names, ["lo"], "the network devices");
    if let Fixture::Present(images) = &bench.fixtures().registry {
        let cmd = programs::CONNECT.cmd(&[images.by_tag.registry()]);
        ensure_eq!(
            bench.exec_to_end(&idle.id, cmd).await?.text()?,
            "",
            "the answer of the registry"
        );
    }
    Ok(())
}

async fn processes(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let seen = bench.exec_to_end(&idle.id, programs::PROCESSES.alone()).await?;
    let numbers: Vec<_> = seen.text()?.split(' ').collect();
    ensure!(
        numbers.contains(&"1") && numbers.len() <= 4,
        "the processes {numbers:?} are seen where two run"
    );
    Ok(())
}

async fn init(bench: &Bench) -> Outcome {
    let spec = bench.spec(programs::ORPHANS.cmd(&[5])).with_init(true);
    let printed = bench.run(&spec).await?;
    printed.ensure_code(0)?;
    ensure_eq!(printed.text()?, "0", "the zombies");
    Ok(())
}

/// There is no telling what a GPU looks like; that a container with one runs is all that holds for each.
async fn gpus(bench: &Bench) -> Outcome {
    let spec = bench.spec(programs::PRINT.cmd(&["out", "", "0"]));
    let spec = spec.with_gpus(Gpus::All);
    ensure_eq!(bench.run(&spec).await?.text()?, "out", "the output");
    Ok(())
}

/// The text of `/proc/self/status`.
struct Status(String);

impl Status {
    fn get(&self, field: &str) -> Outcome<&str> {
        let line = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.map(str::trim)
            .ok_or_else(|| Failure::new(format_args!("no `{field}` in {}", self.0)))
    }
}

/// Returns the status of the main process, which waits, and of a further one.
async fn statuses(bench: &Bench, spec: ContainerSpec) -> Outcome<[Status; 2]> {
    let idle = bench.start(&spec).await?;
    let cmd = programs::READ_FILES.cmd(&["/proc/1/status"]);
    let main = bench.exec_to_end(&idle.id, cmd).await?;
    main.ensure_code(0)?;
    let cmd = programs::READ_FILES.cmd(&["/proc/self/status"]);
    let further = bench.exec_to_end(&idle.id, cmd).await?;
    Ok([Status(main.text()?.to_owned()), Status(further.text()?.to_owned())])
}
