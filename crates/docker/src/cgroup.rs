//! What the kernel says of a container, where the engine shares this machine's kernel.
//!
//! An engine's API repeats the limits that it was asked for and counts no kills in execs. The control group has what
//! holds, and reading it costs microseconds where a call costs milliseconds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::Engine;

const ROOT: &str = "/sys/fs/cgroup";
const NANOS_PER_CPU: u64 = 1_000_000_000;

/// Finds the control groups of an engine's containers. They differ by the id alone, so one look serves for all.
#[derive(Debug)]
pub(crate) struct Cgroups(Mutex<Layout>);

#[derive(Debug)]
enum Layout {
    Unknown,
    Known {
        id: String,
        cgroup: Cgroup,
    },
    /// The engine is elsewhere: on another host, in a virtual machine.
    Foreign,
}

/// The control group of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    is_unified: bool,
    memory: PathBuf,
    cpu: PathBuf,
    pids: PathBuf,
}

/// The limits that the kernel holds a container to; `u64::MAX` is none, and `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Bytes.
    pub(crate) memory: Option<u64>,
    pub(crate) pids: Option<u64>,
    pub(crate) nano_cpus: Option<u64>,
}

impl Cgroups {
    pub(crate) fn new(is_local: bool) -> Self {
        Self(Mutex::new(if is_local { Layout::Unknown } else { Layout::Foreign }))
    }

    /// Finds the control group of a running container by its id or name; `None` where the kernel cannot be asked.
    pub(crate) async fn of(&self, engine: &Engine, id: &str) -> Option<Cgroup> {
        match &*self.lock() {
            Layout::Foreign => return None,
            Layout::Known { id: known, cgroup } if id.len() == known.len() => return cgroup.of_sibling(known, id),
            _ => {}
        }
        let container = engine.call(engine.client.inspect_container(id, None)).await.ok()?;
        let pid = container.state?.pid.filter(|pid| *pid > 0)?;
        let id = container.id?;
        // A process that ended in the meantime proves nothing.
        let membership = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let found = Cgroup::parse(&membership, &id).filter(|cgroup| cgroup.memory.is_dir());
        *self.lock() = match &found {
            Some(cgroup) => Layout::Known {
                id,
                cgroup: cgroup.clone(),
            },
            // The number is that of some other process here.
            None => Layout::Foreign,
        };
        found
    }

    fn lock(&self) -> MutexGuard<'_, Layout> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cgroup {
    /// Reads `/proc/PID/cgroup`. Every path of a container holds its id; one that does not belongs to another process.
    fn parse(membership: &str, id: &str) -> Option<Self> {
        let path_of = |wanted: &str| {
            membership.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (controllers, path) = rest.split_once(':')?;
                (controllers.split(',').any(|one| one == wanted) && path.contains(id)).then_some(path)
            })
        };
        let below = |directory: &str, path: &str| Path::new(ROOT).join(directory).join(path.trim_start_matches('/'));
        // A hybrid host has both hierarchies, and its controllers are in the split one.
        let Some(memory) = path_of("memory") else {
            let unified = below("", path_of("")?);
            return Some(Self {
                is_unified: true,
                memory: unified.clone(),
                cpu: unified.clone(),
                pids: unified,
            });
        };
        Some(Self {
            is_unified: false,
            memory: below("memory", memory),
            cpu: below("cpu", path_of("cpu")?),
            pids: below("pids", path_of("pids")?),
        })
    }

    fn of_sibling(&self, own_id: &str, id: &str) -> Option<Self> {
        let swap = |path: &Path| Some(PathBuf::from(path.to_str()?.replace(own_id, id)));
        let sibling = Self {
            is_unified: self.is_unified,
            memory: swap(&self.memory)?,
            cpu: swap(&self.cpu)?,
            pids: swap(&self.pids)?,
        };
        sibling.memory.is_dir().then_some(sibling)
    }

    /// Returns how many processes the kernel's OOM killer has ended in the container.
    pub(crate) fn oom_kills(&self) -> Option<u64> {
        let file = if self.is_unified {
            "memory.events"
        } else {
            "memory.oom_control"
        };
        entry(&read(&self.memory, file)?, "oom_kill")
    }

    /// Returns the most memory that was in use, bytes; cgroup v2 of Linux 5.19 and later.
    pub(crate) fn memory_peak(&self) -> Option<u64> {
        number(&read(&self.memory, "memory.peak")?)
    }

    /// Returns the limits that hold; all are unknown once the container has ended.
    pub(crate) fn limits(&self) -> Held {
        let memory = if self.is_unified {
            "memory.max"
        } else {
            "memory.limit_in_bytes"
        };
        Held {
            memory: read(&self.memory, memory).as_deref().and_then(number),
            pids: read(&self.pids, "pids.max").as_deref().and_then(number),
            nano_cpus: self.nano_cpus(),
        }
    }

    fn nano_cpus(&self) -> Option<u64> {
        if self.is_unified {
            let max = read(&self.cpu, "cpu.max")?;
            let (quota, period) = max.split_once(' ')?;
            nano_cpus(number(quota)?, number(period)?)
        } else {
            let quota = read(&self.cpu, "cpu.cfs_quota_us")?;
            let period = read(&self.cpu, "cpu.cfs_period_us")?;
            nano_cpus(number(&quota)?, number(&period)?)
        }
    }
}

/// The kernel makes these files on reading, so that nothing waits for a disk.
fn read(directory: &Path, file: &str) -> Option<String> {
    fs::read_to_string(directory.join(file)).ok()
}

/// Reads a number; both of the kernel's words for "no limit" are the largest one.
fn number(text: &str) -> Option<u64> {
    match text.trim() {
        "max" | "-1" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Finds `KEY NUMBER` among lines of that form.
fn entry(text: &str, key: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

fn nano_cpus(quota: u64, period: u64) -> Option<u64> {
    match quota {
        u64::MAX => Some(u64::MAX),
        quota => quota.checked_mul(NANOS_PER_CPU)?.checked_div(period),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2a";

    #[test]
    fn both_hierarchies_are_read() {
        let split = "5:cpu,cpuacct:/docker/3f2a\n4:memory:/docker/3f2a\n3:pids:/docker/3f2a\n0::/docker/3f2a\n";
        let split = Cgroup::parse(split, ID).unwrap();
        assert_eq!(split.memory, Path::new("/sys/fs/cgroup/memory/docker/3f2a"));
        assert_eq!(split.cpu, Path::new("/sys/fs/cgroup/cpu/docker/3f2a"));
        assert_eq!(split.pids, Path::new("/sys/fs/cgroup/pids/docker/3f2a"));
        let unified = Cgroup::parse("0::/system.slice/docker-3f2a.scope\n", ID).unwrap();
        assert_eq!(
            unified.memory,
            Path::new("/sys/fs/cgroup/system.slice/docker-3f2a.scope")
        );
    }

    #[test]
    fn another_process_is_told_by_its_path() {
        assert_eq!(Cgroup::parse("0::/user.slice/session-1.scope\n", ID), None);
        assert_eq!(Cgroup::parse("", ID), None);
    }

    #[test]
    fn counters_are_found_by_their_whole_name() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n";
        assert_eq!(entry(events, "oom_kill"), Some(2));
        assert_eq!(
            entry("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n", "oom_kill"),
            Some(5)
        );
        assert_eq!(entry("oom_kill_disable 0\nunder_oom 0\n", "oom_kill"), None);
    }

    #[test]
    fn limits_are_numbers_or_none() {
        assert_eq!(
            (number("64\n"), number("max\n"), number("-1\n"), number("")),
            (Some(64), Some(u64::MAX), Some(u64::MAX), None)
        );
        assert_eq!(nano_cpus(50_000, 100_000), Some(500_000_000));
        assert_eq!(nano_cpus(u64::MAX, 100_000), Some(u64::MAX));
        assert_eq!(nano_cpus(1, 0), None);
    }
}
