//! What whoever asked for a run hears of it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use inline_runtime::PullEvent;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::run::{RunEvent, RunResult};
use crate::{Result, SandboxError};

/// One thing that happens on the way of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// It waits, with so many turns before its own, that one included. Comes again as that changes.
    Queued {
        /// The place in the order of turns; 1 is next.
        position: usize,
    },
    /// The image is not there yet and comes from its registry; the time of the run does not count yet.
    Pulling(PullEvent),
    /// The program was sent to its interpreter; from now on its time counts. An installation has two programs.
    Started {
        /// Whether the container was made ahead.
        warm: bool,
    },
    /// It printed this to standard output. Chunks end anywhere, also within a character.
    Stdout(Bytes),
    /// It printed this to standard error.
    Stderr(Bytes),
}

/// A run that was asked for: a stream of its [`Progress`], which ends with it, and then its [`outcome`](Self::outcome).
///
/// Whoever reads slowly holds the program back, but no deadline: what did not fit is in the outcome. Dropping it cancels
/// the run.
#[must_use = "dropping it cancels the run"]
pub struct Run<T = RunResult> {
    id: String,
    progress: mpsc::Receiver<Progress>,
    outcome: oneshot::Receiver<Result<T>>,
    cancel: CancellationToken,
    _guard: DropGuard,
}

impl<T> Run<T> {
    pub(super) fn new(
        id: String,
        progress: mpsc::Receiver<Progress>,
        outcome: oneshot::Receiver<Result<T>>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            id,
            progress,
            outcome,
            _guard: cancel.clone().drop_guard(),
            cancel,
        }
    }

    /// Returns the name of the run, unique for ever; the audit has it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for what happens next; `None` when the outcome is there, or the run is over without one.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Progress> {
        self.progress.recv().await
    }

    /// Ends the run with [`Verdict::Cancelled`](crate::Verdict::Cancelled), unless it has ended.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Returns what cancels the run from elsewhere, such as a button.
    pub fn canceller(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Waits for the outcome, and lets go of the progress that was not read.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Busy`] with when to come back: admission refused it, or the service is shutting down.
    /// - [`SandboxError::UnknownLanguage`], [`SandboxError::InvalidProgram`], [`SandboxError::InvalidLimit`],
    ///   [`SandboxError::SourceTooLarge`], [`SandboxError::InvalidPath`] if it can never run so.
    /// - [`SandboxError::QuotaExceeded`] if the workspace is full already.
    /// - [`SandboxError::Runtime`] if the engine does not do its part, before the program runs; after that it is
    ///   [`Verdict::Lost`](crate::Verdict::Lost).
    /// - [`SandboxError::Io`], [`SandboxError::Store`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the run.
    pub async fn outcome(mut self) -> Result<T> {
        loop {
            tokio::select! {
                biased;
                outcome = &mut self.outcome => {
                    // The task is gone only where the whole runtime ends.
                    return outcome.unwrap_or_else(|_| Err(SandboxError::shutting_down()));
                }
                Some(_) = self.progress.recv() => {}
            }
        }
    }
}

impl<T> Stream for Run<T> {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.progress.poll_recv(context)
    }
}

impl From<RunEvent> for Progress {
    fn from(event: RunEvent) -> Self {
        match event {
            RunEvent::Stdout(bytes) => Self::Stdout(bytes),
            RunEvent::Stderr(bytes) => Self::Stderr(bytes),
        }
    }
}

impl<T> fmt::Debug for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}
