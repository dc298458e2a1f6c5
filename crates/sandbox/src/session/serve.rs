//! The task behind a session: one thing after the other.

use std::sync::Arc;

use inline_runtime::ContainerSpec;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::cell::Cell;
use super::{CellResult, Interpreter, SessionOptions};
use crate::Result;
use crate::run::{Containers, RunEvent};

/// What a session is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Run {
        source: String,
        reader: mpsc::Sender<RunEvent>,
        cancel: CancellationToken,
        reply: oneshot::Sender<Result<CellResult>>,
    },
    Reset(oneshot::Sender<()>),
    End(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Serving {
    containers: Containers,
    spec: ContainerSpec,
    options: SessionOptions,
    interrupt: Arc<Notify>,
    interpreter: Option<Interpreter>,
}

impl Serving {
    pub(super) fn new(
        containers: Containers,
        spec: ContainerSpec,
        options: SessionOptions,
        interrupt: Arc<Notify>,
        interpreter: Interpreter,
    ) -> Self {
        Self {
            containers,
            spec,
            options,
            interrupt,
            interpreter: Some(interpreter),
        }
    }

    /// Does what it is asked for until nobody can ask any more.
    pub(super) async fn serve(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(command) = self.next(&mut commands).await {
            match command {
                Command::Run {
                    source,
                    reader,
                    cancel,
                    reply,
                } => {
                    let result = self.run(&source, &reader, &cancel).await;
                    // Who asked may have gone.
                    drop(reply.send(result));
                }
                Command::Reset(reply) => {
                    self.stop().await;
                    let _ = reply.send(());
                }
                Command::End(reply) => {
                    self.stop().await;
                    let _ = reply.send(());
                    return;
                }
            }
        }
    }

    /// Waits for a command, and lets go of an interpreter that ends or is not used.
    async fn next(&mut self, commands: &mut mpsc::Receiver<Command>) -> Option<Command> {
        if let Some(interpreter) = &mut self.interpreter {
            tokio::select! {
                biased;
                () = interpreter.ended() => {}
                command = commands.recv() => return command,
                () = sleep(self.options.idle_timeout) => {}
            }
            self.interpreter = None;
        }
        commands.recv().await
    }

    async fn run(
        &mut self,
        source: &str,
        reader: &mpsc::Sender<RunEvent>,
        cancel: &CancellationToken,
    ) -> Result<CellResult> {
        let (mut interpreter, is_new) = match self.interpreter.take() {
            Some(interpreter) => (interpreter, false),
            None => (Interpreter::start(&self.containers, &self.spec).await?, true),
        };
        let cell = Cell {
            limits: &self.options.limits,
            interrupt: &self.interrupt,
            cancel,
        };
        let (run, state_kept) = cell.run(&mut interpreter, source, reader).await?;
        if state_kept {
            self.interpreter = Some(interpreter);
        }
        Ok(CellResult {
            run,
            state_kept,
            is_new,
        })
    }

    async fn stop(&mut self) {
        if let Some(interpreter) = self.interpreter.take() {
            interpreter.removed().await;
        }
    }
}
