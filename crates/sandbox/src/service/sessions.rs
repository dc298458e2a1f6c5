//! The persistent interpreters of all owners: one of each language.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use metrics::gauge;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::random_id;
use super::{Inner, SandboxService};
use crate::store::{InFlight, InFlightKind};
use crate::{BusyReason, Owner, Result, SandboxError, Session, SessionConfig, metric};

/// When somebody who finds no room for a session may come back.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// Holds the sessions. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<Key, Arc<Slot>>>>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    language: String,
}

/// The place of one session, which is there before the session is.
pub(super) struct Slot {
    /// Names it among what is in flight.
    id: String,
    opened: SystemTime,
    last_used: Mutex<Instant>,
    /// Ends the cells of a session that is to end.
    pub(super) ending: CancellationToken,
    /// Held while it is started, so that two cells that come at once start one.
    pub(super) session: tokio::sync::Mutex<Option<Session>>,
    /// What an interrupt must reach while a cell runs.
    started: Mutex<Option<Session>>,
}

/// Describes a session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenSession {
    /// Whose it is.
    pub owner: Owner,
    /// The language.
    pub language: String,
    /// When it was opened.
    pub opened: SystemTime,
    /// How long no cell has come.
    pub idle: Duration,
}

impl SandboxService {
    /// Returns the sessions of one owner, or of all, the oldest first.
    pub fn sessions(&self, owner: Option<&Owner>) -> Vec<OpenSession> {
        self.inner.sessions.list(owner)
    }

    /// Interrupts the cell that runs in a session, as Ctrl-C does, which keeps what was defined; says whether there is such
    /// a session.
    pub fn interrupt_session(&self, owner: &Owner, language: &str) -> bool {
        let Ok(language) = self.inner.language(language) else {
            return false;
        };
        let slot = self.inner.sessions.find(owner, &language.name);
        slot.and_then(|slot| slot.started().clone())
            .map(|session| session.interrupt())
            .is_some()
    }

    /// Ends a session and the cell that runs in it; the next cell starts with nothing defined, in what the sandbox's
    /// directory and image are then. Says whether there was one.
    pub async fn end_session(&self, owner: &Owner, language: &str) -> bool {
        let Ok(language) = self.inner.language(language) else {
            return false;
        };
        let ended = self
            .inner
            .sessions
            .take(|key| key.owner == *owner && key.language == language.name);
        let existed = !ended.is_empty();
        self.inner.end_sessions(ended).await;
        existed
    }
}

impl Sessions {
    /// Returns the place of a session, which is made if there is room for it; the second value says whether it was.
    pub(super) fn slot(&self, owner: &Owner, language: &str, config: &SessionConfig) -> Result<(Arc<Slot>, bool)> {
        let key = Key {
            owner: owner.clone(),
            language: language.to_owned(),
        };
        let mut slots = self.slots();
        if let Some(slot) = slots.get(&key) {
            slot.touch();
            return Ok((Arc::clone(slot), false));
        }
        let own = slots.keys().filter(|key| key.owner == *owner).count();
        let full = [(own, config.max_sessions_per_owner), (slots.len(), config.max_sessions)]
            .into_iter()
            .find(|(open, allowed)| *open >= allowed.get());
        if let Some((_, allowed)) = full {
            let reason = BusyReason::TooManySessions { allowed: allowed.get() };
            return Err(SandboxError::Busy {
                reason,
                retry_after: RETRY_AFTER,
            });
        }
        let slot = Arc::new(Slot {
            id: random_id(),
            opened: SystemTime::now(),
            last_used: Mutex::new(Instant::now()),
            ending: CancellationToken::new(),
            session: tokio::sync::Mutex::default(),
            started: Mutex::default(),
        });
        slots.insert(key, Arc::clone(&slot));
        Ok((slot, true))
    }

    /// Returns whether a session has this id.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.slots().values().any(|slot| slot.id == id)
    }

    pub(super) fn count(&self) -> usize {
        self.slots().len()
    }

    fn find(&self, owner: &Owner, language: &str) -> Option<Arc<Slot>> {
        self.slots()
            .get(&Key {
                owner: owner.clone(),
                language: language.to_owned(),
            })
            .cloned()
    }

    fn take(&self, mut is_taken: impl FnMut(&Key) -> bool) -> Vec<Arc<Slot>> {
        self.slots()
            .extract_if(|key, _| is_taken(key))
            .map(|(_, slot)| slot)
            .collect()
    }

    fn list(&self, owner: Option<&Owner>) -> Vec<OpenSession> {
        let mut sessions: Vec<OpenSession> = self
            .slots()
            .iter()
            .filter(|(key, _)| owner.is_none_or(|owner| key.owner == *owner))
            .map(|(key, slot)| OpenSession {
                owner: key.owner.clone(),
                language: key.language.clone(),
                opened: slot.opened,
                idle: slot.idle(),
            })
            .collect();
        sessions.sort_by_key(|session| session.opened);
        sessions
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Key, Arc<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    pub(super) fn touch(&self) {
        *self.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Makes an interrupt reach the session.
    pub(super) fn set_started(&self, session: &Session) {
        *self.started() = Some(session.clone());
    }

    fn started(&self) -> MutexGuard<'_, Option<Session>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> Duration {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl Inner {
    /// Records that there is a session, so that its sandbox does not expire.
    pub(super) async fn record_session(&self, owner: &Owner, slot: &Slot) -> Result<()> {
        let in_flight = InFlight {
            id: slot.id.clone(),
            kind: InFlightKind::Session,
            owner: owner.clone(),
            instance: self.instance.clone(),
            container: None,
            started: slot.opened,
        };
        self.store.begin(&in_flight).await
    }

    /// Ends the sessions of one owner, or of all.
    pub(super) async fn end_sessions_of(&self, owner: Option<&Owner>) {
        let ended = self.sessions.take(|key| owner.is_none_or(|owner| key.owner == *owner));
        self.end_sessions(ended).await;
    }

    /// Ends the session of a slot that turned out to be of no use.
    pub(super) async fn end_slot(&self, slot: &Arc<Slot>) {
        let ended: Vec<Arc<Slot>> = {
            let mut slots = self.sessions.slots();
            slots
                .extract_if(|_, other| Arc::ptr_eq(other, slot))
                .map(|(_, slot)| slot)
                .collect()
        };
        self.end_sessions(ended).await;
    }

    /// Ends the sessions that nobody has used for long; returns how many.
    pub(super) async fn end_idle_sessions(&self) {
        let timeout = self.config.sessions.idle_timeout;
        let idle: Vec<Arc<Slot>> = {
            let mut slots = self.sessions.slots();
            // One with a cell that runs has somebody who holds it.
            slots
                .extract_if(|_, slot| slot.idle() >= timeout && Arc::strong_count(slot) == 1)
                .map(|(_, slot)| slot)
                .collect()
        };
        self.end_sessions(idle).await;
        gauge!(metric::SESSIONS).set(f64::from(u32::try_from(self.sessions.count()).unwrap_or(u32::MAX)));
    }

    async fn end_sessions(&self, ended: Vec<Arc<Slot>>) {
        let all = ended.into_iter().map(async |slot| {
            slot.ending.cancel();
            drop(slot.started().take());
            let session = slot.session.lock().await.take();
            if let Some(session) = session {
                session.end().await;
            }
            if let Err(error) = self.store.finish(&slot.id).await {
                tracing::warn!(%error, "the end of a session was not recorded");
            }
        });
        futures::future::join_all(all).await;
    }
}
