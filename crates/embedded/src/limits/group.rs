//! One control group: a directory in one hierarchy.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use inline_runtime::{Error, ErrorKind, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::controller::{Controller, Version};
use super::file;
use super::{CPU_PERIOD_MICROS, Limits};

const MEMORY_V1: &str = "memory.limit_in_bytes";
const MEMORY_AND_SWAP_V1: &str = "memory.memsw.limit_in_bytes";
const MEMORY_V2: &str = "memory.max";
const SWAP_V2: &str = "memory.swap.max";
const PIDS: &str = "pids.max";
const CPU_PERIOD_V1: &str = "cpu.cfs_period_us";
const CPU_QUOTA_V1: &str = "cpu.cfs_quota_us";
const CPU_V2: &str = "cpu.max";
/// How long the kernel may take to let go of a group whose processes were killed.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(2);
const REMOVAL_PAUSE: Duration = Duration::from_millis(1);

/// A group that limits, measures, or serves to kill.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) version: Version,
    pub(super) controllers: Vec<Controller>,
    pub(super) directory: PathBuf,
}

impl Group {
    /// Makes the directory.
    pub(super) fn make(version: Version, controllers: Vec<Controller>, directory: PathBuf) -> Result<Self> {
        fs::create_dir(&directory).map_err(|error| file::failed("make", &directory, error))?;
        Ok(Self {
            version,
            controllers,
            directory,
        })
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Sets what is asked for of one controller and reads it back.
    pub(super) fn limit(&self, controller: Controller, limits: &Limits) -> Result<()> {
        for (name, text) in self.wanted(controller, limits) {
            let path = self.file(name);
            match file::write(&path, &text) {
                // Version 1 refuses what is wider than the group above, which then binds for both.
                Err(error) if name == CPU_QUOTA_V1 && error.kind() == io::ErrorKind::InvalidInput => return Ok(()),
                Err(error) => return Err(file::failed("limit", &path, error)),
                Ok(()) => {}
            }
        }
        self.verify(controller, limits)
    }

    /// Checks that the kernel has what is asked for of one controller.
    pub(super) fn verify(&self, controller: Controller, limits: &Limits) -> Result<()> {
        for (name, wanted) in self.wanted(controller, limits) {
            let path = self.file(name);
            let found = file::read(&path).map_err(|error| file::failed("read", &path, error))?;
            if !is_kept(&wanted, found.trim()) {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    format!(
                        "`{}` has `{}` where `{wanted}` was asked for",
                        path.display(),
                        found.trim()
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Returns the files of a controller that limit, with what is to be in them, in the order of writing.
    fn wanted(&self, controller: Controller, limits: &Limits) -> Vec<(&'static str, String)> {
        let mut wanted = Vec::new();
        match (controller, self.version) {
            (Controller::Memory, version) => {
                if let (Some(memory), Some(swap)) = (limits.memory, limits.swap()) {
                    let (limit, swap_limit, most_swap) = match version {
                        Version::V1 => (MEMORY_V1, MEMORY_AND_SWAP_V1, memory.saturating_add(swap)),
                        Version::V2 => (MEMORY_V2, SWAP_V2, swap),
                    };
                    wanted.push((limit, memory.to_string()));
                    // A kernel that does not count swap has no such file; it needs none where there is no swap.
                    if self.file(swap_limit).exists() || host_swaps() {
                        wanted.push((swap_limit, most_swap.to_string()));
                    }
                }
            }
            (Controller::Pids, version) => {
                let processes = limits.pids_limit;
                let processes = processes.map(|limit| limit.saturating_add(version.helper_processes()));
                wanted.extend(processes.map(|processes| (PIDS, processes.to_string())));
            }
            (Controller::Cpu, Version::V1) => {
                if let Some(quota) = limits.cpu_quota_micros() {
                    wanted.push((CPU_PERIOD_V1, CPU_PERIOD_MICROS.to_string()));
                    wanted.push((CPU_QUOTA_V1, quota.to_string()));
                }
            }
            (Controller::Cpu, Version::V2) => {
                wanted.extend(
                    limits
                        .cpu_quota_micros()
                        .map(|quota| (CPU_V2, format!("{quota} {CPU_PERIOD_MICROS}"))),
                );
            }
            (Controller::Cpuacct, _) => {}
        }
        wanted
    }

    /// Moves a whole process in.
    pub(super) fn enter(&self, pid: u32) -> Result<()> {
        let path = self.file("cgroup.procs");
        file::write(&path, &pid.to_string()).map_err(|error| file::failed("enter", &path, error))
    }

    /// Returns the processes in it, as many as one read gives.
    pub(super) fn processes(&self) -> io::Result<BTreeSet<i32>> {
        let text = file::read(&self.file("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Kills every process in it: at once where the kernel can, else one by one with forks forbidden.
    pub(super) fn kill(&self) -> io::Result<()> {
        if self.version == Version::V2 && file::write(&self.file("cgroup.kill"), "1").is_ok() {
            return Ok(());
        }
        if self.controllers.contains(&Controller::Pids) {
            // What is running already stays; only the next fork fails.
            file::write(&self.file(PIDS), "0")?;
        }
        for process in self.processes()? {
            // Processes of a namespace beside ours show as 0, which would be our own group of processes.
            if process > 0 {
                // One that has ended meanwhile is as good as killed.
                kill(Pid::from_raw(process), Signal::SIGKILL).ok();
            }
        }
        Ok(())
    }

    /// Removes it, once its processes are gone; they are killed until then.
    pub(super) fn remove(&self) -> Result<()> {
        let deadline = Instant::now() + REMOVAL_TIMEOUT;
        loop {
            match fs::remove_dir(&self.directory) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                    self.kill().ok();
                    thread::sleep(REMOVAL_PAUSE);
                }
                Err(error) => return Err(file::failed("remove", &self.directory, error)),
            }
        }
    }
}

/// The kernel rounds numbers down to whole pages.
fn is_kept(wanted: &str, found: &str) -> bool {
    match (wanted.parse::<u64>(), found.parse::<u64>()) {
        (Ok(wanted), Ok(found)) => found <= wanted,
        _ => wanted == found,
    }
}

fn host_swaps() -> bool {
    fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}
