//! What this process knows of containers that it made itself, so that the service need not be asked for it again.
//!
//! Each inspection keeps the service busy for a millisecond or two, which many runs at once feel. Nothing here is needed: a
//! container that is not found here, as another process made it, is inspected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inline_runtime::ContainerId;

use crate::answer::Inspection;
use crate::cgroup::Cgroup;
use crate::create::RLIMITS_NOTE;

/// How many containers are known: nobody tells of those that another process removes.
const MAX_CONTAINERS: usize = 1024;

/// Remembers containers.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Containers>);

#[derive(Debug, Default)]
struct Containers {
    /// Those that were never started.
    made: HashMap<ContainerId, Inspection>,
    started: HashMap<ContainerId, Arc<Started>>,
}

/// What running further processes in a container takes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) id: ContainerId,
    /// The limits that each process is wrapped with, where it is.
    pub(crate) rlimits: Option<String>,
    /// The groups that the main process is in, where they matter.
    pub(crate) cgroup: Option<Cgroup>,
}

impl Started {
    pub(crate) fn new(container: &Inspection, cgroup: Option<Cgroup>) -> Self {
        Self {
            id: container.id.clone(),
            rlimits: container.config.annotations.get(RLIMITS_NOTE).cloned(),
            cgroup,
        }
    }
}

impl Known {
    /// Notes a container that was made and never started.
    pub(crate) fn note_made(&self, container: Inspection) {
        note(&mut self.containers().made, container.id.clone(), container);
    }

    /// Takes a container that was never started. Whoever starts it a second time does not find it here.
    pub(crate) fn take_made(&self, id: &ContainerId) -> Option<Inspection> {
        self.containers().made.remove(id)
    }

    /// Notes a container that runs.
    pub(crate) fn note_started(&self, container: Started) {
        note(
            &mut self.containers().started,
            container.id.clone(),
            Arc::new(container),
        );
    }

    /// Returns a container that ran when it was last heard of.
    pub(crate) fn started(&self, id: &ContainerId) -> Option<Arc<Started>> {
        self.containers().started.get(id).cloned()
    }

    /// Forgets a container.
    pub(crate) fn forget(&self, id: &ContainerId) {
        let mut containers = self.containers();
        containers.made.remove(id);
        containers.started.remove(id);
    }

    fn containers(&self) -> MutexGuard<'_, Containers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note<T>(containers: &mut HashMap<ContainerId, T>, id: ContainerId, container: T) {
    if containers.len() >= MAX_CONTAINERS {
        containers.clear();
    }
    containers.insert(id, container);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str) -> Inspection {
        let inspection = serde_json::json!({
            "Id": id, "Name": "it", "OCIRuntime": "crun", "State": {"Status": "created"},
            "Config": {"Annotations": {RLIMITS_NOTE: "{}"}}, "HostConfig": {"LogConfig": {"Type": "none"}},
        });
        serde_json::from_value(inspection).unwrap()
    }

    #[test]
    fn a_container_is_found_as_what_it_is_until_it_is_forgotten() {
        let (known, id) = (Known::default(), "4f2a".parse().unwrap());
        known.note_made(container("4f2a"));
        assert!(known.started(&id).is_none());
        let made = known.take_made(&id).unwrap();
        assert!(known.take_made(&id).is_none());
        known.note_started(Started::new(&made, None));
        assert_eq!(known.started(&id).unwrap().rlimits.as_deref(), Some("{}"));
        known.forget(&id);
        assert!(known.started(&id).is_none());
    }

    #[test]
    fn what_is_never_forgotten_has_a_bound() {
        let known = Known::default();
        for number in 0..=MAX_CONTAINERS {
            known.note_made(container(&format!("{number:x}")));
        }
        assert!(known.containers().made.len() <= MAX_CONTAINERS);
        assert!(
            known
                .take_made(&format!("{MAX_CONTAINERS:x}").parse().unwrap())
                .is_some()
        );
    }
}
