//! What a service says of itself, kept for the next process that asks.
//!
//! Podman looks its packages up for the answer, which takes longer than running a container, and which a command that runs
//! one program and ends would wait for each time. For as long as a service runs, nothing of the answer changes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use inline_runtime::Result;
use nix::libc::O_NOFOLLOW;
use nix::unistd::Uid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::net::unix::UCred;

use crate::answer::SystemInfo;
use crate::raw::Client;

const FILE: &str = "inline-podman.json";
/// A description is a tenth of this.
const MAX_BYTES: u64 = 64 << 10;
/// Who listens when the service does so itself. Where systemd does, another service may answer each time.
const PROGRAM: &str = "podman";
/// Where `/proc/PID/stat` has the time of the start, counted from behind the name, which may hold anything.
const START_TIME: usize = 19;

/// Tells a service from every other, also from the next one at the same socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listener {
    socket: PathBuf,
    boot: String,
    pid: i32,
    /// In ticks since the boot.
    started: u64,
}

#[derive(Serialize, Deserialize)]
struct Description {
    listener: Listener,
    info: SystemInfo,
}

/// Asks a service to describe itself, unless it is known that it did.
pub(crate) async fn describe(client: &Client, peer: UCred, runtime_dir: Option<&Path>) -> Result<SystemInfo> {
    let listener = peer.pid().and_then(|pid| Listener::of(client.socket(), pid));
    let Some((listener, directory)) = listener.zip(runtime_dir.filter(|directory| is_private(directory))) else {
        return client.get("/info").await;
    };
    let file = directory.join(FILE);
    if let Some(info) = read(&file, &listener) {
        return Ok(info);
    }
    let info = client.get("/info").await?;
    let description = Description { listener, info };
    if let Err(error) = write(&file, directory, &description) {
        tracing::debug!(file = %file.display(), %error, "the description of the service is not kept");
    }
    Ok(description.info)
}

impl Listener {
    fn of(socket: &Path, pid: i32) -> Option<Self> {
        let of_process = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
        let is_podman = of_process("comm")?.trim_end() == PROGRAM;
        let stat = of_process("stat")?;
        let (_, behind_name) = stat.rsplit_once(')')?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        is_podman.then_some(Self {
            socket: socket.to_path_buf(),
            boot: boot.trim_end().to_owned(),
            pid,
            started: behind_name.split_whitespace().nth(START_TIME)?.parse().ok()?,
        })
    }
}

/// Returns whether nobody else can put files into a directory; who can do so here could also replace the socket.
fn is_private(directory: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o022;
    let is_ours = |found: &fs::Metadata| found.is_dir() && found.uid() == Uid::effective().as_raw();
    fs::metadata(directory).is_ok_and(|found| is_ours(&found) && found.mode() & OTHERS_WRITE == 0)
}

fn read(file: &Path, listener: &Listener) -> Option<SystemInfo> {
    let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(file).ok()?;
    let mut text = Vec::new();
    File::take(file, MAX_BYTES).read_to_end(&mut text).ok()?;
    let known: Description = serde_json::from_slice(&text).ok()?;
    (known.listener == *listener).then_some(known.info)
}

/// Puts the file in its place as a whole: another process may read it at this moment.
fn write(file: &Path, directory: &Path, description: &Description) -> io::Result<()> {
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(&serde_json::to_vec(description)?)?;
    new.persist(file).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn description(pid: i32) -> Description {
        let info = serde_json::json!({
            "host": {
                "cgroupVersion": "v2", "cgroupManager": "systemd", "kernel": "6.1", "ociRuntime": {"name": "crun"},
                "security": {"rootless": true, "seccompEnabled": true},
                "idMappings": {"uidmap": [{"size": 1}, {"size": 65_536}]},
            },
            "version": {"Version": "5.0.0"},
        });
        let listener = Listener {
            socket: "/run/podman.sock".into(),
            boot: "b".to_owned(),
            pid,
            started: 7,
        };
        Description {
            listener,
            info: serde_json::from_value(info).unwrap(),
        }
    }

    #[test]
    fn a_description_is_that_of_one_service() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        let known = description(3);
        write(&file, directory.path(), &known).unwrap();
        let found = read(&file, &known.listener).unwrap();
        assert_eq!(
            (found.host.cgroup_manager.as_str(), found.version.version.as_str()),
            ("systemd", "5.0.0")
        );
        assert_eq!(found.host.id_mappings.uidmap[1].size, 65_536);
        assert!(read(&file, &description(4).listener).is_none());
        fs::write(&file, "{").unwrap();
        assert!(read(&file, &known.listener).is_none());
    }

    #[test]
    fn what_others_could_have_put_there_is_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        let known = description(3);
        let elsewhere = directory.path().join("elsewhere");
        write(&elsewhere, directory.path(), &known).unwrap();
        let link = directory.path().join(FILE);
        symlink(&elsewhere, &link).unwrap();
        assert!(read(&link, &known.listener).is_none());
        assert!(is_private(directory.path()));
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_private(directory.path()));
    }

    #[test]
    fn only_podman_itself_is_known_again() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(Listener::of(Path::new("/run/podman.sock"), own), None);
    }
}
