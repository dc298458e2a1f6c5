//! Starts a process for a family, as the user whom the engine belongs to.

use std::os::unix::fs::chown;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{io, thread};

use inline::{Capability, Error, ErrorKind, Result, env};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{self, Command};
use tokio::try_join;

use crate::bench::Bench;
use crate::command_line::engine_user;
use crate::family::Family;
use crate::figure::Figure;

/// This program, also where another user may not see the directory that it is in.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// How long a process that was killed is waited for.
const DEATH_POLL: Duration = Duration::from_millis(5);
const DEATH_POLLS: u32 = 200;

/// Measures a family of the service's figures in a process of its own.
///
/// # Cancellation
///
/// Dropping the future kills the process; what it had made carries the label of `bench`.
pub(crate) async fn measure(family: Family, bench: &Bench) -> Result<Vec<Figure>> {
    // The child's directories are in ours, so that they go whatever becomes of it.
    let directory = tempfile::tempdir().map_err(os("a temporary directory"))?;
    let mut command = Command::new(THIS_PROGRAM);
    command
        .arg("--service-child")
        .args([
            "--driver",
            bench.driver(),
            "--figures",
            &family.name(),
            "--instance",
            &bench.instance,
        ])
        .args([
            "--image",
            &bench.image.to_string(),
            "--python",
            &bench.python.to_string(),
        ])
        .args(bench.quick.then_some("--quick"))
        .env("TMPDIR", directory.path())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if !bench.runtime.capabilities().has(Capability::Memory) {
        // Programs with limits would be refused; an operator of such a host sets the same.
        command.env(env::INLINE_PODMAN_LIMITS, "rlimit");
    }
    if let Some((uid, gid)) = engine_user(bench) {
        chown(directory.path(), Some(uid), Some(gid)).map_err(os("a directory of the engine's user"))?;
        command.uid(uid).gid(gid).env("HOME", directory.path());
    }
    let spawned = command.spawn().map_err(os("the service's process"))?;
    let mut child = Child {
        process: spawned,
        _directory: directory,
    };
    let (status, stdout, stderr) = child.output().await.map_err(os("the service's process"))?;
    if !status.success() {
        let told = String::from_utf8_lossy(&stderr);
        let message = format!("the service's process ended with {status}: {}", told.trim_end());
        return Err(Error::new(ErrorKind::Unexpected, message));
    }
    serde_json::from_slice(&stdout)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the service's process has no figures").with_source(error))
}

/// The process, which is dead before its directory goes.
struct Child {
    process: process::Child,
    _directory: TempDir,
}

impl Child {
    async fn output(&mut self) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let (stdout, stderr) = (self.process.stdout.take(), self.process.stderr.take());
        try_join!(self.process.wait(), read(stdout), read(stderr))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Where it has ended there is nothing to do.
        drop(self.process.start_kill());
        for _ in 0..DEATH_POLLS {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(DEATH_POLL);
        }
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn os(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |error: io::Error| Error::new(ErrorKind::Unexpected, format!("{what} cannot be had")).with_source(error)
}
