//! What the cases work on: the program, with a configuration and a directory of its own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use inline_tests::environment::patient;
use inline_tests::left;
use inline_tests::service::Engine;
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::ensure;
use crate::terminal::Terminal;

/// How long an answer may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Bench {
    engine: Engine,
    pub(crate) directory: TempDir,
    /// What is in the label of all containers, at its start.
    instance: String,
}

impl Bench {
    pub(crate) fn open(engine: Engine) -> Result<Self, Failed> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let bench = Self {
            engine,
            directory: tempfile::Builder::new().prefix("inline-repl-").tempdir()?,
            instance: format!(
                "inline-repl-{}-{}",
                std::process::id(),
                NUMBER.fetch_add(1, Ordering::Relaxed)
            ),
        };
        let text = format!(
            "{}base_dir = '{}'\ninstance = '{}'\n",
            engine.configuration()?,
            bench.directory.path().join("base").display(),
            bench.instance,
        );
        fs::write(bench.directory.path().join("repl.toml"), text)?;
        Ok(bench)
    }

    /// Returns a command with nothing of the tests' own environment but what names the engines.
    pub(crate) fn command(&self, language: &str) -> Result<Command, Failed> {
        let mut command = Command::new(program()?);
        command
            .args(["--language", language])
            .arg("--config")
            .arg(self.directory.path().join("repl.toml"))
            .current_dir(self.directory.path())
            .env_clear()
            // The history of a test is nobody's.
            .env("XDG_STATE_HOME", self.directory.path())
            .env("TERM", "xterm");
        if language == "python" {
            command.args(["--image", &self.engine.image(language)?.to_string()]);
        }
        for name in ["PATH", "HOME", "DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Ok(command)
    }

    /// Starts it with all three streams in pipes.
    pub(crate) fn start(&self, language: &str) -> Result<Child, Failed> {
        let mut command = self.command(language)?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command.spawn()?)
    }

    /// Runs `program` from a pipe.
    pub(crate) fn pipe(&self, language: &str, program: impl AsRef<[u8]>) -> Result<Output, Failed> {
        let mut child = self.start(language)?;
        if let Some(mut stdin) = child.stdin.take() {
            // It reads no more than it may.
            drop(stdin.write_all(program.as_ref()));
        }
        Ok(child.wait_with_output()?)
    }

    /// Starts it on a terminal, and waits for its prompt.
    pub(crate) fn terminal(&self, language: &str) -> Result<Terminal, Failed> {
        let mut terminal = Terminal::start(&self.command(language)?)?;
        terminal.expect(&format!("{language}> "))?;
        Ok(terminal)
    }

    /// Returns the names of all containers that belong to this bench.
    pub(crate) fn containers(&self) -> Result<Vec<String>, Failed> {
        Runtime::new()?.block_on(left::containers(self.engine, &self.instance, self.directory.path()))
    }

    /// Counts the workspaces that there are.
    pub(crate) fn workspaces(&self) -> usize {
        let directory = self.directory.path().join("base/one-shot");
        let services = fs::read_dir(directory).into_iter().flatten().flatten();
        services
            .map(|service| fs::read_dir(service.path().join("workspaces/owners")).map_or(0, Iterator::count))
            .sum()
    }

    /// Checks that nothing is left.
    pub(crate) fn close(self) -> Result<(), Failed> {
        let (containers, workspaces) = (self.containers()?, self.workspaces());
        if !containers.is_empty() {
            // The next start removes them.
            self.pipe("bash", "")?;
        }
        ensure(containers.is_empty() && workspaces == 0, || {
            format!("containers {containers:?} and {workspaces} workspaces are left")
        })
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) -> Result<(), Failed> {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()?;
    ensure(sent.success(), || format!("kill: {sent}"))
}

/// Returns when something that takes its time must have happened.
pub(crate) fn deadline() -> Result<Instant, Failed> {
    Ok(Instant::now() + patient(PATIENCE)?)
}

pub(crate) fn program() -> Result<PathBuf, Failed> {
    Ok(std::env::var_os("INLINE_TEST_REPL")
        .ok_or("INLINE_TEST_REPL is not set")?
        .into())
}
