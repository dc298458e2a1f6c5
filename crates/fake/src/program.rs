//! Programs as async functions, and what they see of the container that they run in.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use inline_runtime::{ContainerSpec, Event, ExitStatus, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

use crate::container::FakeContainer;

/// What a program is to the engine.
pub(crate) type Program = Arc<dyn Fn(FakeProcess) -> BoxFuture<'static, ExitStatus> + Send + Sync>;

/// What a program sees of itself and its container.
///
/// A program ends when its function returns; it is dropped where it stands when its container is killed.
pub struct FakeProcess {
    pub(crate) command: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) working_dir: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) is_main: bool,
    pub(crate) container: Arc<FakeContainer>,
    pub(crate) stdin: BufReader<Box<dyn AsyncRead + Send + Sync + Unpin>>,
    pub(crate) output: mpsc::Sender<Event>,
    pub(crate) signals: mpsc::UnboundedReceiver<Signal>,
}

/// The files of one container, in memory, by absolute path.
#[derive(Debug, Default)]
pub struct Files(Mutex<BTreeMap<String, Bytes>>);

impl FakeProcess {
    /// Returns the whole command, entrypoint first.
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// Returns what follows the name by which the program was found.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Returns one of [`args`](Self::args), empty if there are fewer.
    pub fn arg(&self, position: usize) -> &str {
        self.args.get(position).map_or("", String::as_str)
    }

    /// Returns a variable: the process's own, else the container's.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    /// Returns the directory that it starts in, `/` by default.
    pub fn working_dir(&self) -> &str {
        self.working_dir.as_deref().unwrap_or("/")
    }

    /// Returns the user as it was asked for, `0:0` by default.
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("0:0")
    }

    /// Returns whether it is the container's main process.
    pub fn is_main(&self) -> bool {
        self.is_main
    }

    /// Returns the spec of the container.
    pub fn spec(&self) -> &ContainerSpec {
        &self.container.spec
    }

    /// Returns the files of the container, which all its processes share.
    pub fn files(&self) -> &Files {
        &self.container.files
    }

    /// Prints to standard output; waits while nobody reads and the pipe is full.
    pub async fn stdout(&self, bytes: impl Into<Bytes>) {
        self.print(Event::Stdout(bytes.into())).await;
    }

    /// Prints to standard error; waits while nobody reads and the pipe is full.
    pub async fn stderr(&self, bytes: impl Into<Bytes>) {
        self.print(Event::Stderr(bytes.into())).await;
    }

    async fn print(&self, event: Event) {
        if self.output.send(event).await.is_err() {
            // The container is gone, and this program with it.
            pending::<()>().await;
        }
    }

    /// Returns standard input, at its end from the start if the spec did not ask for it.
    pub fn stdin(&mut self) -> &mut (impl AsyncRead + Send + Unpin + use<>) {
        &mut self.stdin
    }

    /// Reads a line of standard input, with its line break; empty at the end.
    pub async fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        // A pipe of this kind does not fail: it ends.
        drop(self.stdin.read_until(b'\n', &mut line).await);
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Reads standard input to its end.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut input = Vec::new();
        drop(self.stdin.read_to_end(&mut input).await);
        input
    }

    /// Waits for the next signal other than `KILL`; one that is not waited for has no effect, as on the first process
    /// of a PID namespace. Further processes get none.
    pub async fn signal(&mut self) -> Signal {
        match self.signals.recv().await {
            Some(signal) => signal,
            None => pending().await,
        }
    }

    /// Adds to the processor time that [`stats`](inline_runtime::ContainerRuntime::stats) shows.
    pub fn add_cpu_time(&self, cpu_time: Duration) {
        self.container.life().stats.cpu_time += cpu_time;
    }

    /// Sets the memory that [`stats`](inline_runtime::ContainerRuntime::stats) shows, bytes, and raises its peak.
    pub fn set_memory(&self, bytes: u64) {
        let stats = &mut self.container.life().stats;
        stats.memory = bytes;
        stats.memory_peak = stats.memory_peak.max(Some(bytes));
    }
}

impl fmt::Debug for FakeProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProcess")
            .field("command", &self.command)
            .field("container", &self.container.spec.name)
            .finish_non_exhaustive()
    }
}

impl Files {
    /// Returns the contents of a file, if it is there.
    pub fn read(&self, path: &str) -> Option<Bytes> {
        self.lock().get(path).cloned()
    }

    /// Makes or replaces a file.
    pub fn write(&self, path: impl Into<String>, contents: impl Into<Bytes>) {
        self.lock().insert(path.into(), contents.into());
    }

    /// Returns how many files are below a directory.
    pub fn count(&self, directory: &str) -> usize {
        self.lock().keys().filter(|path| path.starts_with(directory)).count()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
