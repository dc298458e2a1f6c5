//! Counts the kills by the kernel's OOM killer in one container.
//!
//! Podman 4.3 says of a container that was really killed for its memory that it was not, and the kernel's own counter goes
//! away with the container's group, which systemd removes as soon as the last process is gone. So the counter is watched
//! from before the program's first instruction, and the last number seen is kept.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::cgroup::{Cgroup, Controller};
use crate::task::AbortOnDrop;

/// Knows how many processes of a container the OOM killer has ended.
#[derive(Debug)]
pub(crate) struct OomWatch {
    counter: Arc<Counter>,
    /// Version 1 tells of no change; there the counter is read when it is asked for, which is before the clean-up.
    _follow: Option<AbortOnDrop>,
}

#[derive(Debug)]
struct Counter {
    path: PathBuf,
    last: AtomicU64,
}

impl OomWatch {
    /// Starts to watch a container's group.
    pub(crate) fn start(cgroup: &Cgroup) -> io::Result<Self> {
        let is_v2 = cgroup.is_v2(Controller::Memory);
        let name = if is_v2 { "memory.events" } else { "memory.oom_control" };
        let path = cgroup.file(Controller::Memory, name).ok_or(io::ErrorKind::NotFound)?;
        let changes = if is_v2 { Some(changes(&path)?) } else { None };
        let counter = Arc::new(Counter {
            last: AtomicU64::new(kills(&fs::read_to_string(&path)?)),
            path,
        });
        let follow = changes.map(|changes| AbortOnDrop::spawn(follow(changes, Arc::clone(&counter))));
        Ok(Self {
            counter,
            _follow: follow,
        })
    }

    /// Returns the kills until now, or until the group went away.
    pub(crate) fn kills(&self) -> u64 {
        self.counter.read();
        self.counter.last.load(Ordering::Acquire)
    }
}

impl Counter {
    fn read(&self) {
        if let Ok(text) = fs::read_to_string(&self.path) {
            self.last.fetch_max(kills(&text), Ordering::AcqRel);
        }
    }
}

/// Opens a stream of changes. The pipe is Tokio's one safe type that reads from any descriptor that can be polled.
fn changes(path: &Path) -> io::Result<Receiver> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    inotify.add_watch(path, AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_DELETE_SELF)?;
    Receiver::from_owned_fd_unchecked(OwnedFd::from(inotify))
}

async fn follow(mut changes: Receiver, counter: Arc<Counter>) {
    let mut events = [0; 4096];
    counter.read();
    while let Ok(1..) = changes.read(&mut events).await {
        counter.read();
    }
}

fn kills(text: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_counter_are_read() {
        assert_eq!(kills("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 0\n"), 3);
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\n"), 0);
    }

    #[tokio::test]
    async fn the_last_number_outlives_the_group() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("memory.events");
        fs::write(&path, "oom_kill 0\n").unwrap();
        let counter = Arc::new(Counter {
            path: path.clone(),
            last: AtomicU64::new(0),
        });
        let follow = AbortOnDrop::spawn(follow(changes(&path).unwrap(), Arc::clone(&counter)));
        fs::write(&path, "oom_kill 1\n").unwrap();
        while counter.last.load(Ordering::Acquire) == 0 {
            tokio::task::yield_now().await;
        }
        fs::remove_file(&path).unwrap();
        let watch = OomWatch {
            counter,
            _follow: Some(follow),
        };
        assert_eq!(watch.kills(), 1);
    }
}
