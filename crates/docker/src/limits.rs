//! The proof that limits bind. Engines say that they do, and repeat in `inspect` what they were asked; the control
//! group of a running container is what counts.

use std::sync::atomic::{AtomicBool, Ordering};

use bollard::models::{ContainerStatsResponse, HostConfig};
use bollard::query_parameters::StatsOptionsBuilder;
use futures::StreamExt;
use inline_runtime::{Capability, ContainerSpec, Result};

use crate::cgroup::{Cgroups, Held};
use crate::engine::Engine;
use crate::error;

/// Kernels round a memory limit down to whole pages, the largest of which are 64 KiB.
const MEMORY_ROUNDING: u64 = 64 << 10;
/// Engines round a CPU quota to microseconds of a period of 100 ms; the smallest that a spec can ask for is 1 ms.
const CPU_ROUNDING: u64 = 100_000;

/// The limits that a container was asked to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) memory: Option<u64>,
    pub(crate) pids: Option<u64>,
    pub(crate) nano_cpus: Option<u64>,
}

/// Which limits were seen to bind on this engine. Each is looked at until it was seen once.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    memory: AtomicBool,
    pids: AtomicBool,
    nano_cpus: AtomicBool,
}

/// A limit that was asked for and that the kernel does not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unbound {
    pub(crate) capability: Capability,
    pub(crate) why: String,
}

impl Limits {
    pub(crate) fn of_spec(spec: &ContainerSpec) -> Self {
        Self {
            memory: spec.memory,
            pids: spec.pids_limit,
            nano_cpus: spec.nano_cpus,
        }
    }

    pub(crate) fn of_host_config(config: &HostConfig) -> Self {
        let positive = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).filter(|n| *n > 0);
        Self {
            memory: positive(config.memory),
            pids: positive(config.pids_limit),
            nano_cpus: positive(config.nano_cpus),
        }
    }
}

impl Proof {
    /// Looks at the limits of a container that was just started, as far as they are not proven yet.
    ///
    /// A container that ended before it could be looked at proves nothing, and neither does an engine that cannot be
    /// asked: the next start looks again.
    pub(crate) async fn check(
        &self,
        engine: &Engine,
        cgroups: &Cgroups,
        id: &str,
        limits: Limits,
        host_memory: Option<u64>,
    ) -> Result<(), Unbound> {
        let unproven = |limit: Option<u64>, proven: &AtomicBool| limit.filter(|_| !proven.load(Ordering::Relaxed));
        let asked = Limits {
            memory: unproven(limits.memory, &self.memory),
            pids: unproven(limits.pids, &self.pids),
            nano_cpus: unproven(limits.nano_cpus, &self.nano_cpus),
        };
        if asked == Limits::default() {
            return Ok(());
        }
        let Some(held) = held(engine, cgroups, id).await else {
            return Ok(());
        };
        let host = host_memory.unwrap_or(u64::MAX);
        // Engines show the host's memory in place of a limit above it.
        let capped = |bytes: Option<u64>| bytes.map(|bytes| bytes.min(host));
        let memory = (capped(asked.memory), capped(held.memory));
        settle(&self.memory, Capability::Memory, memory, MEMORY_ROUNDING)?;
        settle(&self.pids, Capability::PidsLimit, (asked.pids, held.pids), 0)?;
        settle(
            &self.nano_cpus,
            Capability::NanoCpus,
            (asked.nano_cpus, held.nano_cpus),
            CPU_ROUNDING,
        )
    }
}

/// Reads the limits that hold from the kernel, or where it cannot be asked from the engine's measurement.
async fn held(engine: &Engine, cgroups: &Cgroups, id: &str) -> Option<Held> {
    match cgroups.of(engine, id).await {
        Some(cgroup) => Some(cgroup.limits()),
        None => one_shot(engine, id).await.ok().map(|stats| of_stats(&stats)),
    }
}

/// Reads a measurement, in which the engine leaves out a limit that there is not, and all once a container ended.
fn of_stats(stats: &ContainerStatsResponse) -> Held {
    let memory = stats.memory_stats.as_ref().filter(|memory| memory.usage.is_some());
    let pids = stats.pids_stats.as_ref().filter(|pids| pids.current.is_some());
    Held {
        memory: memory.map(|memory| memory.limit.unwrap_or(u64::MAX)),
        pids: pids.map(|pids| pids.limit.unwrap_or(u64::MAX)),
        nano_cpus: None,
    }
}

/// Compares what was asked for with what holds, and notes a proof. What is not known is neither for nor against.
fn settle(
    proven: &AtomicBool,
    capability: Capability,
    (asked, held): (Option<u64>, Option<u64>),
    rounding: u64,
) -> Result<(), Unbound> {
    let (Some(asked), Some(held)) = (asked, held) else {
        return Ok(());
    };
    if held.abs_diff(asked) > rounding {
        let held = if held == u64::MAX {
            "none".to_owned()
        } else {
            held.to_string()
        };
        let why = format!("the engine was asked for {asked}, and the container's control group has {held}");
        return Err(Unbound { capability, why });
    }
    proven.store(true, Ordering::Relaxed);
    Ok(())
}

/// Measures a container once, without the second that a usual answer waits for.
pub(crate) async fn one_shot(engine: &Engine, id: &str) -> Result<ContainerStatsResponse> {
    let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let mut answers = Box::pin(engine.client.stats(id, Some(options)));
    engine
        .call(async { answers.next().await.transpose() })
        .await?
        .ok_or_else(|| error::lost(&engine.endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Held {
        of_stats(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_measurement_tells_what_holds() {
        let held = of(r#"{"memory_stats": {"usage": 1, "limit": 64}, "pids_stats": {"current": 1, "limit": 8}}"#);
        assert_eq!((held.memory, held.pids, held.nano_cpus), (Some(64), Some(8), None));
        let unlimited = of(r#"{"memory_stats": {"usage": 1}, "pids_stats": {"current": 1}}"#);
        assert_eq!((unlimited.memory, unlimited.pids), (Some(u64::MAX), Some(u64::MAX)));
        assert_eq!(
            of(r#"{"memory_stats": {}, "pids_stats": {}}"#),
            Held::default(),
            "ended before"
        );
    }

    #[test]
    fn a_proof_is_kept_and_a_miss_is_told() {
        let proven = AtomicBool::new(false);
        let settle = |asked, held| settle(&proven, Capability::Memory, (asked, held), MEMORY_ROUNDING);
        settle(Some(64 << 20), None).unwrap();
        settle(None, Some(u64::MAX)).unwrap();
        assert!(!proven.load(Ordering::Relaxed));
        let missed = settle(Some(64 << 20), Some(u64::MAX)).unwrap_err();
        assert_eq!(missed.capability, Capability::Memory);
        assert!(missed.why.ends_with("control group has none"), "{}", missed.why);
        assert!(!proven.load(Ordering::Relaxed));
        settle(Some((64 << 20) + 5), Some(64 << 20)).unwrap();
        assert!(proven.load(Ordering::Relaxed));
    }
}
