//! The way of a program's output: past the marks, into what is kept, and on to the reader.

use futures::StreamExt;
use inline_runtime::{Event, Events, ExitStatus};
use tokio::sync::mpsc;

use super::{Capture, Mark, MarkFinder, RunEvent};
use crate::Limits;

/// What came from a process.
#[derive(Debug)]
pub(crate) enum Step {
    /// It printed this.
    Output(RunEvent),
    /// It ended.
    Exited(ExitStatus),
    /// The engine lost it.
    Lost,
}

/// Both streams of a process up to a mark on each.
#[derive(Debug)]
pub(crate) struct Marked {
    pub(crate) stdout: MarkFinder,
    pub(crate) stderr: MarkFinder,
}

/// Keeps output and passes it on. A reader that is slow holds the program back; one that is gone does not.
#[derive(Debug)]
pub(crate) struct Relay<'a> {
    pub(crate) capture: Capture,
    reader: Option<&'a mpsc::Sender<RunEvent>>,
    pending: Option<RunEvent>,
}

/// Waits for what a process does next. Cancel-safe.
pub(crate) async fn step(events: &mut Events) -> Step {
    match events.next().await {
        Some(Ok(Event::Stdout(chunk))) => Step::Output(RunEvent::Stdout(chunk)),
        Some(Ok(Event::Stderr(chunk))) => Step::Output(RunEvent::Stderr(chunk)),
        Some(Ok(Event::Exited(status))) => Step::Exited(status),
        Some(Err(error)) => {
            tracing::warn!(%error, "the engine lost a process");
            Step::Lost
        }
        None => Step::Lost,
    }
}

impl Marked {
    pub(crate) fn new(mark: &Mark) -> Self {
        Self {
            stdout: MarkFinder::new(mark),
            stderr: MarkFinder::new(mark),
        }
    }

    /// Returns whether the marks have come on both streams, and the line behind the first.
    pub(crate) fn is_done(&self) -> bool {
        self.stdout.line().is_some() && self.stderr.found()
    }

    /// Takes what was printed and returns what of it is surely before the mark.
    pub(crate) fn push(&mut self, event: RunEvent) -> RunEvent {
        match event {
            RunEvent::Stdout(chunk) => RunEvent::Stdout(self.stdout.push(chunk)),
            RunEvent::Stderr(chunk) => RunEvent::Stderr(self.stderr.push(chunk)),
        }
    }

    /// Returns what was held back, when nothing more comes.
    pub(crate) fn finish(&mut self) -> [RunEvent; 2] {
        [
            RunEvent::Stdout(self.stdout.finish()),
            RunEvent::Stderr(self.stderr.finish()),
        ]
    }
}

impl<'a> Relay<'a> {
    pub(crate) fn new(limits: &Limits, reader: &'a mpsc::Sender<RunEvent>) -> Self {
        Self {
            capture: Capture::new(limits),
            reader: Some(reader),
            pending: None,
        }
    }

    /// Takes output, to be passed on by [`deliver`](Self::deliver) before the next is taken.
    pub(crate) fn accept(&mut self, event: RunEvent) {
        self.pending = self.capture.push(event);
    }

    /// Returns whether output waits for the reader.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Waits until the reader takes what it was not yet given. Cancel-safe.
    pub(crate) async fn deliver(&mut self) {
        if self.pending.is_none() {
            return;
        }
        let permit = match self.reader {
            Some(reader) => reader.reserve().await.ok(),
            None => None,
        };
        match (permit, self.pending.take()) {
            (Some(permit), Some(event)) => permit.send(event),
            _ => self.reader = None,
        }
    }

    /// Takes output and passes it on only if the reader has room for it at once.
    pub(crate) fn offer(&mut self, event: RunEvent) {
        self.accept(event);
        self.offer_pending();
    }

    /// Passes on what waits only if the reader has room for it at once.
    pub(crate) fn offer_pending(&mut self) {
        if let (Some(event), Some(reader)) = (self.pending.take(), self.reader) {
            // What a slow reader misses is in the result.
            drop(reader.try_send(event));
        }
    }
}

impl RunEvent {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Takes off a first byte of standard output, if it is this one.
    pub(super) fn strip(self, first: u8) -> Self {
        match self {
            Self::Stdout(bytes) if bytes.first() == Some(&first) => Self::Stdout(bytes.slice(1..)),
            other => other,
        }
    }
}
