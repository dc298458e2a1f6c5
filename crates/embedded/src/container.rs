//! The containers of one runtime: what each was made of, and what it does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inline_runtime::{Container, ContainerId, ContainerSpec, Error, ErrorKind, ListFilter, Result, State};
use rustix::thread::CapabilitySet;

use crate::error::{no_container, not_running};
use crate::image::Rootfs;
use crate::sandbox::Sandbox;
use crate::stream::Exit;
use crate::user::User;

/// One container.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: ContainerId,
    pub(crate) spec: ContainerSpec,
    pub(crate) rootfs: Rootfs,
    pub(crate) user: User,
    /// The capabilities that programs of root keep.
    pub(crate) capabilities: CapabilitySet,
    phase: Mutex<Phase>,
    /// Held while it is started or removed, so that it is not both at once.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

/// Where in its life a container is.
#[derive(Clone, Debug)]
enum Phase {
    Created,
    Started(Arc<Sandbox>),
    Removed,
}

/// All containers of a runtime.
#[derive(Debug, Default)]
pub(crate) struct Containers(Mutex<HashMap<ContainerId, Arc<Record>>>);

impl Record {
    pub(crate) fn new(
        id: ContainerId,
        spec: ContainerSpec,
        rootfs: Rootfs,
        user: User,
        capabilities: CapabilitySet,
    ) -> Self {
        Self {
            id,
            spec,
            rootfs,
            user,
            capabilities,
            phase: Mutex::new(Phase::Created),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// Checks that it was not started; to be called while `changing` is held.
    pub(crate) fn ensure_startable(&self) -> Result<()> {
        match &*self.phase() {
            Phase::Created => Ok(()),
            Phase::Started(_) => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("container `{}` was started before", self.id),
            )
            .with_hint("containers run once; make a new one")),
            Phase::Removed => Err(no_container(&self.id)),
        }
    }

    /// Notes that it runs.
    pub(crate) fn note_started(&self, sandbox: Sandbox) {
        *self.phase() = Phase::Started(Arc::new(sandbox));
    }

    /// Notes that it is removed; returns what may still run.
    pub(crate) fn note_removed(&self) -> Option<Arc<Sandbox>> {
        match std::mem::replace(&mut *self.phase(), Phase::Removed) {
            Phase::Started(sandbox) => Some(sandbox),
            Phase::Created | Phase::Removed => None,
        }
    }

    /// Returns its sandbox if its main program runs.
    pub(crate) fn running(&self) -> Result<Arc<Sandbox>> {
        match &*self.phase() {
            Phase::Started(sandbox) if sandbox.exit() == Exit::Running => Ok(Arc::clone(sandbox)),
            Phase::Removed => Err(no_container(&self.id)),
            _ => Err(not_running(&self.id)),
        }
    }

    /// Returns its sandbox, whether its main program still runs or has ended.
    pub(crate) fn started(&self) -> Result<Arc<Sandbox>> {
        match &*self.phase() {
            Phase::Started(sandbox) => Ok(Arc::clone(sandbox)),
            Phase::Removed => Err(no_container(&self.id)),
            Phase::Created => Err(not_running(&self.id)),
        }
    }

    /// Describes it.
    pub(crate) fn describe(&self) -> Container {
        let state = match &*self.phase() {
            Phase::Created => State::Created,
            Phase::Removed => State::Other,
            Phase::Started(sandbox) => match sandbox.exit() {
                Exit::Running => State::Running,
                Exit::Ended(status) => State::Exited(Some(status)),
                Exit::Lost => State::Exited(None),
            },
        };
        Container::new(self.id.clone(), &self.spec.name, self.spec.labels.clone(), state)
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Containers {
    /// Adds a container.
    pub(crate) fn insert(&self, record: Record) -> Result<()> {
        let mut containers = self.lock();
        let is_taken = |held: &Arc<Record>| held.spec.name == record.spec.name || held.id.as_str() == record.spec.name;
        if containers.values().any(is_taken) {
            let name = &record.spec.name;
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("container `{name}` exists already"),
            ));
        }
        containers.insert(record.id.clone(), Arc::new(record));
        Ok(())
    }

    /// Finds a container by its id or name.
    pub(crate) fn find(&self, id: &ContainerId) -> Result<Arc<Record>> {
        let containers = self.lock();
        let by_name = || containers.values().find(|record| record.spec.name == id.as_str());
        let found = containers.get(id).or_else(by_name);
        found.cloned().ok_or_else(|| no_container(id))
    }

    /// Forgets a container.
    pub(crate) fn forget(&self, id: &ContainerId) {
        self.lock().remove(id);
    }

    /// Describes those that a filter chooses.
    pub(crate) fn list(&self, filter: &ListFilter) -> Vec<Container> {
        let containers = self.lock();
        containers
            .values()
            .filter(|record| filter.matches(&record.spec.labels))
            .map(|record| record.describe())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ContainerId, Arc<Record>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
