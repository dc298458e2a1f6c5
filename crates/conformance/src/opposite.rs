//! What holds where a capability is absent: the driver refuses what asks for it, and leaves nothing.

use inline_runtime::{
    Capability, ContainerSpec, ErrorKind, Gpus, Mount, NetworkMode, PullOptions, Seccomp, Signal, Tmpfs, Ulimit,
    UlimitName, Userns,
};

use crate::bench::{Bench, ensure_refused};
use crate::failure::{Outcome, ensure};

/// Proves that the driver refuses to be asked for `capability`.
pub(crate) async fn is_refused(bench: &Bench, capability: Capability) -> Outcome {
    match capability {
        Capability::Pull => {
            let image = &bench.fixtures().shell;
            ensure_refused(
                bench.runtime.pull(image, PullOptions::default()).await,
                &[ErrorKind::Unsupported],
            )?;
        }
        Capability::Stats => {
            let idle = bench.idle().await?;
            ensure_refused(bench.runtime.stats(&idle.id).await, &[ErrorKind::Unsupported])?;
        }
        Capability::OomDetection => {
            let idle = bench.idle().await?;
            bench.runtime.kill(&idle.id, Signal::KILL).await?;
            let status = idle.main.end().await?.status;
            ensure!(
                !status.is_oom_killed(),
                "tells of the OOM killer, which it says it cannot"
            );
        }
        _ => {
            let spec = asking_for(capability, bench.idle_spec());
            ensure_refused(bench.runtime.create(&spec).await, &[ErrorKind::Unsupported])?;
            bench.ensure_nothing_left().await?;
        }
    }
    Ok(())
}

fn asking_for(capability: Capability, spec: ContainerSpec) -> ContainerSpec {
    match capability {
        Capability::Memory => spec.with_memory(64 << 20),
        Capability::NanoCpus => spec.with_nano_cpus(500_000_000),
        Capability::PidsLimit => spec.with_pids_limit(32),
        Capability::Ulimits => spec.with_ulimit(Ulimit::new(UlimitName::Nofile, 64)),
        Capability::NetworkNone => spec.with_network_mode(NetworkMode::None),
        Capability::ReadonlyRootfs => spec.with_readonly_rootfs(true),
        Capability::BindMounts => spec.with_mount(Mount::bind("/", "/host")),
        Capability::Volumes => spec.with_mount(Mount::volume("inline-conformance", "/volume")),
        Capability::TmpfsInodes => spec.with_tmpfs(Tmpfs::new("/files", 1 << 20).with_nr_inodes(16)),
        Capability::Seccomp => spec.with_seccomp(Seccomp::Profile(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#.to_owned())),
        Capability::UserNamespace => spec.with_userns(Userns::KeepId),
        Capability::OciRuntime => spec.with_oci_runtime("runc"),
        Capability::Gpus => spec.with_gpus(Gpus::All),
        Capability::Init => spec.with_init(true),
        // The rest is not asked for by a spec, or not yet known here.
        _ => spec,
    }
}
