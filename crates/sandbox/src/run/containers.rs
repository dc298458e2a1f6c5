//! The containers of the service, each of which is removed in the end, whatever happens to its user.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use inline_runtime::{ContainerId, ContainerRuntime, ContainerSpec, Events, Process, Result, labels};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::Owner;

/// How often a removal is tried, and the first pause between two.
const REMOVAL_ATTEMPTS: u32 = 4;
const REMOVAL_PAUSE: Duration = Duration::from_millis(200);
/// How long a container that is ending may take to. An engine removes one that has ended sooner than one that runs.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// Makes containers and removes them when they are no longer used. Clones share everything.
#[derive(Clone)]
pub struct Containers {
    runtime: Arc<dyn ContainerRuntime>,
    shared: Arc<Shared>,
}

struct Shared {
    /// The containers that are in use, being made or being removed: their names, and whose they are.
    names: Mutex<BTreeMap<String, String>>,
    /// Told whenever one of them is gone.
    gone: Notify,
    tasks: TaskTracker,
}

/// A container that goes when this is dropped.
pub(crate) struct Container {
    pub(crate) id: ContainerId,
    containers: Containers,
    name: Option<Name>,
    /// What comes from it until it ends, where it is about to.
    pub(crate) ending: Option<Events>,
    /// Dropped when the container is gone.
    done: Option<oneshot::Sender<()>>,
}

/// A name that a sweep leaves alone until this is dropped.
struct Name {
    name: String,
    containers: Containers,
}

impl Containers {
    /// Takes the engine that containers are made on.
    pub fn new(runtime: Arc<dyn ContainerRuntime>) -> Self {
        let tasks = TaskTracker::new();
        // Closed from the start, so that it can be waited for at any time; tasks can be added all the same.
        tasks.close();
        Self {
            runtime,
            shared: Arc::new(Shared {
                names: Mutex::default(),
                gone: Notify::new(),
                tasks,
            }),
        }
    }

    /// Returns the engine.
    pub fn runtime(&self) -> &Arc<dyn ContainerRuntime> {
        &self.runtime
    }

    /// Returns whether a container of this name is in use, being made or being removed; a sweep leaves it alone.
    pub fn holds(&self, name: &str) -> bool {
        self.names().contains_key(name)
    }

    /// Returns how many containers are in use, being made or being removed.
    pub fn count(&self) -> usize {
        self.names().len()
    }

    /// Waits until `owner` has no container in use, being made or being removed.
    pub async fn gone(&self, owner: &Owner) {
        loop {
            let mut told = pin!(self.shared.gone.notified());
            told.as_mut().enable();
            if !self.names().values().any(|other| other == owner.as_str()) {
                return;
            }
            told.await;
        }
    }

    /// Waits until no container is being made ahead or removed. Those that are in use are not waited for.
    pub async fn settled(&self) {
        self.shared.tasks.wait().await;
    }

    /// Creates and starts a container.
    ///
    /// Dropping the future leaves no container but for what the driver's `start` leaves running, which is then removed.
    pub(crate) async fn start(&self, spec: &ContainerSpec) -> Result<(Container, Process)> {
        let owner = spec.labels.get(labels::OWNER).cloned().unwrap_or_default();
        self.names().insert(spec.name.clone(), owner);
        let name = Name {
            name: spec.name.clone(),
            containers: self.clone(),
        };
        let id = self.runtime.create(spec).await?;
        let container = Container {
            id,
            containers: self.clone(),
            name: Some(name),
            ending: None,
            done: None,
        };
        let process = self.runtime.start(&container.id).await?;
        Ok((container, process))
    }

    /// Runs a task that [`settled`](Self::settled) waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the process is ending, and the next start sweeps.
        if let Ok(handle) = Handle::try_current() {
            drop(self.shared.tasks.spawn_on(task, &handle));
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.shared.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn remove(&self, id: &ContainerId) {
        let mut pause = REMOVAL_PAUSE;
        for attempt in 1..=REMOVAL_ATTEMPTS {
            match self.runtime.remove(id).await {
                Ok(()) => return,
                Err(error) if attempt < REMOVAL_ATTEMPTS => {
                    tracing::debug!(container = %id, %error, "removal is tried again");
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    metrics::counter!(crate::metric::REMOVALS_FAILED).increment(1);
                    tracing::warn!(container = %id, %error, "a container was not removed; the next sweep tries again");
                }
            }
        }
    }
}

impl Container {
    /// Removes the container and waits until it is gone.
    pub(crate) async fn removed(mut self) {
        // Where this is given up, the task goes on.
        let (done, removed) = oneshot::channel();
        self.done = Some(done);
        drop(self);
        drop(removed.await);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (containers, id) = (self.containers.clone(), self.id.clone());
        let held = (self.name.take(), self.done.take());
        let ending = self.ending.take();
        self.containers.spawn(async move {
            if let Some(ending) = ending {
                drop(timeout(END_PATIENCE, ending.count()).await);
            }
            containers.remove(&id).await;
            drop(held);
        });
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.containers.names().remove(&self.name);
        self.containers.shared.gone.notify_waiters();
    }
}

impl fmt::Debug for Containers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Containers")
            .field("runtime", &self.runtime)
            .field("names", &*self.names())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Container").field(&self.id).finish()
    }
}
