//! The control groups of a container as the kernel has them, read on the service's host.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use inline_runtime::ContainerId;

const MOUNT: &str = "/sys/fs/cgroup";

/// Names a controller by its directory in hierarchies of version 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Controller {
    Cpu,
    Memory,
    Pids,
}

/// Locates the control groups of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    mount: PathBuf,
    /// The path in each hierarchy by its controllers; the one of version 2 has none.
    paths: BTreeMap<String, String>,
    container: String,
}

impl Cgroup {
    /// Finds the groups of the process `pid` of a container.
    ///
    /// `None` if that process is not on this host or is in no group of that container: then nothing can be known.
    pub(crate) fn of(pid: i32, container: &ContainerId) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Self::parse(&text, container.as_str(), Path::new(MOUNT))
    }

    /// Finds the groups of a container in the text of a `/proc/PID/cgroup`, below `mount`.
    pub(crate) fn parse(text: &str, container: &str, mount: &Path) -> Option<Self> {
        let mut paths = BTreeMap::new();
        for line in text.lines() {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            // A path that climbs belongs to another cgroup namespace and means nothing below our mount.
            if path.contains(container) && !path.contains("..") {
                for controller in controllers.split(',') {
                    paths.insert(controller.to_owned(), path.trim_start_matches('/').to_owned());
                }
            }
        }
        (!paths.is_empty()).then(|| Self {
            mount: mount.to_owned(),
            paths,
            container: container.to_owned(),
        })
    }

    /// Returns whether a controller is in the unified hierarchy; in version 1 it has one of its own.
    pub(crate) fn is_v2(&self, controller: Controller) -> bool {
        !self.paths.contains_key(controller.name())
    }

    /// Reads `file` in the process's group and in all above it, from the inside out. Limits bind in each of them.
    pub(crate) fn read_upwards(&self, controller: Controller, file: &str) -> Vec<String> {
        let Some((root, path)) = self.place(controller) else {
            return Vec::new();
        };
        Path::new(path)
            .ancestors()
            .filter_map(|group| fs::read_to_string(root.join(group).join(file)).ok())
            .collect()
    }

    /// Returns the path of `file` in the group of the whole container, that of its main process and all execs.
    pub(crate) fn file(&self, controller: Controller, file: &str) -> Option<PathBuf> {
        let (root, path) = self.place(controller)?;
        let container = Path::new(path)
            .ancestors()
            .take_while(|group| group.to_str().is_some_and(|group| group.contains(&self.container)));
        Some(root.join(container.last()?).join(file))
    }

    fn place(&self, controller: Controller) -> Option<(PathBuf, &str)> {
        match self.paths.get(controller.name()) {
            Some(path) => Some((self.mount.join(controller.name()), path)),
            None => Some((self.mount.clone(), self.paths.get("")?)),
        }
    }
}

impl Controller {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Pids => "pids",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-4f2a.scope/container\n";
    const V1: &str = "9:name=systemd:/machine.slice/libpod-4f2a.scope\n4:memory:/machine.slice/libpod-4f2a.scope\n\
                      2:cpu,cpuacct:/machine.slice/libpod-4f2a.scope\n0::/\n";

    #[test]
    fn the_unified_hierarchy_serves_every_controller() {
        let cgroup = Cgroup::parse(V2, "4f2a", Path::new("/m")).unwrap();
        assert!(cgroup.is_v2(Controller::Memory));
        assert_eq!(
            cgroup.file(Controller::Memory, "memory.events").unwrap(),
            Path::new("/m/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-4f2a.scope/memory.events")
        );
    }

    #[test]
    fn each_controller_of_version_1_has_its_own() {
        let cgroup = Cgroup::parse(V1, "4f2a", Path::new("/m")).unwrap();
        assert!(!cgroup.is_v2(Controller::Cpu));
        assert_eq!(
            cgroup.file(Controller::Cpu, "cpu.cfs_quota_us").unwrap(),
            Path::new("/m/cpu/machine.slice/libpod-4f2a.scope/cpu.cfs_quota_us")
        );
        assert_eq!(cgroup.file(Controller::Pids, "pids.max"), None);
    }

    #[test]
    fn what_is_in_no_group_of_the_container_is_not_its() {
        let rootless_v1 = "8:pids:/\n4:memory:/process_api/e4f2\n0::/\n";
        for text in [
            rootless_v1,
            "0::/../../libpod-4f2a.scope\n",
            "0::/libpod-9999.scope\n",
            "",
        ] {
            assert_eq!(Cgroup::parse(text, "4f2a", Path::new("/m")), None, "{text}");
        }
    }

    #[test]
    fn files_are_read_from_the_inside_out() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("a/libpod-4f2a");
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("pids.max"), "max\n").unwrap();
        fs::write(root.path().join("a/pids.max"), "7\n").unwrap();
        let cgroup = Cgroup::parse("0::/a/libpod-4f2a\n", "4f2a", root.path()).unwrap();
        assert_eq!(cgroup.read_upwards(Controller::Pids, "pids.max"), ["max\n", "7\n"]);
    }
}
