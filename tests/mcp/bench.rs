//! What the cases work on: the program, with a configuration and a directory of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use inline::labels;
use inline_tests::environment::{patience, patient, variable};
use inline_tests::index::Index;
use inline_tests::service::Engine;
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::ensure;

/// Names the directory with the clients that were written elsewhere.
pub(crate) const CLIENTS: &str = "INLINE_TEST_CLIENTS";
/// Tokens of two clients.
pub(crate) const ALICE: &str = "alice-0123456789abcdef";
pub(crate) const BOB: &str = "bob-0123456789abcdef";
/// How long something may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    directory: TempDir,
    instance: String,
    /// Where packages come from.
    index: Index,
}

/// A server that listens, until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Bench {
    pub(crate) fn open(engine: Engine) -> Result<Self, Failed> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let bench = Self {
            engine,
            directory: tempfile::Builder::new().prefix("inline-mcp-").tempdir()?,
            instance: format!("inline-mcp-{}-{number}", std::process::id()),
            index: Index::start()?,
        };
        bench.configure("")?;
        Ok(bench)
    }

    /// Writes the configuration, with `more` at its end.
    pub(crate) fn configure(&self, more: &str) -> Result<(), Failed> {
        let engine = self.engine.configuration()?;
        let (base, instance, patience) = (self.base(), &self.instance, patience()?);
        let text = format!(
            "{engine}base_dir = '{}'\ninstance = '{instance}'\n\
             pull_on_startup = false\nlimits.workspace_bytes = '64m'\nlimits.timeout = {}\nlimits.max_timeout = {}\n\
             packages.timeout = {}\npackages.pip_index_url = '{}'\npackages.npm_registry = '{}'\n\
             admission.max_running_per_owner = 8\nadmission.rate_limit.runs = 10000\nmcp.tokens_file = '{}'\n",
            base.display(),
            30 * patience,
            120 * patience,
            300 * patience,
            self.index.pip(),
            self.index.npm(),
            self.tokens().display(),
        );
        fs::write(self.directory.path().join("inline.toml"), text + more)?;
        self.write_tokens(&format!("alice {ALICE}\nbob {BOB}\n"), "600")
    }

    pub(crate) fn write_tokens(&self, text: &str, mode: &str) -> Result<(), Failed> {
        fs::write(self.tokens(), text)?;
        let changed = Command::new("chmod").arg(mode).arg(self.tokens()).status()?;
        ensure(changed.success(), || format!("chmod: {changed}"))
    }

    /// Writes a configuration that knows no tokens.
    pub(crate) fn configure_without_tokens(&self) -> Result<(), Failed> {
        self.configure("")?;
        let file = self.directory.path().join("inline.toml");
        let text = fs::read_to_string(&file)?;
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains("tokens_file")).collect();
        Ok(fs::write(file, kept.join("\n"))?)
    }

    fn tokens(&self) -> PathBuf {
        self.directory.path().join("tokens")
    }

    /// Returns where the service keeps what it has.
    pub(crate) fn base(&self) -> PathBuf {
        self.directory.path().join("base")
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Returns what the program needs of our environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let names = ["PATH", "DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR"];
        let mut variables: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((name, variable(name)?)))
            .collect();
        variables.push(("HOME", self.directory.path().display().to_string()));
        variables
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command, Failed> {
        let mut command = Command::new(program()?);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Starts a server for `alice` and `bob`.
    pub(crate) fn serve(&self) -> Result<Server, Failed> {
        let mut child = self
            .command(&["mcp", "--http", "127.0.0.1:0"])?
            .stderr(Stdio::piped())
            .spawn()?;
        let mut told = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            ensure(told.read_line(&mut line)? > 0, || format!("it did not start: {all}"))?;
            let address = line.trim().strip_prefix("serving at http://");
            if let Some(address) = address.and_then(|address| address.strip_suffix("/mcp")) {
                break address.parse()?;
            }
            all += &line;
        };
        // What it tells later is shown with ours, and never holds it back.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::stderr()));
        Ok(Server { child, address })
    }

    /// Checks that nothing is left on the engine.
    pub(crate) fn close(self) -> Result<(), Failed> {
        let left: Vec<String> = Runtime::new()?.block_on(async {
            let runtime = self.engine.connect().await?;
            let mut all = runtime.list(&inline::ListFilter::default()).await?;
            all.retain(|one| {
                one.labels
                    .get(labels::INSTANCE)
                    .is_some_and(|name| *name == self.instance)
            });
            Ok::<_, Failed>(all.into_iter().map(|container| container.name).collect())
        })?;
        ensure(left.is_empty(), || format!("containers are left: {left:?}"))
    }
}

impl Server {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator does, and checks that it ends well.
    pub(crate) fn stop(mut self) -> Result<(), Failed> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure(sent.success(), || format!("kill: {sent}"))?;
        let deadline = Instant::now() + patient(PATIENCE)?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return ensure(status.success(), || format!("it ended with {status}"));
            }
            ensure(Instant::now() < deadline, || "it does not end".to_owned())?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` it is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the path of the program.
pub(crate) fn program() -> Result<PathBuf, Failed> {
    let program = variable("INLINE_TEST_CLI").ok_or("INLINE_TEST_CLI is not set")?;
    Ok(PathBuf::from(program).canonicalize()?)
}

/// Returns the memory of a process, in bytes.
pub(crate) fn memory(process: u32) -> Result<u64, Failed> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("no VmRSS")?;
    Ok(kilobytes.parse::<u64>()? * 1_024)
}
