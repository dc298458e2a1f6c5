//! A run, from the request to the answer.

use std::sync::Arc;

use futures::join;
use inline_runtime::ErrorKind;
use metrics::histogram;
use tokio::time::{Instant, timeout};

use super::admitted::admitted;
use super::job::{self, AsyncWork, Job, Reply};
use super::recorded::Recorded;
use super::room::{self, GONE_PATIENCE, Room};
use super::{Inner, Progress, Run, RunRequest, SandboxService, disk};
use crate::run::{Container, Frame, Purpose, RunControl, RunResult};
use crate::{Artifacts, Language, Limits, Order, Result, SandboxError, Snapshot, Verdict, metric};

/// What is left to do when the answer is out.
#[derive(Default)]
struct After {
    /// To be removed.
    container: Option<Container>,
    /// What to make ahead for the next run.
    next: Option<Order>,
}

/// A program that can be run, and within what.
struct Plan {
    request: RunRequest,
    language: Language,
    limits: Limits,
}

impl SandboxService {
    /// Runs a program.
    ///
    /// It waits for its turn, then for its image if that is not there, and gets a container that was made ahead if one
    /// waits for this owner. The files that come with it are written first. Runs of one owner that go on at once share the
    /// workspace.
    ///
    /// Nothing fails here: what is wrong is the [`outcome`](Run::outcome).
    pub fn run(&self, request: RunRequest) -> Run {
        let owner = request.owner.clone();
        job::spawn(&self.inner, &owner, "run", request)
    }
}

impl AsyncWork<RunResult> for RunRequest {
    async fn run(self, inner: Arc<Inner>, job: Job, reply: Reply<RunResult>) {
        let admitted = async {
            let plan = Plan::new(&inner, self)?;
            Ok(admitted(&inner, &job).await?.map(|permit| (plan, permit)))
        };
        let (plan, permit) = match admitted.await {
            Ok(Some(admitted)) => admitted,
            Ok(None) => {
                drop(reply.send(Ok(inner.cancelled())));
                return;
            }
            Err(error) => {
                drop(reply.send(Err(error)));
                return;
            }
        };
        let lock = inner.locks.of(&job.owner);
        let _present = lock.presence.read().await;
        if job.cancel.is_cancelled() {
            // Its sandbox was deleted meanwhile, and must not come back.
            drop(reply.send(Ok(inner.cancelled())));
            return;
        }
        let mut room = match plan.room(&inner, &job).await {
            Ok(room) => room,
            Err(error) => {
                drop(reply.send(Err(error)));
                return;
            }
        };
        let mut after = After::default();
        let mut result = plan.run(&inner, &job, &room, &lock, &mut after).await;
        if let Ok(result) = &mut result {
            room.keep_for(&mut result.artifacts);
        }
        // Whoever asked may have gone.
        drop(reply.send(result));
        drop(permit);
        let _live = job.answered();
        // One thing at a time: whatever runs now comes first.
        if let Some(container) = after.container {
            drop(timeout(GONE_PATIENCE, container.removed()).await);
        }
        if let Some(order) = after
            .next
            .filter(|_| !room.is_one_shot() && !inner.closing.is_cancelled())
        {
            inner.pool.replenish(order);
        }
        room.close(&inner).await;
    }
}

impl Plan {
    fn new(inner: &Inner, request: RunRequest) -> Result<Self> {
        inner.check_open()?;
        room::check_owner(&request.owner)?;
        let language = inner.language(&request.program.language)?.clone();
        request.program.validate()?;
        let limits = inner.config.limits.narrow(&request.program.limits)?;
        limits.check_source(request.program.source.len())?;
        Ok(Self {
            request,
            language,
            limits,
        })
    }

    async fn room(&self, inner: &Inner, job: &Job) -> Result<Room> {
        let quota = room::quota(&self.limits);
        if self.request.one_shot {
            Room::one_shot(inner, job, quota).await
        } else {
            Room::of_owner(inner, job, quota).await
        }
    }

    /// Runs the program in `room`.
    async fn run(
        &self,
        inner: &Inner,
        job: &Job,
        room: &Room,
        lock: &super::locks::OwnerLock,
        after: &mut After,
    ) -> Result<RunResult> {
        let program = &self.request.program;
        let begun = Instant::now();
        let Some(order) = self.order(inner, job, room).await? else {
            return Ok(inner.cancelled());
        };
        room.furnish(program, lock).await?;
        let recorded = Recorded::begin(
            inner,
            job,
            &self.request.place,
            &self.language.name,
            &program.source,
            &self.limits,
        );
        let (before, recorded) = join!(room.workspace.snapshot(), recorded);
        let (before, recorded) = (before.inspect_err(unseen).ok(), recorded?);
        let result = self.execute(inner, job, room, &order, begun).await;
        let result = result.map(|(result, container)| {
            after.container = container;
            result
        });
        let mut result = match result {
            Ok(result) if result.has_no_interpreter() => {
                recorded.end(inner, result.verdict, result.usage).await;
                return Err(SandboxError::NoInterpreter {
                    language: self.language.name.clone(),
                    image: room.image(inner, &self.language).clone(),
                });
            }
            Ok(result) => result,
            Err(error) => {
                recorded.end(inner, Verdict::Lost, crate::RunUsage::default()).await;
                return Err(error);
            }
        };
        // It may have passed the limit since it was last looked at.
        let is_full = async {
            match result.verdict {
                Verdict::Ok => room.check_quota().await.is_err(),
                Verdict::NonZero(_) => room.is_full().await,
                _ => false,
            }
        };
        let artifacts = async {
            match before {
                Some(before) => made(inner, room, before).await,
                None => Artifacts::default(),
            }
        };
        let (is_full, artifacts) = join!(is_full, artifacts);
        result.artifacts = artifacts;
        if is_full {
            result.verdict = Verdict::DiskFull;
        }
        recorded.end(inner, result.verdict, result.usage).await;
        after.next = Some(order);
        Ok(result)
    }

    /// Finds the image, or pulls it, and says what container is needed; `None` if the job is cancelled meanwhile.
    async fn order(&self, inner: &Inner, job: &Job, room: &Room) -> Result<Option<Order>> {
        let image = room.image(inner, &self.language);
        let id = tokio::select! {
            biased;
            () = job.cancel.cancelled() => return Ok(None),
            id = inner.images.ensure(image, |event| job.mention(Progress::Pulling(event))) => id?,
        };
        let spec = room.spec(inner, &self.language, &self.limits, Purpose::Run)?;
        Ok(Some(
            Order::new(room.owner.clone(), id, spec).with_memory(self.limits.memory),
        ))
    }

    async fn execute(
        &self,
        inner: &Inner,
        job: &Job,
        room: &Room,
        order: &Order,
        begun: Instant,
    ) -> Result<(RunResult, Option<Container>)> {
        let echo = room
            .settings
            .echo_last_expression
            .unwrap_or(inner.config.echo_last_expression);
        let frame = Frame::new(
            &self.request.program,
            &self.language,
            &room.directory_in_container(),
            echo,
        );
        let output = job.output(inner);
        let mut control = RunControl {
            cancel: job.cancel.clone(),
            disk_full: disk::watch(room.workspace.clone(), room.workspace.quota()),
            on_start: on_start(job, begun),
        };
        let pool = &inner.pool;
        let first = pool.run_and_keep(order, &frame, &self.limits, &output, &mut control);
        match first.await {
            Err(SandboxError::Runtime(error)) if error.kind() == ErrorKind::ImageNotFound => {
                // Somebody has removed it from the engine since we looked.
                inner.images.forget(room.image(inner, &self.language));
                let Some(order) = self.order(inner, job, room).await? else {
                    return Ok((inner.cancelled(), None));
                };
                pool.run_and_keep(&order, &frame, &self.limits, &output, &mut control)
                    .await
            }
            first => first,
        }
    }
}

/// Measures how long it took until the program was sent, and passes that on.
fn on_start(job: &Job, begun: Instant) -> Box<dyn FnMut(bool) + Send> {
    let (mut told, mut begun) = (job.on_start(), Some(begun));
    Box::new(move |warm| {
        if let Some(begun) = begun.take() {
            let label = if warm { "true" } else { "false" };
            histogram!(metric::START_SECONDS, "warm" => label).record(begun.elapsed().as_secs_f64());
        }
        told(warm);
    })
}

pub(super) async fn made(inner: &Inner, room: &Room, before: Snapshot) -> Artifacts {
    room.workspace
        .changes_since(before, inner.config.artifacts)
        .await
        .inspect_err(unseen)
        .unwrap_or_default()
}

fn unseen(error: &SandboxError) {
    tracing::warn!(%error, "the files of a run are not looked at");
}

impl Inner {
    /// Returns the result of a run that was given up before its program began.
    pub(super) fn cancelled(&self) -> RunResult {
        RunResult::cancelled(self.containers.runtime().driver())
    }
}
