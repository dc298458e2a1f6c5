//! Reads a process and holds it to what the contract says of its events.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use inline_runtime::{ErrorKind, Event, ExitStatus, Process};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::failure::{Failure, Outcome, ensure_eq};

/// A stream must end right after the exit; this is how long that may take on the slowest host.
const END_TIME: Duration = Duration::from_secs(10);

/// A process, and what it has printed so far.
pub(crate) struct Reader {
    pub(crate) process: Process,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// What a process printed and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) status: ExitStatus,
}

impl Reader {
    pub(crate) fn new(process: Process) -> Self {
        Self {
            process,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// Reads one event and keeps its bytes; the status if it was the exit.
    pub(crate) async fn next(&mut self) -> Outcome<Option<ExitStatus>> {
        match self.process.events.next().await {
            Some(Ok(Event::Stdout(bytes))) => self.stdout.extend_from_slice(&bytes),
            Some(Ok(Event::Stderr(bytes))) => self.stderr.extend_from_slice(&bytes),
            Some(Ok(Event::Exited(status))) => return Ok(Some(status)),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(Failure::new("the stream ended without an exit")),
        }
        Ok(None)
    }

    /// Reads until standard output holds `text`.
    pub(crate) async fn until_stdout(&mut self, text: &str) -> Outcome {
        while !contains(&self.stdout, text.as_bytes()) {
            if let Some(status) = self.next().await? {
                let what = self.printed(status).describe();
                return Err(Failure::new(format_args!("ended before it printed `{text}`: {what}")));
            }
        }
        Ok(())
    }

    /// Closes standard input and reads to the end, which must come right after the exit.
    pub(crate) async fn end(mut self) -> Outcome<Printed> {
        drop(self.process.stdin.take());
        let status = loop {
            if let Some(status) = self.next().await? {
                break status;
            }
        };
        self.ensure_ended().await?;
        Ok(self.printed(status))
    }

    /// Reads to the end, which must be the loss of the connection.
    pub(crate) async fn loss(&mut self) -> Outcome {
        loop {
            match self.process.events.next().await {
                Some(Ok(Event::Exited(status))) => {
                    return Err(Failure::new(format_args!(
                        "the lost connection came as an exit: {status}"
                    )));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    ensure_eq!(error.kind(), ErrorKind::Unavailable, "the kind of `{error}`");
                    return self.ensure_ended().await;
                }
                None => return Err(Failure::new("the lost connection came as the end of the stream")),
            }
        }
    }

    /// Writes to standard input.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Outcome {
        let stdin = self.process.stdin.as_mut().ok_or_else(|| Failure::new("no stdin"))?;
        stdin.write_all(bytes).await?;
        stdin.flush().await?;
        Ok(())
    }

    async fn ensure_ended(&mut self) -> Outcome {
        match timeout(END_TIME, self.process.events.next()).await {
            Ok(None) => Ok(()),
            Ok(Some(event)) => Err(Failure::new(format_args!("an event came after the end: {event:?}"))),
            Err(_) => Err(Failure::new("the stream did not end after its last event")),
        }
    }

    fn printed(&mut self, status: ExitStatus) -> Printed {
        Printed {
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
            status,
        }
    }
}

impl Printed {
    /// Returns standard output as text, without the last line break.
    pub(crate) fn text(&self) -> Outcome<&str> {
        let text = std::str::from_utf8(&self.stdout).map_err(Failure::new)?;
        Ok(text.trim_end_matches('\n'))
    }

    /// Fails unless the process exited with `code`.
    #[track_caller]
    pub(crate) fn ensure_code(&self, code: u8) -> Outcome {
        if self.status.code() == Some(code) {
            return Ok(());
        }
        Err(Failure::new(format_args!(
            "expected exit code {code}: {}",
            self.describe()
        )))
    }

    /// Returns all of it in a form for people.
    pub(crate) fn describe(&self) -> String {
        let (stdout, stderr) = (excerpt(&self.stdout), excerpt(&self.stderr));
        format!("{}, stdout {stdout:?}, stderr {stderr:?}", self.status)
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn excerpt(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&bytes[..bytes.len().min(400)])
}
