//! Making a container, and unmaking it when nobody waits for it any more.

use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error as ClientError;
use bollard::models::ContainerCreateResponse;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use inline_runtime::{
    Capability, ContainerId, ContainerRuntime, ContainerSpec, Error, ErrorKind, Result, Seccomp, Support,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::fresh::Launch;
use crate::limits::Limits;
use crate::runtime::DockerRuntime;
use crate::{container, error, host_config};

/// How long an engine that is slow to make a container is listened to after the caller gave up, so that the container
/// is removed when it comes after all.
const LATE_ANSWER: Duration = Duration::from_mins(10);

/// Parts of warnings that say that something of the spec was left out, lower case.
const LEFT_OUT: [&str; 4] = ["discarded", "without swap", "not support", "ignored"];

impl DockerRuntime {
    pub(crate) async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        spec.validate(&self.capabilities())?;
        if let (Seccomp::Default, Support::Absent { why }) = (&spec.seccomp, &self.default_seccomp) {
            return Err(error::error(
                ErrorKind::Unsupported,
                format!("`{}` is not supported: {why}", Capability::Seccomp),
            )
            .with_hint("give the spec a profile, or the engine a default one"));
        }
        let made = self.make(spec).await?;
        if let Some(warning) = made.warnings.iter().find(|warning| is_left_out(warning)) {
            let message = format!("the engine would leave out a part of the spec: {warning}");
            return Err(made.remove(error::error(ErrorKind::Unsupported, message)).await);
        }
        for warning in &made.warnings {
            tracing::warn!(container = spec.name, warning, "the engine warns of a new container");
        }
        let id: ContainerId = made.claim().parse()?;
        let launch = Launch {
            stdin: spec.stdin,
            limits: Limits::of_spec(spec),
        };
        self.fresh.remember(id.as_str(), launch);
        Ok(id)
    }

    /// Sends the request from a task of its own: the engine makes the container whether or not anyone still listens,
    /// and only an answer tells that it was this request that made it, and not the holder of a name that is taken.
    async fn make(&self, spec: &ContainerSpec) -> Result<Unclaimed> {
        let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
        let body = host_config::container(spec, self.api);
        let engine = Arc::clone(&self.engine);
        let (reply, answer) = oneshot::channel();
        tokio::spawn(async move {
            let request = engine.client.create_container(Some(options), body);
            let made = match tokio::time::timeout(LATE_ANSWER, request).await {
                Ok(made) => made,
                Err(_) => Err(ClientError::RequestTimeoutError),
            };
            // Without a listener the answer is dropped here, and what is in it removes the container.
            drop(reply.send(made.map(|made| Unclaimed::new(engine, made))));
        });
        match tokio::time::timeout(self.engine.call_timeout, answer).await {
            Ok(Ok(made)) => made.map_err(|failure| {
                let error = error::from_client(&self.engine.endpoint, failure);
                match error.kind() {
                    ErrorKind::AlreadyExists => taken(&spec.name, error),
                    _ => error,
                }
            }),
            Ok(Err(_)) | Err(_) => Err(error::timeout(&self.engine.endpoint)),
        }
    }
}

fn taken(name: &str, source: Error) -> Error {
    error::error(
        ErrorKind::AlreadyExists,
        format!("the container name `{name}` is taken"),
    )
    .with_hint("remove its holder, or leave the name to chance")
    .with_source(source)
}

fn is_left_out(warning: &str) -> bool {
    let lower = warning.to_lowercase();
    LEFT_OUT.iter().any(|part| lower.contains(part))
}

/// A container that was made and that nobody has taken over yet; dropping it removes the container.
#[derive(Debug)]
struct Unclaimed {
    engine: Arc<Engine>,
    id: Option<String>,
    warnings: Vec<String>,
}

impl Unclaimed {
    fn new(engine: Arc<Engine>, made: ContainerCreateResponse) -> Self {
        Self {
            engine,
            id: Some(made.id),
            warnings: made.warnings,
        }
    }

    fn claim(mut self) -> String {
        self.id.take().unwrap_or_default()
    }

    /// Removes the container because of `error`, and returns it with what went wrong with that too.
    async fn remove(mut self, error: Error) -> Error {
        let Some(id) = &self.id else {
            return error;
        };
        let removed = container::remove(&self.engine, id).await;
        if let Err(failure) = removed {
            return error.with_source(failure);
        }
        self.id = None;
        error
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let (Some(id), Ok(handle)) = (self.id.take(), Handle::try_current()) {
            let engine = Arc::clone(&self.engine);
            drop(handle.spawn(async move {
                if let Err(error) = container::remove(&engine, &id).await {
                    tracing::warn!(container = id, %error, "a container that nobody waits for is left behind");
                }
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Answer, CONNECT, Script, Scripted};

    const CREATE: &str = "POST /v1.41/containers/create";
    const REMOVE: &str = "DELETE /v1.41/containers/8f";
    const REMOVED: (&str, Answer) = (REMOVE, Answer::Now(204, ""));

    fn spec() -> ContainerSpec {
        ContainerSpec::new("alpine".parse().unwrap(), "test")
    }

    #[tokio::test]
    async fn a_container_that_comes_too_late_is_removed() {
        const LATE: Answer = Answer::Late(Duration::from_millis(300), 201, r#"{"Id": "8f", "Warnings": []}"#);
        const SCRIPT: Script = &[CONNECT[0], CONNECT[1], (CREATE, LATE), REMOVED];
        let engine = Scripted::serve(SCRIPT);
        let docker = engine.connect().await;
        let spec = spec();
        let creation = tokio::time::timeout(Duration::from_millis(100), docker.create_container(&spec));
        assert!(creation.await.is_err(), "the engine is slow");
        assert!(engine.has_seen(REMOVE).await);
    }

    #[tokio::test]
    async fn the_holder_of_a_name_is_left_alone() {
        const TAKEN: Answer = Answer::Now(
            409,
            r#"{"message": "Conflict. The container name \"/a\" is already in use by container \"8f\"."}"#,
        );
        const SCRIPT: Script = &[CONNECT[0], CONNECT[1], (CREATE, TAKEN), REMOVED];
        let engine = Scripted::serve(SCRIPT);
        let docker = engine.connect().await;
        let before = engine.count();
        let error = docker.create_container(&spec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(engine.count(), before + 1);
    }

    #[tokio::test]
    async fn a_limit_that_the_engine_discards_is_refused() {
        const WARNED: Answer = Answer::Now(
            201,
            r#"{"Id": "8f", "Warnings": ["Your kernel does not support memory limits. Limitation discarded."]}"#,
        );
        const SCRIPT: Script = &[CONNECT[0], CONNECT[1], (CREATE, WARNED), REMOVED];
        let engine = Scripted::serve(SCRIPT);
        let docker = engine.connect().await;
        let error = docker
            .create_container(&spec().with_memory(64 << 20))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(engine.has_seen(REMOVE).await);
    }

    #[tokio::test]
    async fn a_spec_without_a_filter_anywhere_is_refused() {
        const INFO: Answer = Answer::Now(200, r#"{"SecurityOptions": ["name=seccomp,profile=unconfined"]}"#);
        const SCRIPT: Script = &[CONNECT[0], ("GET /v1.41/info", INFO)];
        let engine = Scripted::serve(SCRIPT);
        let docker = engine.connect().await;
        assert!(docker.capabilities().has(Capability::Seccomp));
        let error = docker.create_container(&spec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
