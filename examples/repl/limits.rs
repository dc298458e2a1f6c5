//! What a program may use, and what the engine can enforce.

use inline::{Capability, LimitMechanism, Support};
use inline_sandbox::SandboxService;

const MIB: u64 = 1 << 20;
const CPU: u64 = 1_000_000_000;

/// Describes both, one line for each part.
pub(crate) fn describe(service: &SandboxService) -> String {
    let (limits, runtime) = (&service.config().limits, service.runtime());
    let table = runtime.capabilities();
    let bound = match table.limit_mechanism() {
        LimitMechanism::Rlimit => "for each process, by resource limits, as the operator allows".to_owned(),
        _ => format!(
            "without swap and {}.{:02} CPU for all processes",
            limits.nano_cpus / CPU,
            limits.nano_cpus % CPU / (CPU / 100)
        ),
    };
    let used = format!(
        "memory {} MiB {bound}\n\
         {} processes, {} s of CPU time each; {} s for each input\n\
         {} MiB in /workspace, {} MiB in /tmp; no network, read-only root, no capabilities\n\
         {} can enforce:\n",
        limits.memory / MIB,
        limits.pids_limit,
        limits.cpu_time.as_secs(),
        limits.max_timeout.as_secs(),
        limits.workspace_bytes / MIB,
        limits.tmpfs / MIB,
        runtime.driver(),
    );
    let line = |capability: Capability| match table.support(capability) {
        Support::Present => format!("  {capability:16} yes\n"),
        Support::Absent { why } => format!("  {capability:16} no: {why}\n"),
    };
    Capability::ALL
        .into_iter()
        .map(line)
        .fold(used, |text, line| text + &line)
}
