//! Finds and removes the groups that killed processes left behind.
//!
//! A process holds a lock on its groups' directory while it lives; the kernel lets go of it however the process ends. So a
//! directory of our name without a lock is nobody's. Process ids would not do: they mean nothing in another container.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::controller::{Controller, Version};
use super::group::Group;
use super::hierarchy::Hierarchy;

/// What the names of our directories start with.
pub(super) const PREFIX: &str = "inline-embedded-";
/// More groups than any host has are not looked at.
const MAX_GROUPS: usize = 20_000;

/// Takes the lock on a directory, unless another process has it.
pub(super) fn lock(directory: &Path) -> io::Result<Option<File>> {
    let opened = File::open(directory)?;
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(opened)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes what nobody holds in a hierarchy. What cannot be removed is left for the next time.
pub(super) fn sweep(hierarchy: &Hierarchy) {
    let mut found = Vec::new();
    collect(&hierarchy.mount, &mut found, &mut 0);
    for directory in found {
        if let Ok(Some(_lock)) = lock(&directory) {
            tracing::debug!(directory = %directory.display(), "removing the control groups of a process that is gone");
            remove_tree(hierarchy, &directory);
        }
    }
}

fn collect(directory: &Path, found: &mut Vec<std::path::PathBuf>, seen: &mut usize) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        *seen += 1;
        if *seen > MAX_GROUPS {
            return;
        }
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            found.push(entry.path());
        } else {
            collect(&entry.path(), found, seen);
        }
    }
}

/// Groups are two deep: the process's and its containers'.
fn remove_tree(hierarchy: &Hierarchy, directory: &Path) {
    let group = |directory: &Path| Group {
        version: hierarchy.version,
        controllers: controllers(hierarchy),
        directory: directory.to_owned(),
    };
    if let Ok(entries) = fs::read_dir(directory) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir())
                && let Err(error) = group(&entry.path()).remove()
            {
                tracing::warn!(%error, "a control group of a process that is gone remains");
            }
        }
    }
    group(directory).remove().ok();
}

fn controllers(hierarchy: &Hierarchy) -> Vec<Controller> {
    match hierarchy.version {
        Version::V1 => hierarchy.controllers.clone(),
        Version::V2 => Vec::new(),
    }
}
