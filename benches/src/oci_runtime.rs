//! The engine's OCI runtime without the engine: `runc run` or `crun run` of an unpacked image.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use inline::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::answer::{Printed, by_command};
use crate::bench::Bench;
use crate::{command_line, contract, report};

/// Runs the bundle `$2` by the runtime `$1` under each name that it reads; prints the exit code after the output.
///
/// It stays, so that its own start is in no sample. `crun` refuses machines with both kinds of control groups mounted,
/// so it has mounts of its own in which there is only one.
const RUNNER: &str = r#"
if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified || exit; fi
while read -r name; do "$1" run --bundle "$2" "$name" </dev/null; echo $?; done
"#;

/// An image and a configuration as OCI runtimes take them, and the shell that runs them.
pub(crate) struct Bundle {
    name: String,
    instance: String,
    runs: AtomicUsize,
    shell: Mutex<Shell>,
    _directory: TempDir,
}

struct Shell {
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Bundle {
    /// Unpacks the image of `bench`; `None`, and said so, to users who may not make mounts.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::CommandNotFound`] if the engine's runtime is not on this machine.
    /// - [`ErrorKind::Unexpected`] if the image cannot be unpacked.
    pub(crate) async fn of(bench: &Bench) -> Result<Option<Self>> {
        let Some(runtime) = bench.runtime.info().await?.default_oci_runtime else {
            return Ok(None);
        };
        if !rustix::process::geteuid().is_root() {
            let error = Error::new(ErrorKind::PermissionDenied, "mounts of its own are for root");
            report::not_measured(&format!("{runtime} run"), &error);
            return Ok(None);
        }
        let directory = tempfile::Builder::new()
            .prefix("inline-bench-")
            .tempdir()
            .map_err(unpacking)?;
        unpack(bench, directory.path()).await?;
        configure(&runtime, directory.path()).await?;
        let mut child = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                RUNNER,
                "sh",
                &runtime,
            ])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(unpacking)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Ok(None);
        };
        let shell = Shell {
            stdin,
            lines: BufReader::new(stdout).lines(),
            _child: child,
        };
        Ok(Some(Self {
            name: format!("{runtime} run"),
            instance: bench.instance.clone(),
            runs: AtomicUsize::new(0),
            shell: Mutex::new(shell),
            _directory: directory,
        }))
    }

    /// Returns what the figures call this floor.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs the program in a container of its own.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if the runtime does not answer.
    pub(crate) async fn run(&self) -> Result<Printed> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{run}\n", self.instance);
        let mut shell = self.shell.lock().await;
        shell.stdin.write_all(name.as_bytes()).await.map_err(no_answer)?;
        let mut stdout = Vec::new();
        while let Some(line) = shell.lines.next_line().await.map_err(no_answer)? {
            if let Ok(code) = line.parse() {
                return Ok(Printed { stdout, code });
            }
            stdout.extend_from_slice(line.as_bytes());
            stdout.push(b'\n');
        }
        Err(no_answer(std::io::ErrorKind::UnexpectedEof.into()))
    }
}

/// Lets the engine write out a container's files, which are those of its image.
async fn unpack(bench: &Bench, directory: &Path) -> Result<()> {
    let (tar, root) = (directory.join("image.tar"), directory.join("rootfs"));
    std::fs::create_dir(&root).map_err(unpacking)?;
    if let Some((uid, gid)) = command_line::engine_user(bench) {
        chown(directory, Some(uid), Some(gid)).map_err(unpacking)?;
    }
    let id = bench.runtime.create(&contract::spec(bench)).await?;
    by_command(command_line::export(bench, &id, &tar)).await?;
    bench.runtime.remove(&id).await?;
    let mut extract = Command::new("tar");
    extract
        .arg("--extract")
        .arg("--file")
        .arg(&tar)
        .arg("--directory")
        .arg(&root);
    by_command(extract).await.map(drop)
}

/// Writes the runtime's own example of a configuration, closed as the spec is: it drops all but three capabilities itself.
async fn configure(runtime: &str, directory: &Path) -> Result<()> {
    let mut example = Command::new(runtime);
    example.arg("spec").current_dir(directory);
    by_command(example).await?;
    let path = directory.join("config.json");
    let text = std::fs::read(&path).map_err(unpacking)?;
    let mut config: Value = serde_json::from_slice(&text).map_err(unpacking)?;
    config["process"]["args"] = json!(contract::CMD);
    config["process"]["terminal"] = json!(false);
    config["process"]["user"] = json!({ "uid": 65534, "gid": 65534 });
    config["process"]["capabilities"] = json!({});
    config["process"]["noNewPrivileges"] = json!(true);
    config["root"]["readonly"] = json!(true);
    std::fs::write(&path, config.to_string()).map_err(unpacking)
}

fn unpacking(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unexpected, "cannot make a bundle of the image").with_source(error)
}

fn no_answer(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "no answer from the OCI runtime").with_source(error)
}
