//! The task behind a session: one thing after the other.

use std::pin::pin;

use futures::FutureExt;
use futures::future::{Fuse, FusedFuture};
use inline_runtime::ContainerSpec;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::cell::Cell;
use super::interrupts::Interruptible;
use super::{CellResult, Interpreter, SessionOptions};
use crate::Result;
use crate::run::{Containers, RunEvent};

/// What a session is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Run {
        source: String,
        reader: mpsc::Sender<RunEvent>,
        interruptible: Interruptible,
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
    interpreter: Option<Interpreter>,
}

impl Serving {
    pub(super) fn new(
        containers: Containers,
        spec: ContainerSpec,
        options: SessionOptions,
        interpreter: Interpreter,
    ) -> Self {
        Self {
            containers,
            spec,
            options,
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
                    interruptible,
                    cancel,
                    reply,
                } => {
                    let result = self.run(&source, &reader, &interruptible, &cancel).await;
                    drop(interruptible);
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
            let mut idle = pin!(sleep(self.options.idle_timeout));
            let measured = match interpreter.cpu_before {
                Some(_) => Fuse::terminated(),
                None => interpreter.measured_at_rest().fuse(),
            };
            let mut measured = pin!(measured);
            loop {
                tokio::select! {
                    biased;
                    () = interpreter.ended() => break,
                    command = commands.recv() => return command,
                    cpu = measured.as_mut(), if !measured.is_terminated() => interpreter.cpu_before = cpu,
                    () = idle.as_mut() => break,
                }
            }
            self.interpreter = None;
        }
        commands.recv().await
    }

    async fn run(
        &mut self,
        source: &str,
        reader: &mpsc::Sender<RunEvent>,
        interruptible: &Interruptible,
        cancel: &CancellationToken,
    ) -> Result<CellResult> {
        let (mut interpreter, is_new) = match self.interpreter.take() {
            Some(interpreter) => (interpreter, false),
            None => (Interpreter::start(&self.containers, &self.spec).await?, true),
        };
        let cell = Cell {
            limits: &self.options.limits,
            interruptible,
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
