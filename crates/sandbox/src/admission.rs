//! Who may run now, who waits, and who is told to come back later.

mod cpu;
mod queue;
mod rate;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::AdmissionConfig;
use crate::{BusyReason, Owner, Result, SandboxError};
use cpu::CpuAllowance;
use queue::Queue;
use rate::OwnerRates;

pub use cpu::CpuUsage;

/// Lets runs in: so many at once, so many per owner, in fair turns, not too often, and not beyond a day's CPU time.
///
/// Owners take turns; within one owner the first to ask is the first to run. An owner with a hundred waiting delays
/// another's first by one turn. Clones share the same queue.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Mutex<Queue>,
    rates: OwnerRates,
    cpu: CpuAllowance,
    queue_timeout: Duration,
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole between any two statements that can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Creates an empty queue; `usage` says what each owner has used today.
    pub fn new(config: &AdmissionConfig, usage: Arc<dyn CpuUsage>) -> Self {
        Self(Arc::new(Inner {
            queue: Mutex::new(Queue::new(config)),
            rates: OwnerRates::new(&config.rate_limit),
            cpu: CpuAllowance::new(config.daily_cpu, usage),
            queue_timeout: config.queue_timeout,
        }))
    }

    /// Takes a place for a run of `owner`: a slot if one is free, else the end of the owner's line.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Busy`] with when to come back: the CPU time of the day is used up, a line is full, the owner
    ///   asks too often, or the service is shutting down.
    /// - Whatever [`CpuUsage`] returns.
    ///
    /// # Cancellation
    ///
    /// Dropping the future takes no place.
    pub async fn enqueue(&self, owner: &Owner) -> Result<Waiting> {
        self.0.cpu.check(owner).await?;
        let (id, position) = {
            let mut queue = self.0.queue();
            // First, so that a full line does not use up what the owner may ask.
            queue.check_room(owner)?;
            self.0.rates.check(owner)?;
            queue.push(owner)
        };
        let place = Place {
            admission: Arc::clone(&self.0),
            owner: owner.clone(),
            id,
        };
        let must_wait = *position.borrow() != 0;
        Ok(Waiting {
            place,
            position,
            must_wait,
            since: Instant::now(),
        })
    }

    /// Waits for a slot for a run of `owner`; [`enqueue`](Self::enqueue) and [`Waiting::permit`] in one.
    ///
    /// # Errors
    ///
    /// - As for the two.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the queue.
    pub async fn acquire(&self, owner: &Owner) -> Result<Permit> {
        self.enqueue(owner).await?.permit().await
    }

    /// Refuses whoever comes from now on, and whoever waits; what runs keeps its permits.
    pub fn close(&self) {
        self.0.queue().close();
    }

    /// Returns how many run and how many wait.
    pub fn load(&self) -> Load {
        self.0.queue().load()
    }
}

/// Says how much is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many permits are out.
    pub running: usize,
    /// How many wait for one.
    pub waiting: usize,
}

/// A place in the queue or a slot: given back when dropped, whichever it has become.
struct Place {
    admission: Arc<Inner>,
    owner: Owner,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.queue().leave(&self.owner, self.id);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("owner", &self.owner)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Waits for a slot. Dropping it leaves the queue.
#[derive(Debug)]
#[must_use = "dropping it leaves the queue"]
pub struct Waiting {
    place: Place,
    position: watch::Receiver<usize>,
    must_wait: bool,
    since: Instant,
}

impl Waiting {
    /// Returns the place in the order of turns as it changes: 0 has its slot, 1 is next.
    ///
    /// An owner that has all the runs it may have is passed over meanwhile, so a place may also become worse.
    pub fn position(&self) -> watch::Receiver<usize> {
        self.position.clone()
    }

    /// Waits until there is a slot, at most as long as the operator lets runs wait.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Busy`] with when to come back: it waited too long, the CPU time of the day was used up
    ///   meanwhile, or the service is shutting down.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the queue.
    pub async fn permit(mut self) -> Result<Permit> {
        let admission = &self.place.admission;
        let deadline = self.since + admission.queue_timeout;
        let waited = match tokio::time::timeout_at(deadline, self.position.wait_for(|&position| position == 0)).await {
            Ok(Ok(_)) => false,
            Ok(Err(_)) => return Err(queue::shutting_down()),
            Err(_) => true,
        };
        if waited {
            return Err(SandboxError::Busy {
                reason: BusyReason::QueueTimeout {
                    waited: admission.queue_timeout,
                },
                retry_after: admission.queue().until_free(),
            });
        }
        if self.must_wait {
            admission.cpu.check(&self.place.owner).await?;
        }
        Ok(Permit(self.place))
    }
}

/// Lets one run run. Dropping it lets the next one in.
#[derive(Debug)]
#[must_use = "dropping it gives the slot away"]
pub struct Permit(Place);

impl Permit {
    /// Returns whose run it lets in.
    pub fn owner(&self) -> &Owner {
        &self.0.owner
    }
}

#[cfg(test)]
mod tests;
