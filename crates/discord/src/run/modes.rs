//! In which languages an owner's programs keep what they define.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use inline_sandbox::Owner;

/// Remembers whose programs in which language go to a session; clean after a restart, as sessions are.
#[derive(Debug, Default)]
pub(crate) struct Modes(Mutex<HashSet<(Owner, String)>>);

impl Modes {
    pub(crate) fn start(&self, owner: &Owner, language: &str) {
        self.set().insert((owner.clone(), language.to_owned()));
    }

    /// Forgets one; says whether it was there.
    pub(crate) fn stop(&self, owner: &Owner, language: &str) -> bool {
        self.set().remove(&(owner.clone(), language.to_owned()))
    }

    /// Forgets all of one owner.
    pub(crate) fn stop_all(&self, owner: &Owner) {
        self.set().retain(|(other, _)| other != owner);
    }

    pub(crate) fn contains(&self, owner: &Owner, language: &str) -> bool {
        self.set().contains(&(owner.clone(), language.to_owned()))
    }

    fn set(&self) -> MutexGuard<'_, HashSet<(Owner, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
