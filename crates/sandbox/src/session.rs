//! A persistent interpreter: what one cell defines, the next one sees.

mod cell;
mod interpreter;
mod interrupts;
mod serve;

use std::time::Duration;

use inline_runtime::ContainerSpec;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::interpreter::Interpreter;
use self::interrupts::Interrupts;
use self::serve::{Command, Serving};
use crate::run::{Containers, RunEvent, RunResult};
use crate::{Limits, Result, SandboxError};

/// Holds how a session is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionOptions {
    /// What a cell may use. The memory and the CPU time are those of the whole interpreter.
    pub limits: Limits,
    /// How long an interpreter is kept without a cell. Default 30 min.
    pub idle_timeout: Duration,
}

/// An interpreter in a container of its own, which keeps its variables from cell to cell.
///
/// Cells run one after the other, in the order in which they are asked for. An interpreter that ends, be it by the cell, by
/// a limit or for lack of use, is replaced by a new one when the next cell comes. Clones are the same session; when the last
/// is dropped, its container is removed from a task of its own.
#[derive(Clone, Debug)]
pub struct Session {
    commands: mpsc::Sender<Command>,
    interrupts: Interrupts,
}

/// Holds how a cell ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CellResult {
    /// How it ended and what it printed.
    ///
    /// The CPU time is told of cells that take 100 ms or more, do not follow a shorter one at once, and where the engine
    /// can tell; that of the first has the interpreter's start in it. The peak of memory is that of the interpreter's whole
    /// life until then.
    pub run: RunResult,
    /// Whether the interpreter lives on, with all that was defined.
    pub state_kept: bool,
    /// Whether a new interpreter was started for this cell, since the one before had ended.
    pub is_new: bool,
}

impl SessionOptions {
    /// Creates options with `limits` and the default for the rest.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            idle_timeout: Duration::from_mins(30),
        }
    }

    /// Sets how long an interpreter is kept without a cell.
    #[must_use]
    pub fn with_idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }
}

impl Session {
    /// Starts an interpreter in a container of a [`Blueprint`](crate::Blueprint)'s spec for a session.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Runtime`] if no container can be made.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves no container.
    pub async fn start(containers: Containers, spec: ContainerSpec, options: SessionOptions) -> Result<Self> {
        let interpreter = Interpreter::start(&containers, &spec).await?;
        let (commands, receiver) = mpsc::channel(1);
        let serving = Serving::new(containers, spec, options, interpreter);
        tokio::spawn(serving.serve(receiver));
        Ok(Self {
            commands,
            interrupts: Interrupts::default(),
        })
    }

    /// Runs a cell and passes on what it prints to `reader`, as [`execute`](crate::execute) does.
    ///
    /// A cell that is past its timeout or its output limit, or is cancelled, is interrupted first, which keeps what was
    /// defined, and killed with its interpreter if that does not help within two seconds. It counts as asked for from the
    /// call on, so that an interrupt that comes before the future is polled reaches it.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Runtime`] if no container can be made for a new interpreter.
    /// - [`SandboxError::NotFound`] if the session has been ended.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the cell.
    pub fn run(
        &self,
        source: impl Into<String>,
        reader: mpsc::Sender<RunEvent>,
        cancel: CancellationToken,
    ) -> impl Future<Output = Result<CellResult>> + Send {
        let (source, interruptible) = (source.into(), self.interrupts.enter());
        async move {
            let cancel = cancel.child_token();
            let _guard = cancel.clone().drop_guard();
            self.ask(|reply| Command::Run {
                source,
                reader,
                interruptible,
                cancel,
                reply,
            })
            .await?
        }
    }

    /// Interrupts the cell that runs, or else the next that was asked for, as Ctrl-C does; the cell may catch it. Nothing
    /// happens where there is none. Those that come while one is on its way count as one more.
    ///
    /// node loses an interrupt that comes within the microseconds in which a script is entered or left, or ends by it, which
    /// is told; the next one is heard. What must end should be cancelled.
    pub fn interrupt(&self) {
        self.interrupts.interrupt();
    }

    /// Ends the interpreter, behind the cells that were asked for before; the next cell starts with nothing defined.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if the session has been ended.
    pub async fn reset(&self) -> Result<()> {
        self.ask(Command::Reset).await
    }

    /// Ends the session, behind the cells that were asked for before, and removes its container.
    pub async fn end(&self) {
        // One that has been ended is what was asked for.
        drop(self.ask(Command::End).await);
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let ended = || SandboxError::NotFound {
            what: "session",
            name: "it has ended".to_owned(),
        };
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

#[cfg(test)]
mod tests;
