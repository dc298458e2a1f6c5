//! Where the hierarchies of control groups are mounted, and where this process is in each.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::controller::{Controller, Version};

/// One hierarchy. Version 1 has several, a hybrid host one of version 2 besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    /// The controllers of version 1; in version 2 each group has its own list.
    pub(super) controllers: Vec<Controller>,
    pub(super) mount: PathBuf,
    /// The directory of the group that this process is in.
    pub(super) own: PathBuf,
    pub(super) is_read_only: bool,
}

/// Finds the hierarchies that this process sees itself in.
pub(super) fn of_this_process() -> io::Result<Vec<Hierarchy>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(parse(&mounts, &fs::read_to_string("/proc/self/cgroup")?))
}

fn parse(mounts: &str, groups: &str) -> Vec<Hierarchy> {
    groups.lines().filter_map(|line| find(mounts, line)).collect()
}

/// Finds the mount of a line such as `4:memory:/a/b`; that of version 2 is `0::/a/b`.
fn find(mounts: &str, line: &str) -> Option<Hierarchy> {
    let (names, group) = line.split_once(':')?.1.split_once(':')?;
    let version = if names.is_empty() { Version::V2 } else { Version::V1 };
    let controllers: Vec<_> = Controller::ALL
        .into_iter()
        .filter(|controller| names.split(',').any(|name| name == controller.name()))
        .collect();
    if version == Version::V1 && controllers.is_empty() {
        return None;
    }
    mounts.lines().find_map(|mount| {
        let mount = Mount::parse(mount)?;
        let is_it = match version {
            Version::V2 => mount.kind == "cgroup2",
            Version::V1 => mount.kind == "cgroup" && names.split(',').all(|name| mount.has_option(name)),
        };
        // A group that climbs, or lies beside what is mounted, belongs to another namespace.
        let below = Path::new(group).strip_prefix(mount.root).ok()?;
        (is_it && !group.contains("..")).then(|| Hierarchy {
            version,
            controllers: controllers.clone(),
            mount: PathBuf::from(mount.point),
            own: Path::new(mount.point).join(below),
            is_read_only: mount.is_read_only,
        })
    })
}

struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    is_read_only: bool,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (place, filesystem) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point, flags) = (place.next()?, place.next()?, place.next()?);
        let mut filesystem = filesystem.split(' ');
        let kind = filesystem.next()?;
        let options = filesystem.nth(1)?;
        Some(Self {
            root,
            point,
            is_read_only: [flags, options]
                .iter()
                .any(|list| list.split(',').any(|flag| flag == "ro")),
            kind,
            options,
        })
    }

    fn has_option(&self, name: &str) -> bool {
        self.options.split(',').any(|option| option == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                      32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
                      35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

    #[test]
    fn each_hierarchy_of_version_1_is_found_by_its_controllers() {
        let groups = "9:name=systemd:/x\n4:memory:/a/b\n2:cpu,cpuacct:/\n0::/u\n";
        let found = parse(V1, groups);
        let own: Vec<_> = found.iter().map(|hierarchy| hierarchy.own.to_str().unwrap()).collect();
        assert_eq!(
            own,
            [
                "/sys/fs/cgroup/memory/a/b",
                "/sys/fs/cgroup/cpu,cpuacct/",
                "/sys/fs/cgroup/unified/u"
            ]
        );
        assert_eq!(found[1].controllers, [Controller::Cpu, Controller::Cpuacct]);
        assert_eq!(found[2].version, Version::V2);
    }

    #[test]
    fn the_mounted_part_of_a_hierarchy_counts() {
        let mount = "29 22 0:26 /docker/4f2a /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n";
        let [inside] = &parse(mount, "0::/docker/4f2a/x\n")[..] else {
            panic!("not found");
        };
        assert_eq!(inside.own, Path::new("/sys/fs/cgroup/x"));
        assert!(inside.is_read_only);
        assert_eq!(parse(mount, "0::/\n"), []);
        assert_eq!(parse(mount, "0::/../../user.slice\n"), []);
        assert_eq!(parse("", "0::/\n"), []);
    }
}
