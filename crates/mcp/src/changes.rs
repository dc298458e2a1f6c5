//! Tells connections that the files of their client have come or gone.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use inline_sandbox::Entry;
use tokio::sync::watch;

/// Tells when the list of files is another.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    version: watch::Sender<u64>,
    last: Mutex<Option<u64>>,
}

impl Changes {
    /// Returns what changes with the list.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Takes the list as it is now.
    pub(crate) fn see(&self, entries: &[Entry]) {
        let mut hasher = DefaultHasher::new();
        for entry in entries {
            entry.path.hash(&mut hasher);
        }
        let now = hasher.finish();
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        // Of a list that nobody has seen, none is told that there is nothing.
        if before != Some(now) && (before.is_some() || !entries.is_empty()) {
            self.version.send_modify(|version| *version += 1);
        }
    }
}
