//! The shards: which of them are connected.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::gauge;

use crate::metric;

/// Knows which shards are connected.
#[derive(Debug, Default)]
pub(crate) struct Shards(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many there are to be, as far as that is known: they connect one after the other.
    total: usize,
    shards: BTreeMap<u32, bool>,
}

impl Shards {
    pub(crate) fn set(&self, shard: u32, is_connected: bool) {
        let mut state = self.state();
        state.shards.insert(shard, is_connected);
        gauge!(metric::SHARDS_CONNECTED).set(u32::try_from(state.connected()).unwrap_or(u32::MAX));
    }

    /// Takes how many there are to be.
    pub(crate) fn expect(&self, total: u32) {
        self.state().total = usize::try_from(total).unwrap_or(usize::MAX);
    }

    /// Returns whether all that there are have a connection.
    pub(crate) fn are_connected(&self) -> bool {
        let state = self.state();
        state.connected() > 0 && state.connected() == state.all()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn connected(&self) -> usize {
        self.shards.values().filter(|is_connected| **is_connected).count()
    }

    fn all(&self) -> usize {
        self.total.max(self.shards.len())
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "{} of {} shards connected", state.connected(), state.all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_must_be_connected() {
        let shards = Shards::default();
        assert!(!shards.are_connected());
        shards.expect(2);
        shards.set(0, true);
        assert!(!shards.are_connected());
        assert_eq!(shards.to_string(), "1 of 2 shards connected");
        shards.set(1, true);
        assert!(shards.are_connected());
        shards.set(0, false);
        assert!(!shards.are_connected());
    }
}
