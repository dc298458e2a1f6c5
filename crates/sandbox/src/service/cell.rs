//! A cell of a session, from the request to the answer.

use std::sync::Arc;

use super::admitted::admitted;
use super::job::{self, AsyncWork, Job, Reply};
use super::recorded::Recorded;
use super::room::{self, Room};
use super::run::made;
use super::sessions::Slot;
use super::{CellRequest, Inner, Progress, Run, SandboxService, disk};
use crate::run::Purpose;
use crate::{CellResult, Language, Limits, Result, RunUsage, SandboxError, Session, SessionOptions, Verdict};

impl SandboxService {
    /// Runs a cell in the owner's session of a language, which is opened if there is none.
    ///
    /// What one cell defines, the next one sees. Cells of one session run one after the other; each counts as a run.
    /// Cancelling a cell interrupts it, which keeps what was defined, unless it does not heed that.
    pub fn run_cell(&self, request: CellRequest) -> Run<CellResult> {
        let owner = request.owner.clone();
        job::spawn(&self.inner, &owner, "cell", request)
    }
}

impl AsyncWork<CellResult> for CellRequest {
    async fn run(self, inner: Arc<Inner>, job: Job, reply: Reply<CellResult>) {
        drop(reply.send(self.answer(&inner, &job).await));
    }
}

impl CellRequest {
    async fn answer(&self, inner: &Inner, job: &Job) -> Result<CellResult> {
        inner.check_open()?;
        room::check_owner(&self.owner)?;
        let language = inner.language(&self.language)?;
        if !language.has_sessions() {
            return Err(SandboxError::NoSessions {
                language: language.name.clone(),
            });
        }
        let limits = inner.config.limits.narrow(&self.limits)?;
        limits.check_source(self.source.len())?;
        let Some(_permit) = admitted(inner, job).await? else {
            return Ok(inner.cancelled_cell());
        };
        let lock = inner.locks.of(&self.owner);
        let _present = lock.presence.read().await;
        if job.cancel.is_cancelled() {
            return Ok(inner.cancelled_cell());
        }
        let room = Room::of_owner(inner, job, room::quota(&limits)).await?;
        room.check_quota().await?;
        let (slot, is_new) = inner
            .sessions
            .slot(&self.owner, &language.name, &inner.config.sessions)?;
        let session = match self
            .session(inner, job, &room, language, &limits, (&slot, is_new))
            .await
        {
            Ok(Some(session)) => session,
            Ok(None) => return Ok(inner.cancelled_cell()),
            Err(error) => {
                inner.end_slot(&slot).await;
                return Err(error);
            }
        };
        let before = room.workspace.snapshot().await.ok();
        let recorded = Recorded::begin(inner, job, &self.place, &language.name, &self.source, &limits).await?;
        let result = self.execute(inner, job, &room, &slot, &session).await;
        slot.touch();
        let mut result = match result {
            Ok(result) => result,
            Err(error) => {
                recorded.end(inner, Verdict::Lost, RunUsage::default()).await;
                return Err(error);
            }
        };
        if result.run.has_no_interpreter() {
            inner.end_slot(&slot).await;
            recorded.end(inner, result.run.verdict, result.run.usage).await;
            return Err(SandboxError::NoInterpreter {
                language: language.name.clone(),
                image: room.image(inner, language).clone(),
            });
        }
        if let Some(before) = before {
            result.run.artifacts = made(inner, &room, before).await;
        }
        result.is_new |= is_new;
        recorded.end(inner, result.run.verdict, result.run.usage).await;
        Ok(result)
    }

    /// Returns the session, which is started if it is not; `None` if the job is cancelled meanwhile.
    async fn session(
        &self,
        inner: &Inner,
        job: &Job,
        room: &Room,
        language: &Language,
        limits: &Limits,
        (slot, is_new): (&Slot, bool),
    ) -> Result<Option<Session>> {
        let mut place = slot.session.lock().await;
        if let Some(session) = &*place {
            return Ok(Some(session.clone()));
        }
        if slot.ending.is_cancelled() {
            return Ok(None);
        }
        if is_new {
            inner.record_session(&self.owner, slot).await?;
        }
        let image = room.image(inner, language);
        let directory = room.directory_in_container();
        let started = async {
            inner
                .images
                .ensure(image, |event| job.mention(Progress::Pulling(event)))
                .await?;
            let spec = room.spec(inner, language, limits, Purpose::Session { directory: &directory })?;
            let options = SessionOptions::new(limits.clone()).with_idle_timeout(inner.config.sessions.idle_timeout);
            Session::start(inner.containers.clone(), spec, options).await
        };
        let session = tokio::select! {
            biased;
            () = job.cancel.cancelled() => return Ok(None),
            () = slot.ending.cancelled() => return Ok(None),
            session = started => session?,
        };
        slot.set_started(&session);
        *place = Some(session.clone());
        Ok(Some(session))
    }

    async fn execute(
        &self,
        inner: &Inner,
        job: &Job,
        room: &Room,
        slot: &Slot,
        session: &Session,
    ) -> Result<CellResult> {
        let cancel = job.cancel.child_token();
        let mut is_full = false;
        let mut disk_full = disk::watch(room.workspace.clone(), room.workspace.quota());
        let running = session.run(&*self.source, job.output(inner), cancel.clone());
        tokio::pin!(running);
        // From here on an interrupt reaches it.
        (job.on_start())(false);
        let result = loop {
            tokio::select! {
                biased;
                result = &mut running => break result,
                () = &mut disk_full, if !is_full => {
                    is_full = true;
                    cancel.cancel();
                }
                () = slot.ending.cancelled(), if !cancel.is_cancelled() => cancel.cancel(),
            }
        };
        let mut result = result?;
        if is_full || (result.run.verdict.is_ok() && room.check_quota().await.is_err()) {
            result.run.verdict = Verdict::DiskFull;
        }
        Ok(result)
    }
}

impl Inner {
    fn cancelled_cell(&self) -> CellResult {
        CellResult {
            run: self.cancelled(),
            state_kept: true,
            is_new: false,
        }
    }
}
