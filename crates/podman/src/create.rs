//! Makes a container, or nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use inline_runtime::{ContainerId, ContainerSpec, Error, ErrorKind, ImageReference, LimitMechanism, Result, Seccomp};
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::answer::Created;
use crate::body::{Body, Extras};
use crate::engine::Engine;
use crate::image;
use crate::limits::Limits;
use crate::remove::remove;
use crate::rlimit::{self, Wrapper};
use crate::unique::unique;
use crate::verify::verify;

/// Holds the [`Limits`] of a container that has any, for `start` to check.
pub(crate) const LIMITS_NOTE: &str = "io.inline.limits";
/// Holds the [`Limits`] of a container whose processes are wrapped, for `exec` to wrap more.
pub(crate) const RLIMITS_NOTE: &str = "io.inline.rlimits";
/// Holds the marker of the wrapper of the main process, for `start` to know its errors.
pub(crate) const MARKER_NOTE: &str = "io.inline.marker";
/// Tells the container of one call of `create` from that of any other.
const ATTEMPT_NOTE: &str = "io.inline.attempt";

/// How often and how long a container is looked for of which it is not known whether it was made.
const SEARCH_PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// Makes a container.
///
/// The service goes on with a create whose connection is gone, so the work is done in a task of its own, which ends with a
/// container that has an owner or with none.
pub(crate) async fn create(engine: &Arc<Engine>, spec: &ContainerSpec) -> Result<ContainerId> {
    let capabilities = engine.capabilities();
    spec.validate(&capabilities)?;
    check_facts(engine, spec)?;
    let by_rlimit = capabilities.limit_mechanism() == LimitMechanism::Rlimit
        && (spec.memory.is_some() || spec.pids_limit.is_some());
    if by_rlimit {
        rlimit::check(spec)?;
    }
    let (sender, receiver) = oneshot::channel();
    let (engine, spec) = (Arc::clone(engine), spec.clone());
    // Whoever holds the result when it is dropped removes the container: this task, the channel or the caller.
    drop(tokio::spawn(async move {
        let made = make(engine, &spec, by_rlimit).await;
        drop(sender.send(made));
    }));
    match receiver.await {
        Ok(made) => made.map(Made::keep),
        Err(_) => Err(Error::new(
            ErrorKind::Unexpected,
            "the task that makes a container ended early",
        )),
    }
}

/// Checks what no capability stands for.
fn check_facts(engine: &Engine, spec: &ContainerSpec) -> Result<()> {
    let facts = &engine.facts;
    if !facts.seccomp {
        return Err(
            Error::new(ErrorKind::Unsupported, "the service has seccomp switched off")
                .with_hint("unset `seccomp_profile` in its `containers.conf`, or build it with seccomp"),
        );
    }
    if let Some((uid, gid)) = spec.numeric_user()
        && facts.rootless
        && (uid >= facts.uids || gid >= facts.gids)
    {
        let (uids, gids) = (facts.uids, facts.gids);
        return Err(Error::new(
            ErrorKind::InvalidSpec,
            format!("`user` is {uid}:{gid}, but containers have {uids} users and {gids} groups"),
        )
        .with_hint("give the service's user more subordinate ids, or take a lower number"));
    }
    Ok(())
}

async fn make(engine: Arc<Engine>, spec: &ContainerSpec, by_rlimit: bool) -> Result<Made> {
    let limits = Limits::of(spec);
    let wrapper = by_rlimit.then(|| Wrapper::new(&limits));
    let command = match &wrapper {
        Some(wrapper) => Some(wrapped(&engine, spec, wrapper).await?),
        None => None,
    };
    let profile = profile(&engine, spec)?;
    let attempt = unique();
    let extras = Extras {
        command,
        annotations: notes(&limits, wrapper.as_ref(), &attempt),
        seccomp_profile: profile.as_ref().map(NamedTempFile::path),
        by_rlimit,
    };
    let body = Body::new(spec, &engine.facts, extras);
    let created: Created = match engine.client.post("/containers/create", &body).await {
        Ok(created) => created,
        Err(error) => {
            if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unavailable) {
                drop(tokio::spawn(remove_attempt(
                    Arc::clone(&engine),
                    spec.name.clone(),
                    attempt,
                )));
            }
            return Err(explain(error, &spec.image));
        }
    };
    let made = Made {
        id: created.id.parse()?,
        engine: Arc::clone(&engine),
        is_settled: false,
    };
    let found = engine.inspect(&made.id).await;
    match found.and_then(|found| verify(spec, &found).map(|()| found)) {
        Ok(found) => {
            engine.known.note_made(found);
            Ok(made)
        }
        Err(error) => {
            made.discard().await;
            Err(error)
        }
    }
}

/// Returns the program of a container with the wrapper before it.
async fn wrapped(engine: &Engine, spec: &ContainerSpec, wrapper: &Wrapper) -> Result<Vec<String>> {
    let mut program = spec.entrypoint.clone().unwrap_or_default();
    let mut cmd = spec.cmd.clone();
    if spec.entrypoint.is_none() {
        let found = image::find(engine, &spec.image).await?;
        let config = found.ok_or_else(|| image::not_found(&spec.image))?.config;
        program = config.entrypoint;
        if cmd.is_empty() {
            cmd = config.cmd;
        }
    }
    if program.is_empty() && cmd.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidSpec,
            format!("neither the spec nor the image `{}` names a program", spec.image),
        ));
    }
    let words = wrapper.command().into_iter();
    Ok(words.chain(program).chain(cmd).collect())
}

/// Writes a seccomp profile to a file that only this user and the service can read, which it does in the create.
fn profile(engine: &Engine, spec: &ContainerSpec) -> Result<Option<NamedTempFile>> {
    let Seccomp::Profile(text) = &spec.seccomp else {
        return Ok(None);
    };
    NamedTempFile::new_in(engine.config.private_place())
        .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| Some(file)))
        .map_err(|error| {
            Error::new(ErrorKind::ResourceExhausted, "the seccomp profile cannot be written").with_source(error)
        })
}

fn notes(limits: &Limits, wrapper: Option<&Wrapper>, attempt: &str) -> BTreeMap<&'static str, String> {
    let mut notes = BTreeMap::from([(ATTEMPT_NOTE, attempt.to_owned())]);
    // Numbers and text always serialize.
    let text = serde_json::to_string(limits).unwrap_or_default();
    if let Some(wrapper) = wrapper {
        notes.insert(RLIMITS_NOTE, text);
        notes.insert(MARKER_NOTE, wrapper.marker.clone());
    } else if !limits.is_empty() {
        notes.insert(LIMITS_NOTE, text);
    }
    notes
}

fn explain(error: Error, image: &ImageReference) -> Error {
    if error.kind() == ErrorKind::ImageNotFound {
        image::not_found(image)
    } else {
        error
    }
}

/// Removes the container of a create that nobody knows the end of, if it is there and this call made it.
async fn remove_attempt(engine: Arc<Engine>, name: String, attempt: String) {
    let Ok(id) = name.parse::<ContainerId>() else {
        return;
    };
    for pause in SEARCH_PAUSES {
        tokio::time::sleep(pause).await;
        if let Ok(found) = engine.inspect(&id).await {
            if found.config.annotations.get(ATTEMPT_NOTE) == Some(&attempt) {
                report(&remove(&engine, &found.id).await);
            }
            return;
        }
    }
}

/// A container that is removed unless somebody keeps it.
struct Made {
    engine: Arc<Engine>,
    id: ContainerId,
    is_settled: bool,
}

impl Made {
    fn keep(mut self) -> ContainerId {
        self.is_settled = true;
        self.id.clone()
    }

    /// Removes the container and returns when it is gone.
    async fn discard(mut self) {
        report(&remove(&self.engine, &self.id).await);
        self.is_settled = true;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.is_settled
            && let Ok(handle) = Handle::try_current()
        {
            let (engine, id) = (Arc::clone(&self.engine), self.id.clone());
            drop(handle.spawn(async move { report(&remove(&engine, &id).await) }));
        }
    }
}

/// The first error is the one that callers are told of; that a container stays behind is for the log.
fn report(removed: &Result<()>) {
    if let Err(error) = removed {
        tracing::warn!(%error, "a container that nobody wants could not be removed");
    }
}
