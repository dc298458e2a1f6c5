//! Takes one container from its waiting interpreter to the verdict.

use std::fmt;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use futures::future::{BoxFuture, FusedFuture};
use futures::{FutureExt, join};
use inline_runtime::{ContainerId, ContainerRuntime, Events, ExitStatus, LimitMechanism, Signal, Stats, Stdin};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::containers::Container;
use super::relay::{Marked, step};
use super::report::{STATS_PATIENCE, measure};
use super::{Frame, Prepared, Relay, Report, RunEvent, RunResult, Step};
use crate::workspace::Artifacts;
use crate::{Limits, RunUsage, Verdict};

/// What the interpreter prints first, when it has taken the program.
const STARTED: u8 = 6;
/// How long a kill that somebody waits for is held up by the measurement.
const CANCELLED_HEAD_START: Duration = Duration::from_millis(15);
/// How long the engine is given to kill, and to hand out what was printed before.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// How long the engine is waited for, where only it knows how a program ended.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// What can end a run from outside, and who is told that it begins.
pub struct RunControl {
    /// Ends it with [`Verdict::Cancelled`].
    pub cancel: CancellationToken,
    /// Ends it with [`Verdict::DiskFull`] when it is ready.
    pub disk_full: BoxFuture<'static, ()>,
    /// Is told when the program is sent, and whether to a container that was made ahead. It is told again where that one
    /// turns out to be dead and another takes its place.
    pub on_start: Box<dyn FnMut(bool) + Send>,
}

/// How the program's output came to its end.
enum End {
    Reported,
    Exited(ExitStatus),
    Lost,
    Stopped(Verdict),
}

/// What is known of a run while it goes on.
struct Running<'a> {
    events: Events,
    marked: Marked,
    relay: Relay<'a>,
    /// Whether anything came on standard output.
    has_printed: bool,
    started: bool,
    took_program: bool,
}

/// Runs a program in a container that waits for it.
///
/// Output goes to `reader` as it comes; a reader that is slow holds the program back but no deadline, and one that is
/// gone is forgotten. The time of the run is counted from when the program is sent. What went wrong with the engine is
/// [`Verdict::Lost`], with all that was printed until then.
///
/// # Cancellation
///
/// Dropping the future removes the container from a task of its own, as does its end.
pub async fn execute(
    prepared: Prepared,
    frame: &Frame,
    limits: &Limits,
    reader: &mpsc::Sender<RunEvent>,
    control: &mut RunControl,
) -> RunResult {
    execute_and_keep(prepared, frame, limits, reader, control).await.0
}

/// Runs a program as [`execute`] does, and leaves it to the caller when the container goes: whoever waits for the result
/// need not wait beside its removal, which keeps the engine busy.
pub(crate) async fn execute_and_keep(
    prepared: Prepared,
    frame: &Frame,
    limits: &Limits,
    reader: &mpsc::Sender<RunEvent>,
    control: &mut RunControl,
) -> (RunResult, Container) {
    let Prepared {
        containers,
        mut container,
        mut process,
        mark,
        warm,
    } = prepared;
    let runtime = &**containers.runtime();
    let mut running = Running {
        marked: Marked::new(&mark),
        relay: Relay::new(limits, reader),
        events: process.events,
        has_printed: false,
        started: false,
        took_program: false,
    };
    (control.on_start)(warm);
    let sent = Instant::now();
    let deadline = sent + limits.timeout;
    let end = {
        let mut feeding = pin!(feed(process.stdin.take(), frame.clone()).fuse());
        loop {
            tokio::select! {
                biased;
                () = control.cancel.cancelled() => break End::Stopped(Verdict::Cancelled),
                () = sleep_until(deadline) => break End::Stopped(Verdict::Timeout),
                () = &mut control.disk_full => break End::Stopped(Verdict::DiskFull),
                () = &mut feeding, if !feeding.is_terminated() => {}
                end = running.advance() => if let Some(end) = end {
                    break end;
                },
            }
        }
    };
    let wall = sent.elapsed();
    let mut usage = RunUsage {
        wall,
        ..RunUsage::default()
    };
    let (verdict, status) = if let End::Stopped(verdict) = end {
        let head_start = match verdict {
            Verdict::Cancelled => CANCELLED_HEAD_START,
            _ => STATS_PATIENCE,
        };
        let stats = running.stop(runtime, &container.id, head_start).await;
        usage.cpu = stats.map(|stats| stats.cpu_time);
        usage.peak_memory = stats.and_then(|stats| stats.memory_peak);
        (verdict, None)
    } else {
        let report = match running.report(runtime.capabilities().limit_mechanism()) {
            Some(report) => Some(report.completed(runtime, &container.id).await),
            None => None,
        };
        usage.cpu = report.and_then(|report| report.cpu);
        usage.peak_memory = report.and_then(|report| report.peak_memory);
        running.judge(report, &end, limits.cpu_time).await
    };
    running.finish(deadline).await;
    if warm && matches!(end, End::Reported) {
        container.ending = Some(running.events);
    }
    let result = RunResult {
        verdict,
        status,
        started: running.started,
        took_program: running.took_program,
        stdout: running.relay.capture.stdout,
        stderr: running.relay.capture.stderr,
        usage,
        warm,
        driver: runtime.driver(),
        artifacts: Artifacts::default(),
    };
    (result, container)
}

/// Sends a program and its input. A program that does not read all of it is no error.
async fn feed(stdin: Option<Stdin>, frame: Frame) {
    let Some(mut stdin) = stdin else { return };
    for part in [&frame.head, &frame.stdin] {
        if stdin.write_all(part).await.is_err() {
            return;
        }
    }
    drop(stdin.shutdown().await);
}

impl Running<'_> {
    /// Does one thing; returns how the run ended, if it did. Cancel-safe.
    async fn advance(&mut self) -> Option<End> {
        if self.relay.is_pending() {
            self.relay.deliver().await;
            return None;
        }
        match step(&mut self.events).await {
            Step::Output(event) => {
                let event = self.own(event);
                self.relay.accept(event);
                if self.relay.capture.is_over() {
                    return Some(End::Stopped(Verdict::OutputLimit));
                }
                self.marked.is_done().then_some(End::Reported)
            }
            Step::Exited(status) => Some(End::Exited(status)),
            Step::Lost => Some(End::Lost),
        }
    }

    /// Takes out what is not the program's own.
    fn own(&mut self, event: RunEvent) -> RunEvent {
        let event = self.marked.push(event);
        if event.is_empty() {
            return event;
        }
        self.started = true;
        match event {
            RunEvent::Stdout(_) if !self.has_printed => {
                self.has_printed = true;
                self.took_program = event.bytes().first() == Some(&STARTED);
                event.strip(STARTED)
            }
            event => event,
        }
    }

    fn report(&self, mechanism: LimitMechanism) -> Option<Report> {
        Report::parse(self.marked.stdout.line()?, mechanism)
    }

    /// Finds the verdict on a program that was not stopped.
    async fn judge(&mut self, report: Option<Report>, end: &End, cpu_time: Duration) -> (Verdict, Option<ExitStatus>) {
        let exited = match end {
            End::Exited(status) => Some(*status),
            _ => None,
        };
        if let Some(report) = report {
            let (verdict, may_be_wrong) = report.verdict(cpu_time);
            let engine = if may_be_wrong && exited.is_none() {
                self.exit().await
            } else {
                exited
            };
            let is_oom = may_be_wrong && engine.is_some_and(ExitStatus::is_oom_killed);
            return (if is_oom { Verdict::OutOfMemory } else { verdict }, Some(report.status));
        }
        let exited = match end {
            End::Reported => self.exit().await,
            _ => exited,
        };
        match exited {
            Some(status) => (Verdict::of_unreported(status), Some(status)),
            None => (Verdict::Lost, None),
        }
    }

    /// Waits for the engine's word on how process 1 ended.
    async fn exit(&mut self) -> Option<ExitStatus> {
        let exit = async {
            loop {
                match step(&mut self.events).await {
                    Step::Exited(status) => return Some(status),
                    Step::Lost => return None,
                    Step::Output(_) => {}
                }
            }
        };
        timeout(EXIT_PATIENCE, exit).await.ok().flatten()
    }

    /// Measures and kills the program, and takes what it had printed. Its numbers, which are gone with it, hold up its end
    /// for `head_start` at most.
    async fn stop(&mut self, runtime: &dyn ContainerRuntime, id: &ContainerId, head_start: Duration) -> Option<Stats> {
        self.relay.offer_pending();
        let mut measured = pin!(measure(runtime, id));
        let early = timeout(head_start, &mut measured).await;
        let kill = async {
            if let Err(error) = runtime.kill(id, Signal::KILL).await {
                // It may have ended meanwhile; its removal, which comes next, kills what is left.
                tracing::debug!(container = %id, %error, "kill");
            }
        };
        let drain = async {
            while let Step::Output(event) = step(&mut self.events).await {
                let event = self.own(event);
                self.relay.offer(event);
            }
        };
        let stopped = timeout(KILL_PATIENCE, async { join!(kill, drain) });
        let late = async {
            match early {
                Ok(stats) => stats,
                Err(_) => measured.await,
            }
        };
        join!(late, stopped).0
    }

    /// Passes on the last of the output, as long as there is time.
    async fn finish(&mut self, deadline: Instant) {
        drop(timeout_at(deadline, self.relay.deliver()).await);
        for event in self.marked.finish() {
            self.relay.offer(event);
        }
    }
}

impl Default for RunControl {
    /// Creates a control that ends nothing by itself.
    fn default() -> Self {
        Self {
            cancel: CancellationToken::new(),
            disk_full: pending().boxed(),
            on_start: Box::new(|_| ()),
        }
    }
}

impl fmt::Debug for RunControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunControl")
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
