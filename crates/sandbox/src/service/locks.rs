//! What one owner's runs, writers and installations are kept apart by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync;

use crate::Owner;

/// Owners that nobody uses are forgotten whenever the number of those that are remembered has doubled.
const FIRST_SWEEP: usize = 64;

#[derive(Debug, Default)]
pub(super) struct OwnerLocks {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    owners: HashMap<Owner, Weak<OwnerLock>>,
    next_sweep: usize,
}

/// The locks of one owner.
#[derive(Debug, Default)]
pub(super) struct OwnerLock {
    /// Shared by whatever uses the sandbox, and held alone by what deletes it.
    pub(super) presence: sync::RwLock<()>,
    /// Held by what writes files for the owner, so that two do not both find the room that is left.
    pub(super) writing: sync::Mutex<()>,
    /// Held by what installs packages.
    pub(super) installing: sync::Mutex<()>,
}

impl OwnerLocks {
    pub(super) fn of(&self, owner: &Owner) -> Arc<OwnerLock> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = known.owners.get(owner).and_then(Weak::upgrade) {
            return lock;
        }
        if known.owners.len() >= known.next_sweep.max(FIRST_SWEEP) {
            known.owners.retain(|_, lock| lock.strong_count() > 0);
            known.next_sweep = known.owners.len() * 2;
        }
        let lock = Arc::new(OwnerLock::default());
        known.owners.insert(owner.clone(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_one_lock_while_anybody_uses_it_and_none_is_kept_for_ever() {
        let locks = OwnerLocks::default();
        let alice: Owner = "local:alice".parse().unwrap();
        let lock = locks.of(&alice);
        assert!(Arc::ptr_eq(&lock, &locks.of(&alice)));
        for number in 0..10_000 {
            drop(locks.of(&Owner::new("local", &number.to_string()).unwrap()));
        }
        assert!(locks.known.lock().unwrap().owners.len() <= FIRST_SWEEP);
        assert!(Arc::ptr_eq(&lock, &locks.of(&alice)));
    }
}
