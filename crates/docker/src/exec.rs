//! Running a further process in a container.

use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecInspectResponse;
use inline_runtime::{ContainerId, Error, ErrorKind, Event, Events, ExecSpec, ExitStatus, Process, Result};

use crate::engine::Engine;
use crate::oom::{self, Watch};
use crate::runtime::DockerRuntime;
use crate::stream::{HalfClosing, Output};
use crate::{error, host_config};

/// How often a quiet process is looked at: a child that it left behind may hold its output open, and the API has no
/// call that waits for an exec.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long output may pause after the exit before it is taken to be complete.
const DRAIN_PAUSE: Duration = Duration::from_millis(200);

/// What follows the engine's reason when it prints one in place of the output of a process that it could not start.
const REASON_END: &[u8] = b"\r\n";

/// The codes by which engines and shells say that a program could not be started.
const NOT_STARTED: [i64; 2] = [126, 127];

impl DockerRuntime {
    pub(crate) async fn exec_in(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
        spec.validate()?;
        let client = &self.engine.client;
        let create = self
            .engine
            .call(client.create_exec(id.as_str(), host_config::exec(spec)));
        let (created, watch) = tokio::join!(create, Watch::begin(&self.engine, &self.cgroups, id.as_str()));
        let exec = Exec {
            engine: Arc::clone(&self.engine),
            id: created?.id,
        };
        match self
            .engine
            .call(client.start_exec(&exec.id, None::<StartExecOptions>))
            .await?
        {
            StartExecResults::Attached { output, input } => {
                let output = Output::new(output, self.engine.endpoint.clone());
                let stdin = spec.stdin.then(|| HalfClosing::wrap(input));
                Ok(Process::new(stdin, events(exec, output, watch)))
            }
            StartExecResults::Detached => Err(error::lost(&self.engine.endpoint)),
        }
    }
}

/// A process that was asked for, by the engine's id for it.
struct Exec {
    engine: Arc<Engine>,
    id: String,
}

/// How far a process is.
enum Progress {
    Runs,
    Ended(i64),
    NeverStarted(i64),
}

impl Exec {
    async fn look(&self) -> Result<Progress> {
        let seen = self.engine.call(self.engine.client.inspect_exec(&self.id)).await?;
        progress(&seen).ok_or_else(|| error::error(ErrorKind::Unexpected, "the engine tells no state of an exec"))
    }

    /// Makes sure that the first piece of output is the program's own, and not the engine's reason why there is none.
    async fn must_have_printed(&self, first: &Event) -> Result<()> {
        match first {
            // A program that prints such a line costs one look, and changes nothing by it.
            Event::Stdout(text) if text.ends_with(REASON_END) => match self.look().await? {
                Progress::NeverStarted(code) => Err(not_started(code, &String::from_utf8_lossy(text))),
                Progress::Runs | Progress::Ended(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Waits for the exit of a process whose output has ended. That is over in most cases; a program may close its
    /// output and go on.
    async fn ended(&self) -> Result<Progress> {
        let mut pause = FIRST_LOOK;
        loop {
            match self.look().await? {
                Progress::Runs => tokio::time::sleep(pause).await,
                over => return Ok(over),
            }
            pause = longer(pause);
        }
    }
}

/// Reads the engine's description; the code means something only once the process does not run. An engine that could
/// not start one knows no pid of it, which no program can bring about.
fn progress(seen: &ExecInspectResponse) -> Option<Progress> {
    if seen.running? {
        return Some(Progress::Runs);
    }
    let code = seen.exit_code?;
    Some(if seen.pid == Some(0) {
        Progress::NeverStarted(code)
    } else {
        Progress::Ended(code)
    })
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LAST_LOOK)
}

/// Puts together what a process prints and how it ends.
fn events(exec: Exec, mut output: Output, mut watch: Watch) -> Events {
    Box::pin(try_stream! {
        let mut over = None;
        let mut is_first = true;
        let mut pause = FIRST_LOOK;
        loop {
            let wait = if over.is_some() { DRAIN_PAUSE } else { pause };
            let event = match tokio::time::timeout(wait, output.next()).await {
                Ok(Some(event)) => event?,
                Ok(None) => break,
                Err(_) if over.is_some() => break,
                Err(_) => {
                    pause = longer(pause);
                    over = match exec.look().await? {
                        Progress::Runs => None,
                        ended => Some(ended),
                    };
                    continue;
                }
            };
            pause = FIRST_LOOK;
            if std::mem::take(&mut is_first) {
                exec.must_have_printed(&event).await?;
            }
            yield event;
        }
        let over = match over {
            Some(over) => over,
            None => exec.ended().await?,
        };
        match over {
            Progress::Ended(code) => {
                let is_oom = code == oom::KILLED && watch.has_seen_oom().await;
                yield Event::Exited(ExitStatus::from_shell_code(code).with_oom_killed(is_oom));
            }
            Progress::NeverStarted(code) => Err(not_started(code, ""))?,
            Progress::Runs => Err(error::lost(&exec.engine.endpoint))?,
        }
    })
}

/// Says why a process never started, from the engine's own words where there are any.
fn not_started(code: i64, text: &str) -> Error {
    let reason = error::from_start_text(text);
    if reason.kind() == ErrorKind::Unexpected && NOT_STARTED.contains(&code) {
        return error::error(ErrorKind::CommandNotFound, reason.message());
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(json: &str) -> Option<Progress> {
        progress(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_code_counts_only_after_the_end() {
        assert!(matches!(
            seen(r#"{"Running": true, "ExitCode": 0, "Pid": 7}"#),
            Some(Progress::Runs)
        ));
        assert!(matches!(
            seen(r#"{"Running": true, "ExitCode": null, "Pid": 0}"#),
            Some(Progress::Runs)
        ));
        assert!(matches!(
            seen(r#"{"Running": false, "ExitCode": 126, "Pid": 7}"#),
            Some(Progress::Ended(126))
        ));
        assert!(matches!(
            seen(r#"{"Running": false, "ExitCode": 126, "Pid": 0}"#),
            Some(Progress::NeverStarted(126))
        ));
        assert!(seen(r#"{"Running": false}"#).is_none());
    }

    #[test]
    fn the_reason_of_the_engine_tells() {
        for (code, text, kind) in [
            (
                126,
                "OCI runtime exec failed: exec failed: unable to start container process: exec: \"nope\": executable \
                 file not found in $PATH: unknown\r\n",
                ErrorKind::CommandNotFound,
            ),
            (
                126,
                "unable to find user nobody2: no matching entries in passwd file\r\n",
                ErrorKind::InvalidSpec,
            ),
            (
                126,
                "OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd (\"/x\") set in \
                 config.json failed: no such file or directory: unknown\r\n",
                ErrorKind::InvalidSpec,
            ),
            (127, "", ErrorKind::CommandNotFound),
            (128, "", ErrorKind::Unexpected),
        ] {
            assert_eq!(not_started(code, text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn looks_become_rare() {
        let pauses: Vec<_> = std::iter::successors(Some(FIRST_LOOK), |pause| Some(longer(*pause)))
            .take(7)
            .collect();
        assert_eq!(pauses[6], LAST_LOOK);
    }
}
