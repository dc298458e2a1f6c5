//! One cell, from its source to its verdict.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt;
use futures::future::{Fuse, FusedFuture};
use inline_runtime::{ExitStatus, Signal};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use self::End::{Done, Ended, Reported};
use super::Interpreter;
use super::interrupts::Interruptible;
use crate::run::{Mark, Marked, Relay, Report, RunEvent, RunResult, Step, step};
use crate::workspace::Artifacts;
use crate::{Limits, Result, RunUsage, Verdict};

/// How long a cell is given to end when it was interrupted since it must end.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(2);
/// How long the engine is given to kill.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// What a cell ends with that was interrupted.
const INTERRUPTED: u8 = 130;

/// What bounds a cell.
pub(super) struct Cell<'a> {
    pub(super) limits: &'a Limits,
    pub(super) interruptible: &'a Interruptible,
    pub(super) cancel: &'a CancellationToken,
}

/// How a cell came to its end.
#[derive(Clone, Copy)]
enum End {
    /// The interpreter waits for the next.
    Done(u8),
    /// The interpreter ended, and the supervisor says how.
    Reported(Report),
    /// The interpreter ended, or was lost.
    Ended(Verdict, Option<ExitStatus>),
}

struct Running<'a> {
    interpreter: &'a mut Interpreter,
    marked: Marked,
    relay: Relay<'a>,
    cpu_time: Duration,
}

impl Cell<'_> {
    /// Runs a cell; returns how it ended, and whether the interpreter lives on.
    pub(super) async fn run(
        self,
        interpreter: &mut Interpreter,
        source: &str,
        reader: &mpsc::Sender<RunEvent>,
    ) -> Result<(RunResult, bool)> {
        let mark = Mark::random()?;
        let line = format!("{} {}\n", mark.as_str(), BASE64_STANDARD.encode(source));
        let driver = interpreter.prepared.containers.runtime().driver();
        let started = Instant::now();
        let deadline = started + self.limits.timeout;
        let mut stdin = interpreter.prepared.process.stdin.take();
        let mut running = Running {
            marked: Marked::new(&mark),
            relay: Relay::new(self.limits, reader),
            cpu_time: self.limits.cpu_time,
            interpreter,
        };
        for event in std::mem::take(&mut running.interpreter.between) {
            running.relay.offer(event);
        }
        let mut interrupting = pin!(Fuse::terminated());
        // Whether each interrupt has come, so that none can hit the next cell.
        let (mut was_interrupted, mut is_quiet) = (false, true);
        let end = {
            let mut feeding = pin!(
                async {
                    if let Some(stdin) = &mut stdin {
                        // A write fails when the interpreter has ended; its end, which comes next, says how.
                        let _ = stdin.write_all(line.as_bytes()).await;
                        let _ = stdin.flush().await;
                    }
                }
                .fuse()
            );
            loop {
                tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => break Err(Verdict::Cancelled),
                    () = sleep_until(deadline) => break Err(Verdict::Timeout),
                    // One that overtakes the source finds no cell.
                    () = self.interruptible.interrupted(), if feeding.is_terminated() && interrupting.is_terminated() => {
                        was_interrupted = true;
                        interrupting.set(running.interpreter.interrupt().fuse());
                    }
                    is_over = interrupting.as_mut(), if !interrupting.is_terminated() => is_quiet &= is_over,
                    () = &mut feeding, if !feeding.is_terminated() => {}
                    end = running.advance() => match end {
                        Some(end) => break Ok(end),
                        None if running.relay.capture.is_over() => break Err(Verdict::OutputLimit),
                        None => {}
                    },
                }
            }
        };
        running.interpreter.prepared.process.stdin = stdin;
        let wall = started.elapsed();
        let (stopped, end) = match end {
            Ok(end) => (None, end),
            Err(verdict) => (Some(verdict), running.stop().await),
        };
        if !interrupting.is_terminated() {
            is_quiet &= interrupting.await;
        }
        let (verdict, status, usage, state_kept) = match end {
            Done(code) => (
                of_code(code, was_interrupted),
                Some(ExitStatus::from_code(code)),
                running.interpreter.measure(wall).await,
                true,
            ),
            Reported(report) => {
                let (verdict, usage) = running.judge(report).await;
                (verdict, Some(report.status), usage, false)
            }
            Ended(verdict, status) => (verdict, status, RunUsage::default(), false),
        };
        drop(timeout_at(deadline, running.relay.deliver()).await);
        for event in running.marked.finish() {
            running.relay.offer(event);
        }
        let result = RunResult {
            verdict: stopped.unwrap_or(verdict),
            status: if stopped.is_some() { None } else { status },
            stdout: running.relay.capture.stdout,
            stderr: running.relay.capture.stderr,
            usage: RunUsage { wall, ..usage },
            warm: false,
            started: true,
            // What ends at nothing to do ended by itself: nothing of the user's has run.
            took_program: state_kept || !source.is_empty(),
            driver,
            artifacts: Artifacts::default(),
        };
        Ok((result, state_kept && is_quiet))
    }
}

fn of_code(code: u8, was_interrupted: bool) -> Verdict {
    match code {
        0 => Verdict::Ok,
        INTERRUPTED if was_interrupted => Verdict::Cancelled,
        code => Verdict::NonZero(code),
    }
}

impl Running<'_> {
    /// Does one thing; returns how the cell ended, if it did. Cancel-safe.
    async fn advance(&mut self) -> Option<End> {
        if self.relay.is_pending() {
            self.relay.deliver().await;
            return None;
        }
        let (end, event) = self.step().await;
        if let Some(event) = event {
            self.relay.accept(event);
        }
        end
    }

    async fn step(&mut self) -> (Option<End>, Option<RunEvent>) {
        match step(&mut self.interpreter.prepared.process.events).await {
            Step::Output(event) => {
                let event = self.interpreter.end.push(event);
                let event = self.marked.push(event);
                (self.end(), Some(event))
            }
            Step::Exited(status) => {
                let verdict = Verdict::of_unreported(status);
                (Some(self.report().unwrap_or(Ended(verdict, Some(status)))), None)
            }
            Step::Lost => (Some(Ended(Verdict::Lost, None)), None),
        }
    }

    /// Returns how the cell ended, if the marks say so.
    fn end(&self) -> Option<End> {
        if self.interpreter.end.is_done() {
            return self.report();
        }
        if !self.marked.is_done() {
            return None;
        }
        let line = str::from_utf8(self.marked.stdout.line()?).ok()?;
        Some(Done(line.trim().parse().unwrap_or(u8::MAX)))
    }

    fn report(&self) -> Option<End> {
        let mechanism = self
            .interpreter
            .prepared
            .containers
            .runtime()
            .capabilities()
            .limit_mechanism();
        Report::parse(self.interpreter.end.stdout.line()?, mechanism).map(Reported)
    }

    /// Finds the verdict on a cell that ended its interpreter, and what that has used.
    async fn judge(&mut self, report: Report) -> (Verdict, RunUsage) {
        let prepared = &self.interpreter.prepared;
        let report = report.completed(&**prepared.containers.runtime(), prepared.id()).await;
        let (verdict, _) = report.verdict(self.cpu_time);
        let before = self.interpreter.cpu_before;
        let usage = RunUsage {
            cpu: report.cpu.zip(before).map(|(all, before)| all.saturating_sub(before)),
            peak_memory: report.peak_memory,
            ..RunUsage::default()
        };
        (verdict, usage)
    }

    /// Ends a cell that must end: by an interrupt, which keeps what was defined, else with its interpreter.
    async fn stop(&mut self) -> End {
        self.relay.offer_pending();
        let interrupt = self.interpreter.interrupt();
        let interrupted = async { futures::join!(self.drain(), interrupt) };
        if let Ok((end, true)) = timeout(INTERRUPT_PATIENCE, interrupted).await {
            return end;
        }
        let killed = async {
            let runtime = Arc::clone(self.interpreter.prepared.containers.runtime());
            if let Err(error) = runtime.kill(self.interpreter.prepared.id(), Signal::KILL).await {
                // Its removal, which comes next, kills what is left.
                tracing::debug!(%error, "kill");
            }
            while matches!(self.drain().await, Done(_)) {}
        };
        drop(timeout(KILL_PATIENCE, killed).await);
        Ended(Verdict::Lost, None)
    }

    /// Takes what is printed until the cell ends.
    async fn drain(&mut self) -> End {
        loop {
            let (end, event) = self.step().await;
            if let Some(event) = event {
                self.relay.offer(event);
            }
            if let Some(end) = end {
                return end;
            }
        }
    }
}
