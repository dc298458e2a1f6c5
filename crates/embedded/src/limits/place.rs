//! Where one container is kept: its groups, or what stands in for them.

use std::fs::{File, OpenOptions};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use inline_runtime::{Error, ErrorKind, Result, Stats};

use super::controller::{Controller, Version};
use super::file;
use super::group::Group;
use super::owner::Owner;
use super::scope::Ferry;
use super::{ProcessLimits, probe};

/// The limits of one container, kept until it is removed.
///
/// Dropping it removes what it holds, in the background and as well as can be.
#[derive(Debug)]
pub(crate) struct Place {
    kept: Kept,
    is_removed: bool,
}

/// By what a container is kept.
#[derive(Debug)]
pub(super) enum Kept {
    /// Groups of our own. The owner's directory stays as long as they do.
    Groups {
        groups: Vec<Group>,
        owner: Arc<Owner>,
        /// How processes come near enough to be moved in, where they are not.
        ferry: Option<Ferry>,
    },
    /// Nothing of the container as a whole.
    Processes { limits: ProcessLimits, why: String },
}

impl Place {
    pub(super) fn new(kept: Kept) -> Self {
        Self {
            kept,
            is_removed: false,
        }
    }

    /// Puts a process in, with all that it starts from then on.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] if the kernel refuses to move it.
    /// - [`ErrorKind::Timeout`] if the service manager does not answer.
    pub(crate) fn enter(&self, pid: u32) -> Result<()> {
        match &self.kept {
            Kept::Groups { groups, ferry, .. } => {
                if let Some(ferry) = ferry {
                    ferry.carry(pid)?;
                }
                groups.iter().try_for_each(|group| group.enter(pid))
            }
            Kept::Processes { .. } => Ok(()),
        }
    }

    /// Opens the files by which a process of one thread puts itself in, by writing `0` to each. There are none where it must be
    /// put in by [`enter`](Self::enter).
    ///
    /// To move another process, or all threads of one, the kernel first waits until every processor has come by, which takes
    /// milliseconds. Groups of version 1 take single threads too, and for the one that asks there is no wait.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] or [`ErrorKind::Unexpected`] if they cannot be opened.
    pub(crate) fn doors(&self) -> Result<Vec<File>> {
        let Kept::Groups { groups, .. } = &self.kept else {
            return Ok(Vec::new());
        };
        if groups.iter().any(|group| group.version != Version::V1) {
            return Ok(Vec::new());
        }
        let open = |group: &Group| {
            let path = group.file("tasks");
            OpenOptions::new()
                .write(true)
                .open(&path)
                .map_err(|error| file::failed("open", &path, error))
        };
        groups.iter().map(open).collect()
    }

    /// Returns whether the whole helper is in it, and not only what serves.
    pub(crate) fn has_whole_helper(&self) -> bool {
        self.groups().iter().any(|group| group.version == Version::V2)
    }

    /// Returns what each program must be limited to besides.
    pub(crate) fn rlimits(&self) -> ProcessLimits {
        match &self.kept {
            Kept::Processes { limits, .. } => *limits,
            Kept::Groups { .. } => ProcessLimits::default(),
        }
    }

    /// Measures the container.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unsupported`] where nothing measures.
    pub(crate) fn stats(&self) -> Result<Stats> {
        match &self.kept {
            Kept::Processes { why, .. } => Err(Error::new(ErrorKind::Unsupported, why.clone())),
            Kept::Groups { groups, .. } => {
                let mut stats = measure(groups)?;
                stats.oom_kills = Some(self.oom_kills());
                Ok(stats)
            }
        }
    }

    /// Returns how often the kernel's OOM killer has killed in the container; 0 where nothing counts.
    pub(crate) fn oom_kills(&self) -> u64 {
        let Some(group) = with(self.groups(), Controller::Memory) else {
            return 0;
        };
        let name = match group.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        file::field(&group.file(name), "oom_kill").unwrap_or(0)
    }

    /// Kills every process of the container, the helper's too; without groups it does nothing.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] or [`ErrorKind::Unexpected`] if the kernel refuses.
    pub(crate) fn kill_all(&self) -> Result<()> {
        match killer(self.groups()) {
            Some(group) => group
                .kill()
                .map_err(|error| file::failed("kill", &group.directory, error)),
            None => Ok(()),
        }
    }

    /// Kills what is left and removes the groups; waits up to 2 s for processes to end.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if a group stays in use. The next process that connects removes it.
    pub(crate) fn remove(mut self) -> Result<()> {
        self.is_removed = true;
        remove(self.groups())
    }

    /// Says by effect whether the group of a controller has a process and its limits.
    pub(super) fn holds(&self, controller: Controller, pid: u32) -> Result<(), String> {
        let group =
            with(self.groups(), controller).ok_or_else(|| format!("`{}` was not handed down", controller.name()))?;
        let processes = group.processes().map_err(|error| error.to_string())?;
        if !processes.iter().any(|process| process.unsigned_abs() == pid) {
            return Err(format!(
                "a process could not be moved into `{}`",
                group.directory.display()
            ));
        }
        group
            .verify(controller, &probe::LIMITS)
            .map_err(|error| probe::cause(&error))
    }

    fn groups(&self) -> &[Group] {
        match &self.kept {
            Kept::Groups { groups, .. } => groups,
            Kept::Processes { .. } => &[],
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_removed || self.groups().is_empty() {
            return;
        }
        let groups = self.groups().to_vec();
        let owner = match &self.kept {
            Kept::Groups { owner, .. } => Some(Arc::clone(owner)),
            Kept::Processes { .. } => None,
        };
        let removal = move || {
            if let Err(error) = remove(&groups) {
                tracing::warn!(%error, "a control group remains until the next start");
            }
            drop(owner);
        };
        if let Err(error) = thread::Builder::new().name("inline-groups".to_owned()).spawn(removal) {
            tracing::warn!(%error, "a control group remains until the next start");
        }
    }
}

/// Kills first, so that no hierarchy's group waits for a process that another one could have killed.
fn remove(groups: &[Group]) -> Result<()> {
    if let Some(group) = killer(groups) {
        // What cannot be killed now is tried again while its group is in use.
        group.kill().ok();
    }
    groups.iter().try_for_each(Group::remove)
}

/// Returns the group that kills best: one of version 2 at once, the one that counts processes without new ones.
fn killer(groups: &[Group]) -> Option<&Group> {
    let unified = groups.iter().find(|group| group.version == Version::V2);
    unified
        .or_else(|| with(groups, Controller::Pids))
        .or_else(|| groups.first())
}

fn with(groups: &[Group], controller: Controller) -> Option<&Group> {
    groups.iter().find(|group| group.controllers.contains(&controller))
}

/// Reads what the groups have counted.
fn measure(groups: &[Group]) -> Result<Stats> {
    let mut stats = Stats::default();
    let number = |group: &Group, name: &str| {
        let path = group.file(name);
        file::number(&path).map_err(|error| file::failed("measure", &path, error))
    };
    let field = |group: &Group, name: &str, field: &str| {
        let path = group.file(name);
        file::field(&path, field).map_err(|error| file::failed("measure", &path, error))
    };
    for controller in [Controller::Memory, Controller::Pids, Controller::Cpuacct] {
        let Some(group) = with(groups, controller) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("no control group measures `{}`", controller.name()),
            ));
        };
        match (controller, group.version) {
            (Controller::Memory, Version::V1) => {
                let droppable = field(group, "memory.stat", "total_inactive_file")?;
                stats.memory = number(group, "memory.usage_in_bytes")?.saturating_sub(droppable);
                stats.memory_peak = Some(number(group, "memory.max_usage_in_bytes")?);
            }
            (Controller::Memory, Version::V2) => {
                let droppable = field(group, "memory.stat", "inactive_file")?;
                stats.memory = number(group, "memory.current")?.saturating_sub(droppable);
                // Kernels before 5.19 do not tell.
                stats.memory_peak = number(group, "memory.peak").ok();
            }
            (Controller::Pids, _) => {
                stats.pids = number(group, "pids.current")?.saturating_sub(group.version.helper_processes());
            }
            (Controller::Cpuacct, Version::V1) => {
                stats.cpu_time = Duration::from_nanos(number(group, "cpuacct.usage")?);
            }
            (Controller::Cpuacct, Version::V2) => {
                stats.cpu_time = Duration::from_micros(field(group, "cpu.stat", "usage_usec")?);
            }
            (Controller::Cpu, _) => {}
        }
    }
    Ok(stats)
}
