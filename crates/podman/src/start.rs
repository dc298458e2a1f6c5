//! Runs the main process of a container.
//!
//! The service makes the process, without letting it run yet, when its streams are attached. Between that and the start its
//! limits are read from the kernel, so that no instruction runs unlimited and no byte is lost.

use std::sync::Arc;

use async_trait::async_trait;
use inline_runtime::{Capability, ContainerId, Error, ErrorKind, ExitStatus, Process, Result, Signal};
use podman_api::Error as ApiError;

use crate::answer::Inspection;
use crate::cgroup::Cgroup;
use crate::create::{LIMITS_NOTE, MARKER_NOTE};
use crate::engine::Engine;
use crate::interjection::Interjections;
use crate::known::Started;
use crate::limits::Limits;
use crate::oom::OomWatch;
use crate::raw::{Reader, Writer};
use crate::remove::remove;
use crate::rlimit::SHELL;
use crate::stream::{Exit, process};

/// The status of a request that asks for what is so already.
const NOT_MODIFIED: u16 = 304;

/// Starts a container that was never started.
pub(crate) async fn start(engine: &Arc<Engine>, id: &ContainerId) -> Result<Process> {
    let made = match engine.known.take_made(id) {
        Some(made) => made,
        None => engine.inspect(id).await?,
    };
    if !made.state.is_created() {
        return Err(started_before(id));
    }
    let marker = made.config.annotations.get(MARKER_NOTE).cloned();
    let output = attach_output(engine, &made, marker.is_some()).await?;
    let (input, cgroup) = futures::try_join!(attach_input(engine, &made), limited(engine, &made))?;
    let oom = match cgroup.as_ref().map(OomWatch::start).transpose() {
        Ok(oom) => oom,
        Err(error) => {
            tracing::warn!(%id, %error, "kills by the OOM killer cannot be told from others");
            None
        }
    };
    run(engine, &made.id).await?;
    engine.known.note_started(Started::new(&made, cgroup));
    let exit = MainExit {
        engine: Arc::clone(engine),
        id: made.id,
        oom,
    };
    Ok(process(output, input, Interjections::of_main(marker), exit, "start"))
}

/// Attaches to the output, for which the service makes the process.
///
/// Output and input have a connection each: one for both is given up as a whole once the program leaves input unread, with
/// the end of its output.
async fn attach_output(engine: &Engine, made: &Inspection, is_wrapped: bool) -> Result<Reader> {
    match attach(engine, made, "stdin=false&stdout=true&stderr=true").await {
        Ok((output, _)) => Ok(output),
        Err(error) if is_wrapped && error.kind() == ErrorKind::CommandNotFound => Err(Error::new(
            ErrorKind::Unsupported,
            format!("the image has no `{SHELL}`, which sets the limits"),
        )
        .with_hint("take an image with a shell, or a service whose limits bind by control groups")
        .with_source(error)),
        // Another start of the same container came first.
        Err(error) if error.kind() == ErrorKind::NotRunning => Err(started_before(&made.id)),
        Err(error) => Err(error),
    }
}

async fn attach_input(engine: &Engine, made: &Inspection) -> Result<Option<Writer>> {
    if !made.config.open_stdin {
        return Ok(None);
    }
    let (_, input) = attach(engine, made, "stdin=true&stdout=false&stderr=false").await?;
    Ok(Some(input))
}

async fn attach(engine: &Engine, made: &Inspection, streams: &str) -> Result<(Reader, Writer)> {
    let path = format!("/containers/{}/attach?stream=true&{streams}", made.id);
    engine.client.attach(&path).await
}

/// Checks the limits of a container whose process exists and does not run yet, and finds its groups.
///
/// A container whose limits do not bind is removed, and from then on such a spec is refused.
async fn limited(engine: &Engine, made: &Inspection) -> Result<Option<Cgroup>> {
    let note = made.config.annotations.get(LIMITS_NOTE);
    let watches = engine.capabilities().has(Capability::OomDetection);
    if note.is_none() && !watches {
        return Ok(None);
    }
    let pid = engine.inspect(&made.id).await?.state.pid;
    let cgroup = Cgroup::of(pid, &made.id);
    let Some(note) = note else {
        return Ok(cgroup);
    };
    let limits: Limits = serde_json::from_str(note).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the note of a container's limits makes no sense").with_source(error)
    })?;
    let verdict = match &cgroup {
        Some(cgroup) => limits.verify(cgroup),
        None => Err("control group"),
    };
    let Err(field) = verdict else {
        return Ok(cgroup);
    };
    engine.note_unbound(field);
    if let Err(error) = remove(engine, &made.id).await {
        tracing::warn!(id = %made.id, %error, "a container without its limits could not be removed");
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("the container's `{field}` does not bind: the kernel does not have what was asked for"),
    )
    .with_hint("the service claims limits that it does not apply; run it in a systemd session with delegated cgroups"))
}

async fn run(engine: &Engine, id: &ContainerId) -> Result<()> {
    let container = engine.client.podman.containers().get(id.as_str());
    let start = async {
        match container.start(None).await {
            Err(ApiError::Fault { code, .. }) if code.as_u16() == NOT_MODIFIED => Ok(false),
            started => started.map(|()| true),
        }
    };
    if engine.client.bounded("start", start).await? {
        Ok(())
    } else {
        Err(started_before(id))
    }
}

fn started_before(id: &ContainerId) -> Error {
    Error::new(ErrorKind::AlreadyExists, format!("container `{id}` was started before"))
        .with_hint("containers run once; make a new one")
}

/// Knows how a main process ends.
struct MainExit {
    engine: Arc<Engine>,
    id: ContainerId,
    oom: Option<OomWatch>,
}

#[async_trait]
impl Exit for MainExit {
    async fn status(&self) -> Result<Option<ExitStatus>> {
        let state = self.engine.inspect(&self.id).await?.state;
        Ok(state.exit_status().map(|status| {
            let is_counted = self.oom.as_ref().is_some_and(|oom| oom.kills() > 0);
            let is_killed = status.signal() == Some(Signal::KILL);
            status.with_oom_killed(is_killed && (is_counted || status.is_oom_killed()))
        }))
    }
}
