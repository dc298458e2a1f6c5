//! The interpreter of a session, in its container.

use std::sync::Arc;
use std::time::Duration;

use inline_runtime::{Capability, ContainerRuntimeExt, ContainerSpec, ErrorKind, ExecSpec, Result, Stats};
use tokio::time::{sleep, timeout};

use crate::RunUsage;
use crate::run::{Containers, Marked, Prepared, RunEvent, Step, renewed, step};

/// How much output between two cells is kept for the next one; more waits in the interpreter's pipes.
const MAX_BETWEEN: usize = 64 << 10;
/// How long an interrupt may take.
const INTERRUPT_TIMEOUT: Duration = Duration::from_secs(5);
const INTERRUPT_OUTPUT: usize = 4096;
/// Cells that are shorter are not measured: that would take longer than they do.
const MEASURED_FROM: Duration = Duration::from_millis(100);
/// How long the answer to a cell waits for its measurement.
const STATS_TIMEOUT: Duration = Duration::from_millis(250);

/// A container whose interpreter takes cells.
#[derive(Debug)]
pub(super) struct Interpreter {
    pub(super) prepared: Prepared,
    /// What the supervisor says when the interpreter ends.
    pub(super) end: Marked,
    /// What was printed between two cells.
    pub(super) between: Vec<RunEvent>,
    /// The CPU time that was used before the next cell, where that is known.
    pub(super) cpu_before: Option<Duration>,
}

impl Interpreter {
    pub(super) async fn start(containers: &Containers, spec: &ContainerSpec) -> Result<Self> {
        let prepared = Prepared::start(containers, &renewed(spec)).await?;
        Ok(Self {
            end: Marked::new(&prepared.mark),
            prepared,
            between: Vec::new(),
            // Its own start counts as the first cell's.
            cpu_before: Some(Duration::ZERO),
        })
    }

    /// Measures a cell that took `wall`, and after which it lives on.
    pub(super) async fn measure(&mut self, wall: Duration) -> RunUsage {
        let mut usage = RunUsage {
            wall,
            ..RunUsage::default()
        };
        let before = self.cpu_before.take();
        if wall < MEASURED_FROM {
            return usage;
        }
        if let Ok(Some(stats)) = timeout(STATS_TIMEOUT, self.stats()).await {
            usage.cpu = before.map(|before| stats.cpu_time.saturating_sub(before));
            usage.peak_memory = stats.memory_peak;
            self.cpu_before = Some(stats.cpu_time);
        }
        usage
    }

    /// Returns what measures it as soon as it has been left alone for a while, so that a cell that comes at once need not
    /// wait.
    pub(super) fn measured_at_rest(&self) -> impl Future<Output = Option<Duration>> + Send + use<> {
        let stats = self.stats();
        async move {
            sleep(MEASURED_FROM).await;
            stats.await.map(|stats| stats.cpu_time)
        }
    }

    fn stats(&self) -> impl Future<Output = Option<Stats>> + Send + use<> {
        let (runtime, id) = (
            Arc::clone(self.prepared.containers.runtime()),
            self.prepared.id().clone(),
        );
        async move {
            if !runtime.capabilities().has(Capability::Stats) {
                return None;
            }
            runtime.stats(&id).await.ok()
        }
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
    ///
    /// The output says whether that is over; else it may still come at any time.
    pub(super) fn interrupt(&self) -> impl Future<Output = bool> + Send + use<> {
        let (runtime, id) = (
            Arc::clone(self.prepared.containers.runtime()),
            self.prepared.id().clone(),
        );
        async move {
            let command = ExecSpec::new(["sh", "-c", "kill -INT -1"]);
            let interrupted = timeout(INTERRUPT_TIMEOUT, runtime.exec_output(&id, &command, INTERRUPT_OUTPUT));
            match interrupted.await {
                Ok(Ok(_)) => true,
                Ok(Err(error)) => {
                    tracing::debug!(container = %id, %error, "interrupt");
                    matches!(
                        error.kind(),
                        ErrorKind::NotRunning | ErrorKind::ContainerNotFound | ErrorKind::ResourceExhausted
                    )
                }
                Err(_) => {
                    tracing::debug!(container = %id, "the interrupt took too long");
                    false
                }
            }
        }
    }

    pub(super) async fn removed(self) {
        self.prepared.removed().await;
    }
}
