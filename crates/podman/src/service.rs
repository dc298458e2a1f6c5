//! A `podman system service` of our own, where none is there.
//!
//! It listens on a socket in a private directory, ends when the driver is dropped, and ends by itself once nobody has
//! asked it anything for a while, so that nothing lingers if this process is killed. What Podman itself keeps, the pause
//! process that holds a rootless user's namespace, is shared by all of that user's Podman commands and stays.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use inline_runtime::{Error, ErrorKind, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid};
use tempfile::TempDir;
use tokio::net::unix::UCred;

use crate::config::PodmanConfig;
use crate::endpoint::probe;
use crate::facts::no_subordinate_ids;
use crate::raw::Client;
use crate::settings;
use crate::task::AbortOnDrop;

const DIRECTORY_PREFIX: &str = "inline-podman-";
const SOCKET: &str = "podman.sock";
/// How long an abandoned service waits before it ends.
const IDLE: Duration = Duration::from_mins(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const START_TIMEOUT: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(20);
/// How long a service may take to end before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// How much of the service's complaints is kept.
const MAX_COMPLAINT_BYTES: usize = 4 << 10;
/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    client: Client,
    child: Option<Child>,
    _keep_alive: AbortOnDrop,
    /// Removed with all that is in it when the service is dropped.
    _directory: TempDir,
}

impl Service {
    /// Starts a service and waits until it answers.
    pub(crate) async fn start(binary: &Path, config: &PodmanConfig) -> Result<(Self, UCred)> {
        let place = config.private_place();
        remove_abandoned(&place);
        let directory = tempfile::Builder::new()
            .prefix(DIRECTORY_PREFIX)
            .tempdir_in(place)
            .map_err(|error| cannot_start(binary, error))?;
        let socket = directory.path().join(SOCKET);
        let mut child = command(binary, &socket, directory.path(), config)
            .and_then(|mut command| command.spawn())
            .map_err(|error| cannot_start(binary, error))?;
        let complaint = Complaint::listen(child.stderr.take());
        let found = match wait(&mut child, &socket, config, &complaint).await {
            Ok(found) => found,
            Err(error) => {
                stop(child);
                return Err(error);
            }
        };
        tracing::info!(socket = %socket.display(), "started a podman service");
        let service = Self {
            _keep_alive: AbortOnDrop::spawn(keep_alive(found.client.clone())),
            client: found.client,
            child: Some(child),
            _directory: directory,
        };
        Ok((service, found.peer))
    }

    /// Returns a client of the service.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            stop(child);
        }
    }
}

/// Asks the service's whole process group to end, and sees to it in a thread, since a drop must not wait.
fn stop(mut child: Child) {
    let group = i32::try_from(child.id()).map(Pid::from_raw);
    let signal = move |signal| {
        if let Ok(group) = group {
            // It may have ended by itself.
            killpg(group, signal).ok();
        }
    };
    signal(Signal::SIGTERM);
    let see_to_it = move || {
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(START_POLL);
        }
        signal(Signal::SIGKILL);
        drop(child.wait());
    };
    // Without a thread it still ends by the signal, or once it was idle.
    drop(thread::Builder::new().spawn(see_to_it));
}

async fn wait(
    child: &mut Child,
    socket: &Path,
    config: &PodmanConfig,
    complaint: &Complaint,
) -> Result<crate::endpoint::Found> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match probe(socket, config).await {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => {}
        }
        if let Ok(Some(status)) = child.try_wait() {
            let text = complaint.text();
            if text.contains("subuid") || text.contains("newuidmap") {
                return Err(no_subordinate_ids());
            }
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("the service that was started ended with {status}: {}", text.trim()),
            ));
        }
        tokio::time::sleep(START_POLL).await;
    }
}

async fn keep_alive(client: Client) {
    loop {
        tokio::time::sleep(KEEP_ALIVE).await;
        if let Err(error) = client.bounded("ping", client.podman.ping()).await {
            tracing::debug!(%error, "the podman service does not answer");
        }
    }
}

/// Removes the directories of services whose driver was killed: ours by name and owner, with a socket that nobody listens at.
fn remove_abandoned(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(DIRECTORY_PREFIX)
            && entry
                .metadata()
                .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == Uid::effective().as_raw());
        if !is_ours {
            continue;
        }
        if let Err(error) = UnixStream::connect(entry.path().join(SOCKET))
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

fn command(binary: &Path, socket: &Path, directory: &Path, config: &PodmanConfig) -> io::Result<Command> {
    let mut command = Command::new(binary);
    command
        .args(["system", "service"])
        .arg(format!("--time={}", IDLE.as_secs()))
        .arg(format!("unix://{}", socket.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own, to be ended as a whole: rootless Podman runs itself a second time.
        .process_group(0)
        // Either would make it something else than a service of this machine on this socket.
        .env_remove("CONTAINER_HOST")
        .env_remove("LISTEN_FDS");
    if let Some(runtime_dir) = &config.runtime_dir {
        command.env(crate::env::XDG_RUNTIME_DIR, runtime_dir);
    }
    for (name, value) in settings::variables(directory)? {
        command.env(name, value);
    }
    Ok(command)
}

fn cannot_start(binary: &Path, source: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("`{}` cannot be started", binary.display()),
    )
    .with_source(source)
}

/// Keeps the end of what the service complains of, and reads on so that it never waits for us.
#[derive(Clone, Debug, Default)]
struct Complaint(Arc<Mutex<Vec<u8>>>);

impl Complaint {
    fn listen(stderr: Option<ChildStderr>) -> Self {
        let complaint = Self::default();
        if let Some(mut stderr) = stderr {
            let kept = complaint.clone();
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                    kept.keep(&buffer[..length]);
                }
            });
        }
        complaint
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let excess = kept.len().saturating_sub(MAX_COMPLAINT_BYTES);
        kept.drain(..excess);
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_what_was_abandoned_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let listen = |name: &str| {
            fs::create_dir(place.path().join(name)).unwrap();
            UnixListener::bind(place.path().join(name).join(SOCKET)).unwrap()
        };
        let _alive = listen("inline-podman-alive");
        drop(listen("inline-podman-dead"));
        drop(listen("of-somebody-else"));
        fs::create_dir(place.path().join("inline-podman-starting")).unwrap();
        remove_abandoned(place.path());
        let exists = |name: &str| place.path().join(name).exists();
        assert!(exists("inline-podman-alive") && exists("of-somebody-else") && exists("inline-podman-starting"));
        assert!(!exists("inline-podman-dead"));
    }

    #[test]
    fn only_the_end_of_a_complaint_is_kept() {
        let complaint = Complaint::default();
        complaint.keep(&vec![b'a'; MAX_COMPLAINT_BYTES]);
        complaint.keep(b"the end");
        assert_eq!(complaint.text().len(), MAX_COMPLAINT_BYTES);
        assert!(complaint.text().ends_with("athe end"));
    }
}
