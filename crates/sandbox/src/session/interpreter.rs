//! The interpreter of a session, in its container.

use std::sync::Arc;
use std::time::Duration;

use inline_runtime::{ContainerRuntimeExt, ContainerSpec, ExecSpec, Result};
use tokio::time::timeout;

use crate::run::{Containers, Marked, Prepared, RunEvent, Step, renewed, step};

/// How much output between two cells is kept for the next one; more waits in the interpreter's pipes.
const MAX_BETWEEN: usize = 64 << 10;
/// How long an interrupt may take.
const INTERRUPT_TIMEOUT: Duration = Duration::from_secs(5);
const INTERRUPT_OUTPUT: usize = 4096;

/// A container whose interpreter takes cells.
#[derive(Debug)]
pub(super) struct Interpreter {
    pub(super) prepared: Prepared,
    /// What the supervisor says when the interpreter ends.
    pub(super) end: Marked,
    /// What was printed between two cells.
    pub(super) between: Vec<RunEvent>,
}

impl Interpreter {
    pub(super) async fn start(containers: &Containers, spec: &ContainerSpec) -> Result<Self> {
        let prepared = Prepared::start(containers, &renewed(spec)).await?;
        Ok(Self {
            end: Marked::new(&prepared.mark),
            prepared,
            between: Vec::new(),
        })
    }

    /// Waits until it ends between two cells. Cancel-safe.
    pub(super) async fn ended(&mut self) {
        let mut length: usize = self.between.iter().map(|event| event.bytes().len()).sum();
        while length < MAX_BETWEEN {
            let Step::Output(event) = step(&mut self.prepared.process.events).await else {
                return;
            };
            let event = self.end.push(event);
            if self.end.is_done() {
                return;
            }
            length += event.bytes().len();
            self.between.push(event);
        }
        std::future::pending::<()>().await;
    }

    /// Returns what interrupts it and all that it started, as Ctrl-C does on a terminal. Process 1 is spared by the kernel.
    pub(super) fn interrupt(&self) -> impl Future<Output = ()> + Send + use<> {
        let (runtime, id) = (
            Arc::clone(self.prepared.containers.runtime()),
            self.prepared.id().clone(),
        );
        async move {
            let command = ExecSpec::new(["sh", "-c", "kill -INT -1"]);
            let interrupted = timeout(INTERRUPT_TIMEOUT, runtime.exec_output(&id, &command, INTERRUPT_OUTPUT));
            match interrupted.await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(container = %id, %error, "interrupt"),
                Err(_) => tracing::debug!(container = %id, "the interrupt took too long"),
            }
        }
    }

    pub(super) async fn removed(self) {
        self.prepared.removed().await;
    }
}
