//! Measures a running container.

use std::fs;
use std::time::Duration;

use inline_runtime::{Capability, ContainerId, Error, ErrorKind, Result, Stats};

use crate::answer::StatsReport;
use crate::cgroup::{Cgroup, Controller};
use crate::engine::Engine;

/// Measures a container.
pub(crate) async fn stats(engine: &Engine, id: &ContainerId) -> Result<Stats> {
    engine.capabilities().require(Capability::Stats)?;
    let container = engine.inspect(id).await?;
    let not_running = || Error::new(ErrorKind::NotRunning, format!("container `{id}` does not run"));
    if container.state.status != "running" {
        return Err(not_running());
    }
    let path = format!("/containers/stats?stream=false&containers={}", container.id);
    let report: StatsReport = engine.client.get(&path).await?;
    let measured = report.stats.first().ok_or_else(not_running)?;
    let mut stats = Stats::default();
    stats.cpu_time = Duration::from_nanos(measured.cpu_nanos);
    stats.memory = measured.memory;
    stats.memory_peak = peak(container.state.pid, &container.id);
    stats.pids = measured.pids;
    Ok(stats)
}

/// The service does not tell the peak; kernels from 5.19 on do.
fn peak(pid: i32, id: &ContainerId) -> Option<u64> {
    let cgroup = Cgroup::of(pid, id)?;
    let name = if cgroup.is_v2(Controller::Memory) {
        "memory.peak"
    } else {
        "memory.max_usage_in_bytes"
    };
    let text = fs::read_to_string(cgroup.file(Controller::Memory, name)?).ok()?;
    text.trim().parse().ok()
}
