//! Where the programs of the fake can write, and how much.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use inline_fake::FakeProcess;
use inline_runtime::{ExitStatus, Mount, MountKind, Signal, UlimitName, Userns};

use super::programs::number;

const BLOCK: u64 = 64 << 10;

/// The one volume of the engine: which files were written to it. All have the size of one block.
#[derive(Clone, Debug, Default)]
pub(super) struct Volume(Arc<Mutex<BTreeSet<String>>>);

impl Volume {
    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.contains(path).then(|| vec![0; 1 << 16])
    }

    fn write(&self, path: &str) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(path.to_owned());
    }
}

/// Returns how many bytes were written, and how that ended.
pub(super) fn write_file(process: &FakeProcess, volume: &Volume) -> (u64, ExitStatus) {
    let (path, wanted) = (process.arg(0), number::<u64>(process, 1) * BLOCK);
    let room = room(process, path);
    let largest = process
        .spec()
        .ulimits
        .iter()
        .find(|ulimit| ulimit.name == UlimitName::Fsize);
    let largest = largest.map_or(u64::MAX, |ulimit| ulimit.hard);
    let written = wanted.min(room).min(largest);
    if let Some((mount, host_path)) = mount(process, path)
        && written > 0
    {
        match mount.kind {
            MountKind::Volume => volume.write(path),
            _ if fs::write(host_path, vec![0; usize::try_from(written).unwrap_or_default()]).is_ok() => {}
            _ => return (0, ExitStatus::from_code(1)),
        }
    }
    let status = if written == wanted {
        ExitStatus::from_code(0)
    } else if written == largest {
        Signal::from_number(25).map_or(ExitStatus::from_code(1), ExitStatus::from_signal)
    } else {
        ExitStatus::from_code(1)
    };
    (written, status)
}

/// Returns how many files fit, beside the directory itself.
pub(super) fn make_files(process: &FakeProcess) -> u64 {
    let tmpfs = process.spec().tmpfs.iter().find(|tmpfs| tmpfs.target == process.arg(0));
    let room = tmpfs.and_then(|tmpfs| tmpfs.nr_inodes).unwrap_or(u64::MAX);
    number::<u64>(process, 1).min(room - 1)
}

/// Returns the mount that `path` is on, and the path on the host.
pub(super) fn mount<'a>(process: &'a FakeProcess, path: &str) -> Option<(&'a Mount, PathBuf)> {
    process.spec().mounts.iter().find_map(|mount| {
        let inside = path.strip_prefix(&mount.target)?.strip_prefix('/')?;
        Some((mount, PathBuf::from(&mount.source).join(inside)))
    })
}

fn room(process: &FakeProcess, path: &str) -> u64 {
    let spec = process.spec();
    let below = |target: &str| path.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'));
    if below("/dev/shm") {
        return spec.shm_size.unwrap_or(64 << 20);
    }
    if let Some(tmpfs) = spec.tmpfs.iter().find(|tmpfs| below(&tmpfs.target)) {
        return tmpfs.size;
    }
    let writable = match mount(process, path) {
        Some((mount, _)) if mount.kind == MountKind::Bind => {
            let mode = fs::metadata(&mount.source).map_or(0, |metadata| metadata.permissions().mode());
            !mount.read_only && (mode & 0o002 != 0 || spec.userns == Userns::KeepId)
        }
        Some((mount, _)) => !mount.read_only,
        None => !spec.readonly_rootfs && process.user().starts_with("0:"),
    };
    if writable { u64::MAX } else { 0 }
}
