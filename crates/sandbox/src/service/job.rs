//! The task behind a run that somebody asked for.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::base::hexadecimal;
use super::live::LiveGuard;
use super::{Inner, Progress, Run};
use crate::run::RunEvent;
use crate::{Owner, Result, SandboxError};

/// How much progress waits for its reader.
const PROGRESS: usize = 32;
/// How many places are kept free of what may be missed, for what must not be.
const RESERVED: usize = 8;
/// How many chunks of output wait on the way to the progress.
const OUTPUT: usize = 4;
const ID_BYTES: usize = 12;

/// What a task needs to know of whoever asked.
pub(super) struct Job {
    pub(super) id: String,
    pub(super) owner: Owner,
    pub(super) cancel: CancellationToken,
    progress: mpsc::Sender<Progress>,
    live: LiveGuard,
}

/// Starts a task that does `work` for `owner`, and returns the other end of it.
pub(super) fn spawn<T, F>(inner: &Arc<Inner>, owner: &Owner, what: &'static str, work: F) -> Run<T>
where
    T: Send + 'static,
    F: AsyncWork<T>,
{
    let (progress, receiver) = mpsc::channel(PROGRESS);
    let (reply, outcome) = oneshot::channel();
    let cancel = CancellationToken::new();
    let id = random_id();
    let job = Job {
        live: inner.live.add(&id, owner, what, &cancel),
        id: id.clone(),
        owner: owner.clone(),
        cancel: cancel.clone(),
        progress,
    };
    let span = tracing::info_span!("job", id = %id, owner = %owner, what);
    let inner_of_task = Arc::clone(inner);
    let task = async move { work.run(inner_of_task, job, reply).await };
    drop(inner.tasks.spawn(task.instrument(span)));
    Run::new(id, receiver, outcome, cancel)
}

/// Sends the one answer of a job; what it does after that nobody waits for.
pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

/// What a task does.
pub(super) trait AsyncWork<T>: Send + 'static {
    fn run(self, inner: Arc<Inner>, job: Job, reply: Reply<T>) -> impl Future<Output = ()> + Send;
}

impl Job {
    /// Ends the progress when the answer is out. The job goes on for as long as what is returned is kept.
    pub(super) fn answered(self) -> LiveGuard {
        self.live
    }

    /// Tells of something that may be missed by a reader that is slow.
    pub(super) fn mention(&self, progress: Progress) {
        if self.progress.capacity() > RESERVED {
            drop(self.progress.try_send(progress));
        }
    }

    /// Returns what tells that the program begins. There is always room for it.
    pub(super) fn on_start(&self) -> Box<dyn FnMut(bool) + Send> {
        let progress = self.progress.clone();
        Box::new(move |warm| drop(progress.try_send(Progress::Started { warm })))
    }

    /// Returns where a program's output goes, from where it is passed on at the pace of its reader.
    pub(super) fn output(&self, inner: &Inner) -> mpsc::Sender<RunEvent> {
        let (sender, mut receiver) = mpsc::channel::<RunEvent>(OUTPUT);
        let progress = self.progress.clone();
        // A task of its own, since no answer waits for the reader. It ends when the reader is gone, too.
        drop(inner.tasks.spawn(async move {
            while let Some(event) = receiver.recv().await {
                if progress.send(event.into()).await.is_err() {
                    return;
                }
            }
        }));
        sender
    }
}

pub(super) fn random_id() -> String {
    let mut bytes = [0; ID_BYTES];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a source of randomness, the time keeps names apart; the store refuses one that is taken.
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        bytes.copy_from_slice(&nanos.to_be_bytes()[16 - ID_BYTES..]);
    }
    hexadecimal(&bytes)
}

impl SandboxError {
    pub(super) fn shutting_down() -> Self {
        Self::Busy {
            reason: crate::BusyReason::ShuttingDown,
            retry_after: std::time::Duration::from_secs(1),
        }
    }
}
