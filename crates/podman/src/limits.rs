//! The limits that a container was asked to have, and whether the kernel has them.
//!
//! The service cannot be asked: rootless Podman shows limits in an inspect that it never applied. So the driver notes
//! what was asked in an annotation of the container, and before the program's first instruction reads the kernel's own
//! numbers.

use std::fs;

use inline_runtime::ContainerSpec;
use serde::{Deserialize, Serialize};

use crate::cgroup::{Cgroup, Controller};

/// The period that CPU time is dealt out in, microseconds; Docker's and the kernel's own.
pub(crate) const CPU_PERIOD_MICROS: u64 = 100_000;
const NANO_CPUS_PER_CPU: u128 = 1_000_000_000;

/// What a container was asked to be limited to, in the words and units of [`ContainerSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_swap: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nano_cpus: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pids_limit: Option<u64>,
}

impl Limits {
    /// Returns what a spec asks for.
    pub(crate) fn of(spec: &ContainerSpec) -> Self {
        Self {
            memory: spec.memory,
            memory_swap: spec.effective_memory_swap(),
            nano_cpus: spec.nano_cpus,
            pids_limit: spec.pids_limit,
        }
    }

    /// Returns whether nothing is limited.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the CPU time in each [`CPU_PERIOD_MICROS`], microseconds.
    pub(crate) fn cpu_quota_micros(&self) -> Option<u64> {
        self.nano_cpus
            .map(|nano_cpus| nano_cpus / (1_000_000_000 / CPU_PERIOD_MICROS))
    }

    /// Checks that each limit binds in a group or in one above it; returns what does not.
    pub(crate) fn verify(&self, cgroup: &Cgroup) -> Result<(), &'static str> {
        if let Some(memory) = self.memory {
            let file = pick(cgroup, Controller::Memory, "memory.max", "memory.limit_in_bytes");
            if !binds(&cgroup.read_upwards(Controller::Memory, file), number, memory) {
                return Err("memory");
            }
            if !self.swap_binds(cgroup, memory) {
                return Err("memory_swap");
            }
        }
        if let Some(pids) = self.pids_limit
            && !binds(&cgroup.read_upwards(Controller::Pids, "pids.max"), number, pids)
        {
            return Err("pids_limit");
        }
        match self.nano_cpus {
            Some(nano_cpus) if !cpu_binds(cgroup, nano_cpus) => Err("nano_cpus"),
            _ => Ok(()),
        }
    }

    fn swap_binds(&self, cgroup: &Cgroup, memory: u64) -> bool {
        let total = self.memory_swap.unwrap_or(memory);
        let values = if cgroup.is_v2(Controller::Memory) {
            cgroup.read_upwards(Controller::Memory, "memory.swap.max")
        } else {
            cgroup.read_upwards(Controller::Memory, "memory.memsw.limit_in_bytes")
        };
        let most = if cgroup.is_v2(Controller::Memory) {
            total.saturating_sub(memory)
        } else {
            total
        };
        // A kernel without swap accounting has neither file; it needs none where there is no swap.
        binds(&values, number, most) || (values.is_empty() && !host_swaps())
    }
}

fn pick<'a>(cgroup: &Cgroup, controller: Controller, v2: &'a str, v1: &'a str) -> &'a str {
    if cgroup.is_v2(controller) { v2 } else { v1 }
}

fn cpu_binds(cgroup: &Cgroup, nano_cpus: u64) -> bool {
    if cgroup.is_v2(Controller::Cpu) {
        return binds(&cgroup.read_upwards(Controller::Cpu, "cpu.max"), cpu_max, nano_cpus);
    }
    let quotas = cgroup.read_upwards(Controller::Cpu, "cpu.cfs_quota_us");
    let periods = cgroup.read_upwards(Controller::Cpu, "cpu.cfs_period_us");
    let pairs: Vec<String> = quotas
        .iter()
        .zip(&periods)
        .map(|(quota, period)| format!("{} {}", quota.trim(), period.trim()))
        .collect();
    binds(&pairs, cpu_max, nano_cpus)
}

/// Returns whether one of the values is a limit of at most `most`. One that is stricter binds as well.
fn binds(values: &[String], parse: fn(&str) -> Option<u64>, most: u64) -> bool {
    values
        .iter()
        .filter_map(|value| parse(value))
        .any(|value| value <= most)
}

/// Reads a number; `max` and `-1` are none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Reads a quota and its period as billionths of a CPU.
fn cpu_max(text: &str) -> Option<u64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    u64::try_from(u128::from(quota) * NANO_CPUS_PER_CPU / u128::from(period.max(1))).ok()
}

fn host_swaps() -> bool {
    fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Limits {
        Limits {
            memory: Some(64 << 20),
            memory_swap: Some(64 << 20),
            nano_cpus: Some(500_000_000),
            pids_limit: Some(32),
        }
    }

    #[test]
    fn numbers_of_the_kernel_are_read() {
        assert_eq!(number("67108864\n"), Some(64 << 20));
        assert_eq!((number("max\n"), number("-1\n")), (None, None));
        assert_eq!(cpu_max("50000 100000\n"), Some(500_000_000));
        assert_eq!((cpu_max("max 100000\n"), cpu_max("-1 100000")), (None, None));
    }

    #[test]
    fn a_limit_binds_where_it_is_or_above() {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert!(binds(&values(&["max\n", "32\n", "max\n"]), number, 32));
        assert!(binds(&values(&["16\n"]), number, 32));
        assert!(!binds(&values(&["max\n", "64\n"]), number, 32));
        assert!(!binds(&[], number, 32));
    }

    #[test]
    fn each_limit_must_be_in_the_kernel() {
        let mount = tempfile::tempdir().unwrap();
        let group = mount.path().join("a/libpod-4f2a.scope");
        fs::create_dir_all(&group).unwrap();
        let write = |name: &str, text: &str| fs::write(group.join(name), text).unwrap();
        let verify = || {
            let cgroup = Cgroup::parse("0::/a/libpod-4f2a.scope/container\n", "4f2a", mount.path()).unwrap();
            asked().verify(&cgroup)
        };
        assert_eq!(verify(), Err("memory"));
        for (name, bound, unbound, field) in [
            ("memory.max", "67108864\n", "max\n", "memory"),
            ("memory.swap.max", "0\n", "max\n", "memory_swap"),
            ("pids.max", "32\n", "max\n", "pids_limit"),
            ("cpu.max", "50000 100000\n", "max 100000\n", "nano_cpus"),
        ] {
            write(name, unbound);
            assert_eq!(verify(), Err(field));
            write(name, bound);
        }
        assert_eq!(verify(), Ok(()));
    }

    #[test]
    fn quotas_are_parts_of_the_period() {
        assert_eq!(asked().cpu_quota_micros(), Some(50_000));
    }

    #[test]
    fn the_note_holds_only_what_was_asked() {
        let limits = Limits {
            pids_limit: Some(32),
            ..Limits::default()
        };
        let note = serde_json::to_string(&limits).unwrap();
        assert_eq!(note, r#"{"pids_limit":32}"#);
        assert_eq!(serde_json::from_str::<Limits>(&note).unwrap(), limits);
        assert!(Limits::default().is_empty() && !limits.is_empty());
    }
}
