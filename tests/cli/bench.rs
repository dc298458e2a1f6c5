//! What the cases work on: the program, with a configuration and a directory of its own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use inline_tests::environment::{patience, patient};
use inline_tests::left;
use inline_tests::service::Engine;
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::ensure;

/// How long something may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    /// Where commands run.
    pub(crate) directory: TempDir,
    /// What is in the label of all containers, at its start.
    instance: String,
}

impl Bench {
    pub(crate) fn open(engine: Engine) -> Result<Self, Failed> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let bench = Self {
            engine,
            directory: tempfile::Builder::new().prefix("inline-cli-").tempdir()?,
            instance: format!("inline-cli-{}-{number}", std::process::id()),
        };
        bench.configure("")?;
        Ok(bench)
    }

    /// Writes the configuration, with `more` at its end.
    pub(crate) fn configure(&self, more: &str) -> Result<(), Failed> {
        let mut text = self.engine.configuration()?;
        text = format!(
            "{text}base_dir = '{}'\ninstance = '{}'\n",
            self.directory.path().join("base").display(),
            self.instance,
        );
        text.push_str("limits.workspace_bytes = '64m'\n");
        let timeouts = [
            ("limits.timeout", 30),
            ("limits.max_timeout", 120),
            ("packages.timeout", 300),
        ];
        for (key, seconds) in timeouts {
            text = text + key + " = " + &(seconds * patience()?).to_string() + "\n";
        }
        fs::write(self.directory.path().join("inline.toml"), text + more)?;
        Ok(())
    }

    /// Returns a command with nothing of the tests' own environment but what names the engines.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command, Failed> {
        let program = std::env::var("INLINE_TEST_CLI").map_err(|_| "INLINE_TEST_CLI is not set")?;
        let mut command = Command::new(PathBuf::from(program).canonicalize()?);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null());
        for name in ["PATH", "HOME", "DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output, Failed> {
        Ok(self.command(arguments)?.output()?)
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Result<Output, Failed> {
        let mut child = self.command(arguments)?.stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input)?;
        }
        Ok(child.wait_with_output()?)
    }

    /// Runs a command that must succeed, and returns what it prints.
    pub(crate) fn printed(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.run(arguments)?;
        ensure(output.status.success(), || format!("{arguments:?}: {output:?}"))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Returns the names of all containers that belong to this bench.
    pub(crate) fn containers(&self) -> Result<Vec<String>, Failed> {
        Runtime::new()?.block_on(left::containers(self.engine, &self.instance, self.directory.path()))
    }

    /// Checks that nothing is left, on the engine or of workspaces of runs that leave nothing.
    pub(crate) fn close(self) -> Result<(), Failed> {
        let containers = self.containers()?;
        if !containers.is_empty() {
            self.run(&["gc"])?;
        }
        ensure(containers.is_empty(), || format!("containers are left: {containers:?}"))?;
        let Ok(one_shots) = fs::read_dir(self.directory.path().join("base/one-shot")) else {
            return Ok(());
        };
        for one_shot in one_shots {
            let owners = one_shot?.path().join("workspaces/owners");
            let left = fs::read_dir(&owners).map_or(0, Iterator::count);
            ensure(left == 0, || {
                format!("{left} workspaces are left in {}", owners.display())
            })?;
        }
        Ok(())
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) -> Result<(), Failed> {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()?;
    ensure(sent.success(), || format!("kill: {sent}"))
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    let deadline = Instant::now() + patient(PATIENCE)?;
    while !holds()? {
        ensure(Instant::now() < deadline, || format!("{what} did not happen"))?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
