//! One container ahead: the next run of an owner finds its interpreter waiting.

mod parked;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inline_runtime::{ContainerSpec, ImageId, labels};
use metrics::counter;
use tokio::sync::mpsc;

use self::parked::{Evicted, Parked};
use crate::run::{Container, Containers, Frame, Prepared, RunControl, RunEvent, RunResult, execute_and_keep, renewed};
use crate::{Limits, Owner, Result, WarmConfig, metric};

/// What a container is made to: for whom, from which image, and how.
///
/// A container made ahead serves exactly the orders that equal its own, so that whatever changes an image, a limit or the
/// configuration makes it useless by itself, and none ever serves another owner.
#[derive(Clone, Debug)]
pub struct Order {
    owner: Owner,
    image: ImageId,
    spec: ContainerSpec,
    memory: u64,
}

/// Holds containers made ahead: at most one for each [`Order`], bounded in number and memory. Clones share everything.
///
/// An empty one costs nothing: no task, no timer.
#[derive(Clone)]
pub struct WarmPool {
    containers: Containers,
    config: Arc<WarmConfig>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The containers that wait, the one that waits longest first.
    parked: Vec<Parked>,
    /// What is being made.
    making: Vec<Making>,
    last_id: u64,
}

#[derive(Debug)]
struct Making {
    id: u64,
    order: Order,
}

impl Order {
    /// Orders a container of `spec` for `owner`. `image` is what the spec's image reference means now.
    pub fn new(owner: Owner, image: ImageId, spec: ContainerSpec) -> Self {
        let memory = spec.memory.unwrap_or(u64::MAX);
        Self {
            owner,
            image,
            spec,
            memory,
        }
    }

    /// Sets how much of [`WarmConfig::max_memory`] it takes, in bytes; the spec's limit by default. Where that is of address
    /// space, a program that reserves it takes much less.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }
}

impl PartialEq for Order {
    /// Two orders are equal if their containers would be, but for their names and when they were made.
    fn eq(&self, other: &Self) -> bool {
        let same = |spec: &ContainerSpec| {
            let mut spec = spec.clone();
            spec.name.clear();
            spec.labels.remove(labels::CREATED);
            spec
        };
        self.owner == other.owner && self.image == other.image && same(&self.spec) == same(&other.spec)
    }
}

impl WarmPool {
    /// Creates an empty pool.
    pub fn new(containers: Containers, config: WarmConfig) -> Self {
        Self {
            containers,
            config: Arc::new(config),
            state: Arc::default(),
        }
    }

    /// Runs a program in the container that was made ahead for `order`, or in a new one.
    ///
    /// Where the one that was made ahead turns out to be dead before it took the program, it runs in a new one, and
    /// nobody notices but the metric. See [`execute`](crate::execute) for the rest.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Runtime`](crate::SandboxError::Runtime) if no container can be made.
    pub async fn run(
        &self,
        order: &Order,
        frame: &Frame,
        limits: &Limits,
        reader: &mpsc::Sender<RunEvent>,
        control: &mut RunControl,
    ) -> Result<RunResult> {
        let (result, _container) = self.run_and_keep(order, frame, limits, reader, control).await?;
        Ok(result)
    }

    /// Runs a program as [`run`](Self::run) does, and leaves it to the caller when the container goes, if there is one.
    pub(crate) async fn run_and_keep(
        &self,
        order: &Order,
        frame: &Frame,
        limits: &Limits,
        reader: &mpsc::Sender<RunEvent>,
        control: &mut RunControl,
    ) -> Result<(RunResult, Option<Container>)> {
        if let Some(warm) = self.claim(order).await {
            let (result, container) = execute_and_keep(warm, frame, limits, reader, control).await;
            if result.started || result.verdict.is_decided_outside() {
                return Ok((result, Some(container)));
            }
            counter!(metric::WARM_DEAD).increment(1);
        }
        let spec = renewed(&order.spec);
        let cold = tokio::select! {
            cold = Prepared::start(&self.containers, &spec) => cold?,
            () = control.cancel.cancelled() => {
                return Ok((RunResult::cancelled(self.containers.runtime().driver()), None));
            }
        };
        let (result, container) = execute_and_keep(cold, frame, limits, reader, control).await;
        Ok((result, Some(container)))
    }

    /// Takes the container that waits for `order` out of the pool, if there is one and it lives.
    ///
    /// # Cancellation
    ///
    /// Dropping the future may remove the container.
    pub async fn claim(&self, order: &Order) -> Option<Prepared> {
        let parked = {
            let mut state = self.state();
            let position = state.parked.iter().position(|parked| parked.order == *order);
            position.map(|position| state.parked.remove(position))
        };
        let claimed = match parked {
            Some(parked) => parked.claim().await,
            None => None,
        };
        let name = if claimed.is_some() {
            metric::WARM_HITS
        } else {
            metric::WARM_MISSES
        };
        counter!(name).increment(1);
        claimed
    }

    /// Makes a container for `order` in the background, unless there is one or the bounds leave no room for it.
    ///
    /// Those that have waited longest make room. Nobody is told of a failure: the next run makes its own.
    pub fn replenish(&self, order: Order) {
        let (id, evicted) = {
            let mut state = self.state();
            let exists = state.orders().any(|other| *other == order);
            if exists || self.config.max_containers == 0 || order.memory > self.config.max_memory {
                return;
            }
            let Some(evicted) = state.make_room(&self.config, order.memory) else {
                return;
            };
            state.last_id += 1;
            let id = state.last_id;
            state.making.push(Making {
                id,
                order: order.clone(),
            });
            (id, evicted)
        };
        Evicted::Room.count(evicted.len());
        drop(evicted);
        let pool = self.clone();
        self.containers.spawn(async move {
            let spec = renewed(&order.spec).with_label(labels::ROLE, "warm");
            match Prepared::start_ahead(&pool.containers, &spec).await {
                Ok(prepared) => pool.park(id, prepared),
                Err(error) => {
                    tracing::warn!(owner = %order.owner, %error, "no container could be made ahead");
                    pool.state().making.retain(|making| making.id != id);
                }
            }
        });
    }

    /// Removes what waits for `owner`, as before its workspace is deleted; returns when it is gone.
    pub async fn drop_owner(&self, owner: &Owner) {
        self.drop_where(|order| order.owner == *owner).await;
    }

    /// Removes everything, as when the service ends or its configuration changes; returns when it is gone.
    pub async fn clear(&self) {
        self.drop_where(|_| true).await;
    }

    /// Returns how many containers wait.
    pub fn len(&self) -> usize {
        self.state().parked.len()
    }

    /// Returns whether no container waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn drop_where(&self, is_dropped: impl Fn(&Order) -> bool) {
        let dropped: Vec<Parked> = {
            let mut state = self.state();
            state.making.retain(|making| !is_dropped(&making.order));
            state
                .parked
                .extract_if(.., |parked| is_dropped(&parked.order))
                .collect()
        };
        Evicted::Dropped.count(dropped.len());
        for parked in dropped {
            parked.removed().await;
        }
    }

    /// Puts a container into the pool, unless what it was made for was dropped meanwhile.
    fn park(&self, id: u64, prepared: Prepared) {
        let mut state = self.state();
        let Some(position) = state.making.iter().position(|making| making.id == id) else {
            return;
        };
        let order = state.making.remove(position).order;
        let pool = self.clone();
        let parked = Parked::new(id, order, prepared, self.config.idle_timeout, move || pool.forget(id));
        state.parked.push(parked);
    }

    fn forget(&self, id: u64) {
        self.state().parked.retain(|parked| parked.id != id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn orders(&self) -> impl Iterator<Item = &Order> {
        let making = self.making.iter().map(|making| &making.order);
        self.parked.iter().map(|parked| &parked.order).chain(making)
    }

    /// Takes out as many as must go for one of `memory` more; `None` if that cannot be, since others are being made.
    fn make_room(&mut self, config: &WarmConfig, memory: u64) -> Option<Vec<Parked>> {
        let fits = |kept: &Self, skipped: usize| {
            let orders = kept.orders().skip(skipped);
            let total = orders.fold(memory, |sum, order| sum.saturating_add(order.memory));
            kept.orders().count() - skipped < config.max_containers && total <= config.max_memory
        };
        let skipped = (0..=self.parked.len()).find(|&skipped| fits(self, skipped))?;
        Some(self.parked.drain(..skipped).collect())
    }
}

impl fmt::Debug for WarmPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmPool")
            .field("config", &self.config)
            .field("state", &*self.state())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
