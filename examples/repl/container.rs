//! The container that the REPL runs in, and its limits.

use std::fmt;
use std::path::Path;

use inline::{
    Capability, ContainerRuntime, ContainerSpec, ImageReference, LimitMechanism, ListFilter, Result, Tmpfs, Ulimit,
    UlimitName,
};

use crate::language::Language;

/// Marks containers of the REPL, so that what a killed one left behind is found by the next.
const INSTANCE: &str = "inline-repl";
/// Names the process that a container belongs to.
const PROCESS: &str = "inline.repl.process";
/// `nobody`, who owns nothing in any image.
const USER: &str = "65534:65534";
const MIB: u64 = 1 << 20;
const MEMORY: u64 = 256 * MIB;
const NANO_CPUS: u64 = 1_000_000_000;
const PIDS: u64 = 64;
const TMPFS: u64 = 64 * MIB;
const CPU_SECONDS: u64 = 120;

/// Says what holds for a container of the REPL on one engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    mechanism: LimitMechanism,
    memory: u64,
}

impl Limits {
    pub(crate) fn on(runtime: &dyn ContainerRuntime, language: Language) -> Self {
        let mechanism = runtime.capabilities().limit_mechanism();
        let memory = match (mechanism, language) {
            // A resource limit bounds address space, and V8 reserves more of it than it ever uses.
            (LimitMechanism::Rlimit, Language::Node) => 4 * MEMORY,
            _ => MEMORY,
        };
        Self { mechanism, memory }
    }

    pub(crate) fn spec(self, image: ImageReference) -> ContainerSpec {
        let spec = ContainerSpec::new(image, INSTANCE)
            .with_label(PROCESS, std::process::id().to_string())
            .with_user(USER)
            .with_env("HOME", "/workspace")
            .with_working_dir("/workspace")
            .with_tmpfs(Tmpfs::new("/workspace", TMPFS).with_exec(true))
            .with_tmpfs(Tmpfs::new("/tmp", TMPFS))
            .with_memory(self.memory)
            .with_pids_limit(PIDS)
            .with_stdin(true);
        match self.mechanism {
            // The operator chose resource limits: a share of a CPU is not among them, its time is.
            LimitMechanism::Rlimit => spec.with_ulimit(Ulimit::new(UlimitName::Cpu, CPU_SECONDS)),
            _ => spec.with_nano_cpus(NANO_CPUS),
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.memory / MIB;
        match self.mechanism {
            LimitMechanism::Rlimit => write!(
                f,
                "memory {mib} MiB and CPU {CPU_SECONDS} s for each process, {PIDS} processes (by resource limits, as the \
                 operator allows)"
            )?,
            _ => write!(f, "memory {mib} MiB without swap, 1 CPU, {PIDS} processes")?,
        }
        write!(
            f,
            "; {} MiB in /workspace and in /tmp; no network, read-only root, no capabilities",
            TMPFS / MIB
        )
    }
}

/// Removes what REPLs left behind that were killed: those whose process is gone.
pub(crate) async fn sweep(runtime: &dyn ContainerRuntime) -> Result<()> {
    for container in runtime.list(&ListFilter::instance(INSTANCE)).await? {
        let is_in_use = container
            .labels
            .get(PROCESS)
            .is_some_and(|process| Path::new("/proc").join(process).exists());
        if !is_in_use {
            runtime.remove(&container.id).await?;
        }
    }
    Ok(())
}

/// Lists what the engine can enforce, one line each.
pub(crate) fn capabilities(runtime: &dyn ContainerRuntime) -> String {
    let table = runtime.capabilities();
    let line = |capability: Capability| match table.support(capability) {
        inline::Support::Present => format!("  {capability:16} yes\n"),
        inline::Support::Absent { why } => format!("  {capability:16} no: {why}\n"),
    };
    Capability::ALL.into_iter().map(line).collect()
}
