//! Runs a further process in a container.

use std::sync::Arc;

use async_trait::async_trait;
use inline_runtime::{Capability, ContainerId, Error, ErrorKind, ExecSpec, ExitStatus, Process, Result, Signal};
use serde::Serialize;

use crate::answer::{Created, ExecSession};
use crate::cgroup::Cgroup;
use crate::engine::Engine;
use crate::interjection::Interjections;
use crate::known::Started;
use crate::limits::Limits;
use crate::oom::OomWatch;
use crate::rlimit::Wrapper;
use crate::stream::{Exit, process};

/// A process to be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the keys are the service's, and these are switches there"
)]
struct ExecBody<'a> {
    cmd: Vec<String>,
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    tty: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartBody {
    detach: bool,
    tty: bool,
}

/// Runs a process.
pub(crate) async fn exec(engine: &Arc<Engine>, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
    spec.validate()?;
    let container = match engine.known.started(id) {
        Some(container) => container,
        None => Arc::new(found(engine, id).await?),
    };
    let wrapper = wrapper(&container)?;
    let oom = container
        .cgroup
        .as_ref()
        .and_then(|cgroup| OomWatch::start(cgroup).ok());
    let kills_before = oom.as_ref().map_or(0, OomWatch::kills);
    let path = format!("/containers/{}/exec", container.id);
    let session: Result<Created> = engine.client.post(&path, &body(spec, wrapper.as_ref())).await;
    let session: ContainerId = match session {
        Ok(session) => session.id.parse()?,
        Err(error) if error.kind() == ErrorKind::NotRunning => return Err(not_running(id)),
        Err(error) => return Err(error),
    };
    let start = StartBody {
        detach: false,
        tty: false,
    };
    let (output, input) = engine
        .client
        .start_exec(&format!("/exec/{session}/start"), &start)
        .await?;
    let exit = ExecExit {
        engine: Arc::clone(engine),
        container: container.id.clone(),
        session,
        oom,
        kills_before,
    };
    let interjections = Interjections::of_exec(wrapper.map(|wrapper| wrapper.marker));
    Ok(process(
        output,
        spec.stdin.then_some(input),
        interjections,
        exit,
        "exec",
    ))
}

fn body<'a>(spec: &'a ExecSpec, wrapper: Option<&Wrapper>) -> ExecBody<'a> {
    let words = wrapper.map(Wrapper::command).into_iter().flatten();
    ExecBody {
        cmd: words.chain(spec.cmd.iter().cloned()).collect(),
        env: spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        working_dir: spec.working_dir.as_deref(),
        user: spec.user.as_deref(),
        attach_stdin: spec.stdin,
        attach_stdout: true,
        attach_stderr: true,
        tty: false,
    }
}

/// Finds a container that this process has not started.
async fn found(engine: &Engine, id: &ContainerId) -> Result<Started> {
    let container = engine.inspect(id).await?;
    if container.state.status != "running" {
        return Err(not_running(id));
    }
    let watches = engine.capabilities().has(Capability::OomDetection);
    let cgroup = watches.then(|| Cgroup::of(container.state.pid, &container.id));
    Ok(Started::new(&container, cgroup.flatten()))
}

/// Returns the wrapper for a container whose main process has one.
fn wrapper(container: &Started) -> Result<Option<Wrapper>> {
    let Some(note) = &container.rlimits else {
        return Ok(None);
    };
    let limits: Limits = serde_json::from_str(note).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the note of a container's limits makes no sense").with_source(error)
    })?;
    Ok(Some(Wrapper::new(&limits)))
}

fn not_running(id: &ContainerId) -> Error {
    Error::new(ErrorKind::NotRunning, format!("container `{id}` does not run"))
}

/// Knows how a further process ends.
struct ExecExit {
    engine: Arc<Engine>,
    container: ContainerId,
    session: ContainerId,
    oom: Option<OomWatch>,
    kills_before: u64,
}

#[async_trait]
impl Exit for ExecExit {
    async fn status(&self) -> Result<Option<ExitStatus>> {
        let path = format!("/exec/{}/json", self.session);
        let session: ExecSession = match self.engine.client.get(&path).await {
            Ok(session) => session,
            Err(error) => return self.without_session(error).await,
        };
        if session.running {
            return Ok(None);
        }
        let status = ExitStatus::from_shell_code(session.exit_code);
        let is_oom = self.oom.as_ref().is_some_and(|oom| oom.kills() > self.kills_before);
        let is_killed = status.signal() == Some(Signal::KILL);
        Ok(Some(status.with_oom_killed(is_killed && is_oom)))
    }
}

impl ExecExit {
    /// The service forgets the sessions of a container that ended, whose end is the end of each of them: the kernel kills
    /// all that is left in it.
    async fn without_session(&self, error: Error) -> Result<Option<ExitStatus>> {
        let container = self.engine.inspect(&self.container).await.map_err(|_| error)?;
        if container.state.exit_status().is_some() {
            return Ok(Some(ExitStatus::from_signal(Signal::KILL)));
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            "the service forgot how a process ended before it was asked",
        )
        .with_hint("raise `exit_command_delay` under `[engine]` in `containers.conf`"))
    }
}
