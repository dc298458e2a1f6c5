//! The queue itself: owners take turns, each with a line of its own. No waiting and no clock is in here but the look at it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Load;
use crate::config::AdmissionConfig;
use crate::{BusyReason, Owner, Result, SandboxError};

/// What a run is thought to take before any has ended.
const FIRST_GUESS: Duration = Duration::from_secs(5);
/// No one is told to come back sooner or later than this.
const RETRY_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

#[derive(Debug)]
pub(super) struct Queue {
    max_running: usize,
    max_running_per_owner: usize,
    max_waiting: usize,
    max_waiting_per_owner: usize,
    closed: bool,
    next_id: u64,
    waiting: usize,
    /// When each run that has a slot got it.
    running: HashMap<u64, Instant>,
    running_of: HashMap<Owner, usize>,
    /// The owners with a line, in turn; never one without.
    turns: VecDeque<Owner>,
    lines: HashMap<Owner, VecDeque<Entry>>,
    /// The moving average of how long a slot is kept.
    usual_run: Duration,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    position: watch::Sender<usize>,
}

impl Queue {
    pub(super) fn new(config: &AdmissionConfig) -> Self {
        Self {
            max_running: config.max_running.get(),
            max_running_per_owner: config.max_running_per_owner.get(),
            max_waiting: config.queue_length,
            max_waiting_per_owner: config.queue_length_per_owner,
            closed: false,
            next_id: 0,
            waiting: 0,
            running: HashMap::new(),
            running_of: HashMap::new(),
            turns: VecDeque::new(),
            lines: HashMap::new(),
            usual_run: FIRST_GUESS,
        }
    }

    /// Checks that one more of `owner` may come, to run or to wait.
    pub(super) fn check_room(&self, owner: &Owner) -> Result<()> {
        if self.closed {
            return Err(shutting_down());
        }
        // Whoever finds a slot free does not wait. While there is one, all who wait are held up by their own bound.
        if self.running.len() < self.max_running && self.has_turn(owner) && !self.lines.contains_key(owner) {
            return Ok(());
        }
        let own = self.lines.get(owner).map_or(0, VecDeque::len);
        let reason = if own >= self.max_waiting_per_owner {
            BusyReason::OwnerQueueFull {
                owner: owner.clone(),
                waiting: own,
            }
        } else if self.waiting >= self.max_waiting {
            BusyReason::QueueFull { waiting: self.waiting }
        } else {
            return Ok(());
        };
        Err(SandboxError::Busy {
            reason,
            retry_after: self.until_free(),
        })
    }

    /// Adds one to the line of `owner`; its position is 0 already if there was a slot.
    pub(super) fn push(&mut self, owner: &Owner) -> (u64, watch::Receiver<usize>) {
        let id = self.next_id;
        self.next_id += 1;
        let (position, receiver) = watch::channel(usize::MAX);
        let line = self.lines.entry(owner.clone()).or_default();
        if line.is_empty() {
            self.turns.push_back(owner.clone());
        }
        line.push_back(Entry { id, position });
        self.waiting += 1;
        self.dispatch();
        (id, receiver)
    }

    /// Takes one out, whether it waits or runs, and lets the next ones in.
    pub(super) fn leave(&mut self, owner: &Owner, id: u64) {
        if let Some(since) = self.running.remove(&id) {
            self.usual_run = (self.usual_run * 7 + since.elapsed()) / 8;
            if let Some(count) = self.running_of.get_mut(owner) {
                *count -= 1;
                if *count == 0 {
                    self.running_of.remove(owner);
                }
            }
        } else if let Some(line) = self.lines.get_mut(owner) {
            let before = line.len();
            line.retain(|entry| entry.id != id);
            self.waiting -= before - line.len();
            if line.is_empty() {
                self.lines.remove(owner);
                self.turns.retain(|other| other != owner);
            }
        }
        self.dispatch();
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.waiting = 0;
        self.turns.clear();
        // Their receivers see that the senders are gone.
        self.lines.clear();
    }

    pub(super) fn load(&self) -> Load {
        Load {
            running: self.running.len(),
            waiting: self.waiting,
        }
    }

    /// Returns when one who comes then will probably find a slot.
    pub(super) fn until_free(&self) -> Duration {
        let ahead = u32::try_from(self.waiting + 1).unwrap_or(u32::MAX);
        let slots = u32::try_from(self.max_running).unwrap_or(u32::MAX);
        (self.usual_run.saturating_mul(ahead) / slots).clamp(RETRY_BOUNDS.0, RETRY_BOUNDS.1)
    }

    fn has_turn(&self, owner: &Owner) -> bool {
        self.running_of
            .get(owner)
            .is_none_or(|&running| running < self.max_running_per_owner)
    }

    /// Fills the free slots from the lines, one owner after the other, and tells those who wait where they are.
    fn dispatch(&mut self) {
        while self.running.len() < self.max_running {
            let Some(turn) = self.turns.iter().position(|owner| self.has_turn(owner)) else {
                break;
            };
            let Some(owner) = self.turns.remove(turn) else { break };
            let Some(line) = self.lines.get_mut(&owner) else {
                continue;
            };
            if let Some(entry) = line.pop_front() {
                self.waiting -= 1;
                self.running.insert(entry.id, Instant::now());
                *self.running_of.entry(owner.clone()).or_default() += 1;
                entry.position.send_replace(0);
            }
            if line.is_empty() {
                self.lines.remove(&owner);
            } else {
                self.turns.push_back(owner);
            }
        }
        self.tell_positions();
    }

    fn tell_positions(&self) {
        let lines: Vec<_> = self.turns.iter().filter_map(|owner| self.lines.get(owner)).collect();
        let mut position = 0;
        for round in 0.. {
            let before = position;
            for entry in lines.iter().filter_map(|line| line.get(round)) {
                position += 1;
                entry
                    .position
                    .send_if_modified(|told| std::mem::replace(told, position) != position);
            }
            if position == before {
                break;
            }
        }
    }
}

pub(super) fn shutting_down() -> SandboxError {
    SandboxError::Busy {
        reason: BusyReason::ShuttingDown,
        retry_after: RETRY_BOUNDS.0,
    }
}
