//! The output of a program on its way to ours, as it comes.

use std::io;

use inline_sandbox::{Captured, Progress, RunResult};
use tokio::io::{AsyncWrite, AsyncWriteExt, Stderr, Stdout};

use crate::exit;
use crate::failure::{Failure, Result};
use crate::pull::Pull;

/// Passes on what a run prints, and says on standard error what it waits for.
pub(crate) struct Printer {
    stdout: Sink<Stdout>,
    stderr: Sink<Stderr>,
    passes_output: bool,
    pull: Pull,
    /// Why nothing is passed on any more.
    refused: Option<io::Error>,
}

struct Sink<W> {
    writer: W,
    /// The start of what was passed on, as much as is kept of a program's output.
    seen: Vec<u8>,
    max_seen: usize,
}

impl Printer {
    /// Creates one that passes output on; `output_kept` is how much of it is in the result as well.
    pub(crate) fn new(output_kept: u64) -> Self {
        let max_seen = usize::try_from(output_kept).unwrap_or(usize::MAX);
        Self {
            stdout: Sink {
                writer: tokio::io::stdout(),
                seen: Vec::new(),
                max_seen,
            },
            stderr: Sink {
                writer: tokio::io::stderr(),
                seen: Vec::new(),
                max_seen,
            },
            passes_output: true,
            pull: Pull::default(),
            refused: None,
        }
    }

    /// Creates one that leaves the output to the result.
    pub(crate) fn silent() -> Self {
        Self {
            passes_output: false,
            ..Self::new(0)
        }
    }

    pub(crate) async fn show(&mut self, progress: Progress) -> io::Result<()> {
        match progress {
            Progress::Pulling(event) => self.pull.show(&event),
            Progress::Started { .. } => self.pull.finish(),
            Progress::Stdout(chunk) if self.is_open() => return self.stdout.pass(&chunk).await,
            Progress::Stderr(chunk) if self.is_open() => return self.stderr.pass(&chunk).await,
            _ => {}
        }
        Ok(())
    }

    /// Passes nothing on from here.
    pub(crate) fn close(&mut self, error: io::Error) {
        self.refused.get_or_insert(error);
    }

    /// Passes on what was kept and not yet passed on: a program that is stopped does not wait for a slow reader.
    pub(crate) async fn show_rest(&mut self, result: &RunResult) -> io::Result<()> {
        if self.is_open() {
            self.stdout.pass_rest(&result.stdout).await?;
            self.stderr.pass_rest(&result.stderr).await?;
        }
        Ok(())
    }

    /// Returns the exit code of a command whose output went as `code` says, had all of it been read.
    ///
    /// # Errors
    ///
    /// - What the operating system says of our output, but for a reader that has gone.
    pub(crate) fn code(self, code: u8) -> Result<u8> {
        match self.refused {
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::NOBODY_READS),
            // That is our own impatience, after a signal.
            Some(error) if error.kind() == io::ErrorKind::TimedOut => Ok(code),
            Some(error) => Err(Failure::os("writing the output", error)),
            None => Ok(code),
        }
    }

    fn is_open(&self) -> bool {
        self.passes_output && self.refused.is_none()
    }
}

impl<W: AsyncWrite + Unpin> Sink<W> {
    async fn pass(&mut self, chunk: &[u8]) -> io::Result<()> {
        let room = self.max_seen - self.seen.len();
        self.seen.extend_from_slice(&chunk[..chunk.len().min(room)]);
        self.writer.write_all(chunk).await?;
        self.writer.flush().await
    }

    async fn pass_rest(&mut self, captured: &Captured) -> io::Result<()> {
        if self.seen.len() >= captured.bytes.len() {
            return Ok(());
        }
        if let Some(rest) = captured.bytes.strip_prefix(self.seen.as_slice()) {
            self.writer.write_all(rest).await?;
            return self.writer.flush().await;
        }
        eprintln!("hint: the output was not read fast enough, and a part of it is missing");
        Ok(())
    }
}

/// Writes what a command was asked for to standard output.
///
/// # Errors
///
/// - What the operating system says of our output.
pub(crate) async fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut stdout = tokio::io::stdout();
    let written = async {
        stdout.write_all(text.as_ref()).await?;
        stdout.flush().await
    };
    match written.await {
        // Who has read enough has what was asked for.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::os("writing the output", error)),
        _ => Ok(()),
    }
}
