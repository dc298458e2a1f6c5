//! The shards: which of them are connected.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::gauge;

use crate::metric;

/// Knows which shards are connected.
#[derive(Debug, Default)]
pub(crate) struct Shards(Mutex<BTreeMap<u32, bool>>);

impl Shards {
    pub(crate) fn set(&self, shard: u32, is_connected: bool) {
        let mut shards = self.shards();
        shards.insert(shard, is_connected);
        let connected = shards.values().filter(|is_connected| **is_connected).count();
        gauge!(metric::SHARDS_CONNECTED).set(u32::try_from(connected).unwrap_or(u32::MAX));
    }

    /// Returns whether all that there are have a connection.
    pub(crate) fn are_connected(&self) -> bool {
        let shards = self.shards();
        !shards.is_empty() && shards.values().all(|is_connected| *is_connected)
    }

    fn shards(&self) -> MutexGuard<'_, BTreeMap<u32, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shards = self.shards();
        let connected = shards.values().filter(|is_connected| **is_connected).count();
        write!(f, "{connected} of {} shards connected", shards.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_must_be_connected() {
        let shards = Shards::default();
        assert!(!shards.are_connected());
        shards.set(0, true);
        assert!(shards.are_connected());
        shards.set(1, false);
        assert!(!shards.are_connected());
        assert_eq!(shards.to_string(), "1 of 2 shards connected");
    }
}
