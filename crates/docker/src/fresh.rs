//! What is still to be known of containers between `create` and `start`, so that `start` need not ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::Limits;

/// Beyond that all are forgotten, which costs their `start` one more call and nothing else.
const MAX_CONTAINERS: usize = 4096;

/// What `start` needs to know of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) stdin: bool,
    pub(crate) limits: Limits,
}

/// Remembers containers that were made here and not started yet.
///
/// The engine takes a second `start` of a container for a success, and would run one that has ended once more. So a
/// start takes what is remembered away, and who finds nothing has to look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fresh(Arc<Mutex<HashMap<String, Phase>>>);

#[derive(Debug)]
enum Phase {
    Made(Launch),
    Starting,
}

/// What is remembered of one container.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is the claimant's to start.
    Ours(Launch, Starting),
    /// Somebody else starts it at this moment.
    Taken,
    /// It was not made here, or was started before.
    Unknown,
}

/// Keeps others from starting a container until it is dropped.
#[derive(Debug)]
pub(crate) struct Starting {
    fresh: Fresh,
    id: String,
}

impl Fresh {
    pub(crate) fn remember(&self, id: &str, launch: Launch) {
        let mut containers = self.lock();
        if containers.len() >= MAX_CONTAINERS {
            // Most likely they were removed by others, which nobody tells.
            containers.retain(|_, phase| matches!(phase, Phase::Starting));
        }
        containers.insert(id.to_owned(), Phase::Made(launch));
    }

    /// Takes a container for starting, by its id.
    pub(crate) fn claim(&self, id: &str) -> Claim {
        let mut containers = self.lock();
        match containers.get_mut(id) {
            Some(Phase::Starting) => Claim::Taken,
            None => Claim::Unknown,
            Some(phase @ Phase::Made(_)) => match std::mem::replace(phase, Phase::Starting) {
                Phase::Made(launch) => Claim::Ours(launch, self.starting(id)),
                Phase::Starting => Claim::Taken,
            },
        }
    }

    /// Takes a container that is not remembered; `None` if somebody else just did.
    pub(crate) fn claim_unknown(&self, id: &str) -> Option<Starting> {
        let mut containers = self.lock();
        if matches!(containers.get(id), Some(Phase::Starting)) {
            return None;
        }
        containers.insert(id.to_owned(), Phase::Starting);
        Some(self.starting(id))
    }

    pub(crate) fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    fn starting(&self, id: &str) -> Starting {
        Starting {
            fresh: self.clone(),
            id: id.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Phase>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Starting {
    /// Returns the full id of the container.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.fresh.forget(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAUNCH: Launch = Launch {
        stdin: true,
        limits: Limits {
            memory: None,
            pids: None,
            nano_cpus: None,
        },
    };

    #[test]
    fn a_container_is_claimed_once() {
        let fresh = Fresh::default();
        fresh.remember("a", LAUNCH);
        let Claim::Ours(launch, starting) = fresh.claim("a") else {
            panic!("not ours");
        };
        assert_eq!(launch, LAUNCH);
        assert!(matches!(fresh.claim("a"), Claim::Taken));
        assert!(fresh.claim_unknown("a").is_none());
        drop(starting);
        assert!(matches!(fresh.claim("a"), Claim::Unknown));
        assert!(fresh.claim_unknown("a").is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let fresh = Fresh::default();
        for number in 0..=MAX_CONTAINERS {
            fresh.remember(&number.to_string(), LAUNCH);
        }
        assert_eq!(fresh.lock().len(), 1);
        assert!(matches!(fresh.claim(&MAX_CONTAINERS.to_string()), Claim::Ours(..)));
    }
}
