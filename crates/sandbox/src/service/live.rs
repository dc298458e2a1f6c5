//! What is going on now, so that it can be listed, ended, and told from what a killed process has left.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Owner;

/// Everything that has been asked for and is not done.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    entries: Mutex<HashMap<String, Entry>>,
    /// Told whenever one of them is done.
    done: Notify,
}

#[derive(Debug)]
struct Entry {
    owner: Owner,
    what: &'static str,
    since: SystemTime,
    cancel: CancellationToken,
}

/// Describes something that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningJob {
    /// Names it, for [`cancel`](crate::SandboxService::cancel).
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// What it is: `run`, `cell`, `install`.
    pub what: &'static str,
    /// When it was asked for.
    pub since: SystemTime,
}

/// Keeps something among what is going on until it is dropped.
#[derive(Debug)]
pub(super) struct LiveGuard {
    live: Live,
    id: String,
}

impl Live {
    pub(super) fn add(&self, id: &str, owner: &Owner, what: &'static str, cancel: &CancellationToken) -> LiveGuard {
        let entry = Entry {
            owner: owner.clone(),
            what,
            since: SystemTime::now(),
            cancel: cancel.clone(),
        };
        self.entries().insert(id.to_owned(), entry);
        LiveGuard {
            live: self.clone(),
            id: id.to_owned(),
        }
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.entries().contains_key(id)
    }

    /// Ends what has this id; says whether there was something.
    pub(super) fn cancel(&self, id: &str) -> bool {
        self.entries().get(id).map(|entry| entry.cancel.cancel()).is_some()
    }

    /// Ends all of one owner, or of all.
    pub(super) fn cancel_all(&self, owner: Option<&Owner>) {
        let entries = self.entries();
        entries
            .values()
            .filter(|entry| owner.is_none_or(|owner| entry.owner == *owner))
            .for_each(|entry| entry.cancel.cancel());
    }

    /// Waits until nothing goes on.
    pub(super) async fn empty(&self) {
        loop {
            let mut done = pin!(self.0.done.notified());
            done.as_mut().enable();
            if self.entries().is_empty() {
                return;
            }
            done.await;
        }
    }

    pub(super) fn list(&self) -> Vec<RunningJob> {
        let mut jobs: Vec<RunningJob> = self
            .entries()
            .iter()
            .map(|(id, entry)| RunningJob {
                id: id.clone(),
                owner: entry.owner.clone(),
                what: entry.what,
                since: entry.since,
            })
            .collect();
        jobs.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        jobs
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveGuard {
    fn drop(&mut self) {
        self.live.entries().remove(&self.id);
        self.live.0.done.notify_waiters();
    }
}
