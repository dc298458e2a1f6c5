//! The directories that this process keeps its containers' groups in, one in each hierarchy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use inline_runtime::{Error, ErrorKind, Result};

use super::controller::{Controller, Version};
use super::file;
use super::group::Group;
use super::hierarchy::Hierarchy;
use super::sweep::{self, PREFIX};

const ATTEMPTS: usize = 8;

/// What this process has made in the hierarchies. Dropping it removes the directories.
#[derive(Debug)]
pub(super) struct Owner {
    parts: Vec<Part>,
    /// Why a controller cannot be had.
    missing: BTreeMap<Controller, String>,
}

/// The directory in one hierarchy, locked.
#[derive(Debug)]
struct Part {
    version: Version,
    controllers: Vec<Controller>,
    directory: PathBuf,
    _lock: File,
}

impl Owner {
    /// Makes a directory wherever one is needed and allowed.
    pub(super) fn make(hierarchies: &[Hierarchy]) -> Self {
        Self::of(hierarchies.iter().map(|hierarchy| (hierarchy, make_part(hierarchy))))
    }

    /// Makes a directory of version 2 in a place that was delegated.
    pub(super) fn below(parent: &Path, hierarchy: &Hierarchy) -> Self {
        let part = make_below(parent).map_err(|error| unwritable(parent, &error));
        Self::of([(hierarchy, part)])
    }

    fn of<'a>(made: impl IntoIterator<Item = (&'a Hierarchy, Result<Part, String>)>) -> Self {
        let (mut parts, mut missing) = (Vec::new(), BTreeMap::new());
        for (hierarchy, part) in made {
            match part {
                Ok(part) => parts.push(part),
                Err(why) => {
                    let controllers: &[_] = match hierarchy.version {
                        Version::V1 => &hierarchy.controllers,
                        Version::V2 => &Controller::ALL,
                    };
                    for controller in controllers {
                        missing.entry(*controller).or_insert_with(|| why.clone());
                    }
                }
            }
        }
        let has = |controller| parts.iter().any(|part: &Part| part.controllers.contains(&controller));
        for controller in Controller::ALL {
            if has(controller) {
                missing.remove(&controller);
            } else {
                missing
                    .entry(controller)
                    .or_insert_with(|| format!("the kernel has no control groups with `{}`", controller.name()));
            }
        }
        Self { parts, missing }
    }

    /// Returns why a controller cannot be had, if it cannot.
    pub(super) fn missing(&self, controller: Controller) -> Option<&str> {
        self.missing.get(&controller).map(String::as_str)
    }

    /// Returns where the groups are, for a person.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.parts.first().map(|part| part.directory.as_path())
    }

    /// Makes the groups of one container in every hierarchy; what was made is removed if one cannot be.
    pub(super) fn groups(&self, container: &str) -> Result<Vec<Group>> {
        let mut groups = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let directory = part.directory.join(format!("container-{container}"));
            match Group::make(part.version, part.controllers.clone(), directory) {
                Ok(group) => groups.push(group),
                Err(error) => {
                    for group in &groups {
                        group.remove().ok();
                    }
                    return Err(error);
                }
            }
        }
        Ok(groups)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        for part in &self.parts {
            // What is left is found by the next process that connects.
            fs::remove_dir(&part.directory).ok();
        }
    }
}

fn make_part(hierarchy: &Hierarchy) -> Result<Part, String> {
    if hierarchy.is_read_only {
        return Err(format!(
            "`{}` is read-only, as in a container; mount it writable (`--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:rw`)",
            hierarchy.mount.display()
        ));
    }
    match hierarchy.version {
        Version::V1 => {
            let (directory, lock) = make_locked(&hierarchy.own).map_err(|error| unwritable(&hierarchy.own, &error))?;
            Ok(Part {
                version: Version::V1,
                controllers: hierarchy.controllers.clone(),
                directory,
                _lock: lock,
            })
        }
        Version::V2 => make_unified(hierarchy),
    }
}

/// Makes the directory of version 2 in the first place that takes it.
///
/// A group with processes can hand no controller down, unless it is the root of all; so it is the root, or a group above
/// our own. A user may write only to groups that were delegated.
fn make_unified(hierarchy: &Hierarchy) -> Result<Part, String> {
    let above = hierarchy
        .own
        .ancestors()
        .skip(1)
        .take_while(|directory| directory.starts_with(&hierarchy.mount));
    let root = (!hierarchy.mount.join("cgroup.events").exists()).then_some(hierarchy.mount.as_path());
    let mut why = format!(
        "this process is in `{}`, the root of what it sees, so there is no place beside it for groups of ours",
        hierarchy.own.display()
    );
    for parent in root.into_iter().chain(above) {
        match make_below(parent) {
            Ok(part) => return Ok(part),
            Err(error) => why = unwritable(parent, &error),
        }
    }
    Err(why)
}

/// Makes the directory of version 2 with what controllers it gets.
fn make_below(parent: &Path) -> io::Result<Part> {
    let (directory, lock) = make_locked(parent)?;
    hand_down(parent);
    let available = file::read(&directory.join("cgroup.controllers")).unwrap_or_default();
    hand_down(&directory);
    let mut controllers: Vec<_> = Controller::UNIFIED
        .into_iter()
        .filter(|controller| available.split_ascii_whitespace().any(|name| name == controller.name()))
        .collect();
    // Every group measures CPU time.
    controllers.push(Controller::Cpuacct);
    Ok(Part {
        version: Version::V2,
        controllers,
        directory,
        _lock: lock,
    })
}

/// Lets the groups in a directory have what it has. Each by itself: one that cannot be had must not take the others along.
fn hand_down(directory: &Path) {
    let path = directory.join("cgroup.subtree_control");
    for controller in Controller::UNIFIED {
        if let Err(error) = file::write(&path, &format!("+{}", controller.name())) {
            tracing::trace!(%error, path = %path.display(), controller = controller.name(), "not handed down");
        }
    }
}

/// Makes a directory with a random name and locks it, before another process can take it for left behind.
fn make_locked(parent: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..ATTEMPTS {
        let directory = parent.join(format!("{PREFIX}{:016x}", getrandom::u64().map_err(io::Error::other)?));
        fs::create_dir(&directory)?;
        match sweep::lock(&directory) {
            // Another process may have removed it between the two: then the lock is on what nobody sees.
            Ok(Some(lock)) if is_same(&directory, &lock) => return Ok((directory, lock)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                fs::remove_dir(&directory).ok();
                return Err(error);
            }
        }
    }
    Err(io::Error::other(
        "other processes removed every directory that was made",
    ))
}

fn is_same(directory: &Path, opened: &File) -> bool {
    match (fs::metadata(directory), opened.metadata()) {
        (Ok(named), Ok(held)) => (named.dev(), named.ino()) == (held.dev(), held.ino()),
        _ => false,
    }
}

/// The reason is the same on every host of a kind, as tables of capabilities have it; the place is for the log.
fn unwritable(directory: &Path, error: &io::Error) -> String {
    tracing::debug!(directory = %directory.display(), %error, "no group can be made");
    format!("no group can be made: {error}")
}

/// Says that a controller is needed and not there.
pub(super) fn unsupported(controller: Controller, why: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "the control group of a container cannot have `{}`: {why}",
            controller.name()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_to_is_told_with_its_cure() {
        let directory = tempfile::tempdir().unwrap();
        let hierarchy = |is_read_only, own: &str| Hierarchy {
            version: Version::V1,
            controllers: vec![Controller::Memory],
            mount: directory.path().to_owned(),
            own: directory.path().join(own),
            is_read_only,
        };
        let owner = Owner::make(&[hierarchy(true, "")]);
        assert!(
            owner
                .missing(Controller::Memory)
                .unwrap()
                .contains("is read-only, as in a container")
        );
        assert_eq!(
            owner.missing(Controller::Pids),
            Some("the kernel has no control groups with `pids`")
        );
        let owner = Owner::make(&[hierarchy(false, "nowhere")]);
        assert!(
            owner
                .missing(Controller::Memory)
                .unwrap()
                .starts_with("no group can be made")
        );
        assert_eq!(owner.directory(), None);

        let owner = Owner::make(&[hierarchy(false, "")]);
        assert_eq!(owner.missing(Controller::Memory), None);
        let made = owner.directory().unwrap().to_owned();
        drop(owner);
        assert!(!made.exists());
    }
}
