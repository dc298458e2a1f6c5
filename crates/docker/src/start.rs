//! Running a container's main process.

use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use bollard::errors::Error as ClientError;
use bollard::models::{ContainerStateStatusEnum, HostConfig};
use bollard::query_parameters::{AttachContainerOptionsBuilder, WaitContainerOptionsBuilder};
use futures::StreamExt;
use futures::future::{Either, select};
use inline_runtime::{ContainerId, Error, ErrorKind, Event, Events, ExitStatus, Process, Result};
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::fresh::{Claim, Launch, Starting};
use crate::limits::{Limits, Unbound};
use crate::runtime::DockerRuntime;
use crate::stream::{HalfClosing, Output};
use crate::{container, error, oom};

/// How long output may pause after the exit before it is taken to be complete. The process has taken every other one
/// of the container with it, so that the end of output always comes; this only bounds the wait for it.
const DRAIN_PAUSE: Duration = Duration::from_secs(1);

impl DockerRuntime {
    pub(crate) async fn start_container(&self, id: &ContainerId) -> Result<Process> {
        let (launch, starting) = self.claim(id).await?;
        let id = starting.id();
        // Attached first, so that nothing that the program prints is missed.
        let options = AttachContainerOptionsBuilder::new()
            .stream(true)
            .stdin(launch.stdin)
            .stdout(true)
            .stderr(true)
            .build();
        let client = &self.engine.client;
        let attached = self.engine.call(client.attach_container(id, Some(options))).await?;
        self.engine.call(client.start_container(id, None)).await?;
        let exit = Exit::of(Arc::clone(&self.engine), id.to_owned());
        let proof = self
            .proof
            .check(&self.engine, &self.cgroups, id, launch.limits, self.host_memory);
        if let Err(unbound) = proof.await {
            return Err(self.give_up(id, unbound).await);
        }
        let output = Output::new(attached.output, self.engine.endpoint.clone());
        let stdin = launch.stdin.then(|| HalfClosing::wrap(attached.input));
        Ok(Process::new(stdin, events(output, exit)))
    }

    /// Makes sure that a container was never started, and that nobody else starts it now.
    async fn claim(&self, id: &ContainerId) -> Result<(Launch, Starting)> {
        match self.fresh.claim(id.as_str()) {
            Claim::Ours(launch, starting) => return Ok((launch, starting)),
            Claim::Taken => return Err(started_before(id)),
            Claim::Unknown => {}
        }
        let container = self
            .engine
            .call(self.engine.client.inspect_container(id.as_str(), None))
            .await?;
        let status = container.state.and_then(|state| state.status);
        let full_id = container.id.as_deref().unwrap_or(id.as_str());
        if status != Some(ContainerStateStatusEnum::CREATED) {
            return Err(started_before(id));
        }
        let starting = self.fresh.claim_unknown(full_id).ok_or_else(|| started_before(id))?;
        let launch = Launch {
            stdin: container.config.and_then(|config| config.open_stdin) == Some(true),
            limits: Limits::of_host_config(&container.host_config.unwrap_or_else(HostConfig::default)),
        };
        Ok((launch, starting))
    }

    /// Ends a container whose limits do not bind, and refuses the next one before it is made.
    async fn give_up(&self, id: &str, unbound: Unbound) -> Error {
        let Unbound { capability, why } = unbound;
        let refusal = error::error(ErrorKind::Unsupported, format!("`{capability}` does not bind: {why}"))
            .with_hint("let the engine use control groups: see `docker info` for its cgroup driver and version");
        self.withdraw(capability, why);
        match container::remove(&self.engine, id).await {
            Ok(()) => refusal,
            Err(failure) => refusal.with_source(failure),
        }
    }
}

fn started_before(id: &ContainerId) -> Error {
    error::error(ErrorKind::AlreadyExists, format!("container `{id}` was started before"))
        .with_hint("create a new one for each run")
}

/// Puts together what the main process prints and how it ends.
fn events(mut output: Output, mut exit: Exit) -> Events {
    Box::pin(try_stream! {
        let mut code = None;
        loop {
            let printed = if code.is_some() {
                tokio::time::timeout(DRAIN_PAUSE, output.next()).await.unwrap_or(None)
            } else {
                match output_or_exit(&mut output, &mut exit).await {
                    Either::Left(printed) => printed,
                    Either::Right(ended) => {
                        code = Some(ended?);
                        continue;
                    }
                }
            };
            match printed {
                Some(event) => yield event?,
                None => break,
            }
        }
        // The end of output alone is no exit: the program may have closed it, or the connection broke off.
        let code = match code {
            Some(code) => code,
            None => exit.code().await?,
        };
        let is_oom = code == oom::KILLED && oom::ended_main(&exit.engine, &exit.id).await;
        yield Event::Exited(ExitStatus::from_shell_code(code).with_oom_killed(is_oom));
    })
}

/// Waits for either, output first.
async fn output_or_exit(output: &mut Output, exit: &mut Exit) -> Either<Option<Result<Event>>, Result<i64>> {
    let printed = std::pin::pin!(output.next());
    let ended = std::pin::pin!(exit.code());
    match select(printed, ended).await {
        Either::Left((printed, _)) => Either::Left(printed),
        Either::Right((ended, _)) => Either::Right(ended),
    }
}

/// The exit of a main process, awaited from a task that ends with this value: the engine forgets the code when the
/// container is removed, which may happen before anyone reads the output.
struct Exit {
    engine: Arc<Engine>,
    id: String,
    waiting: JoinSet<Result<i64>>,
}

impl Exit {
    fn of(engine: Arc<Engine>, id: String) -> Self {
        let mut waiting = JoinSet::new();
        waiting.spawn(wait(Arc::clone(&engine), id.clone()));
        Self { engine, id, waiting }
    }

    /// Waits for the exit code; cancel safe.
    async fn code(&mut self) -> Result<i64> {
        match self.waiting.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(_)) | None => Err(error::lost(&self.engine.endpoint)),
        }
    }
}

/// Waits as long as the program runs; only the connection bounds it.
async fn wait(engine: Arc<Engine>, id: String) -> Result<i64> {
    let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
    let mut answers = Box::pin(engine.client.wait_container(&id, Some(options)));
    match answers.next().await {
        Some(Ok(answer)) => Ok(answer.status_code),
        // The client takes every code but 0 for a failure.
        Some(Err(ClientError::DockerContainerWaitError { code, .. })) => Ok(code),
        Some(Err(failure)) => Err(error::from_client(&engine.endpoint, failure)),
        None => Err(error::lost(&engine.endpoint)),
    }
}

#[cfg(test)]
mod tests {
    use inline_runtime::{Capability, ContainerRuntime, ContainerSpec};

    use super::*;
    use crate::scripted::{Answer, CONNECT, Script, Scripted};

    const CREATE: (&str, Answer) = (
        "POST /v1.41/containers/create",
        Answer::Now(201, r#"{"Id": "8f", "Warnings": []}"#),
    );
    const HELLO: &[u8] = b"\x01\0\0\0\0\0\0\x02hi";
    const ATTACH: (&str, Answer) = ("POST /v1.41/containers/8f/attach", Answer::Stream(HELLO));
    const START: (&str, Answer) = ("POST /v1.41/containers/8f/start", Answer::Now(204, ""));
    const WAIT: &str = "POST /v1.41/containers/8f/wait";

    fn spec() -> ContainerSpec {
        ContainerSpec::new("alpine".parse().unwrap(), "test")
    }

    async fn run(script: Script) -> Vec<Result<Event>> {
        let engine = Scripted::serve(script);
        let docker = engine.connect().await;
        let id = docker.create(&spec()).await.unwrap();
        docker.start(&id).await.unwrap().events.collect().await
    }

    #[tokio::test]
    async fn the_exit_comes_last() {
        const SCRIPT: Script = &[
            CONNECT[0],
            CONNECT[1],
            CREATE,
            ATTACH,
            START,
            (
                WAIT,
                Answer::Late(Duration::from_millis(50), 200, r#"{"StatusCode": 3}"#),
            ),
        ];
        let events: Vec<_> = run(SCRIPT).await.into_iter().map(Result::unwrap).collect();
        let expected = [Event::Stdout("hi".into()), Event::Exited(ExitStatus::from_code(3))];
        assert_eq!(events, expected);
    }

    #[tokio::test]
    async fn a_lost_engine_is_no_exit() {
        const SCRIPT: Script = &[CONNECT[0], CONNECT[1], CREATE, ATTACH, START, (WAIT, Answer::Break)];
        let mut events = run(SCRIPT).await;
        let error = events.pop().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            events.iter().all(|event| !matches!(event, Ok(Event::Exited(_)))),
            "{events:?}"
        );
    }

    #[tokio::test]
    async fn a_limit_that_does_not_bind_ends_the_container_and_the_claim() {
        const SCRIPT: Script = &[
            CONNECT[0],
            CONNECT[1],
            CREATE,
            ATTACH,
            START,
            // This very process, which is in no container's control group: the engine must be elsewhere.
            (
                "GET /v1.41/containers/8f/json",
                Answer::Now(200, r#"{"Id": "8f", "State": {"Pid": 1}}"#),
            ),
            (
                "GET /v1.41/containers/8f/stats",
                Answer::Now(
                    200,
                    r#"{"memory_stats": {"usage": 1}, "pids_stats": {"current": 1, "limit": 64}}"#,
                ),
            ),
            ("DELETE /v1.41/containers/8f", Answer::Now(204, "")),
        ];
        let engine = Scripted::serve(SCRIPT);
        let docker = engine.connect().await;
        let limited = spec().with_memory(64 << 20).with_pids_limit(64);
        let id = docker.create(&limited).await.unwrap();
        let refused = docker.start(&id).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        assert!(engine.has_seen("DELETE /v1.41/containers/8f").await);
        assert!(!docker.capabilities().has(Capability::Memory));
        let before = engine.count();
        assert_eq!(
            docker.create(&limited).await.unwrap_err().kind(),
            ErrorKind::Unsupported
        );
        assert_eq!(engine.count(), before, "refused without a request");
    }
}
