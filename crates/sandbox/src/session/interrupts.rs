//! Whom an interrupt is meant for: one cell, whenever it begins, and never the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The cells that were asked for and have not ended, in their order. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupts(Arc<Mutex<VecDeque<Arc<Notify>>>>);

/// A cell among them, until it is dropped.
#[derive(Debug)]
pub(super) struct Interruptible {
    all: Interrupts,
    own: Arc<Notify>,
}

impl Interrupts {
    /// Adds a cell behind the others.
    pub(super) fn enter(&self) -> Interruptible {
        let own = Arc::new(Notify::new());
        self.cells().push_back(Arc::clone(&own));
        Interruptible { all: self.clone(), own }
    }

    /// Interrupts the first cell, now or as soon as it runs.
    pub(super) fn interrupt(&self) {
        if let Some(first) = self.cells().front() {
            first.notify_one();
        }
    }

    fn cells(&self) -> MutexGuard<'_, VecDeque<Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interruptible {
    /// Waits until the cell is to be interrupted. Cancel-safe.
    pub(super) async fn interrupted(&self) {
        self.own.notified().await;
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.all.cells().retain(|cell| !Arc::ptr_eq(cell, &self.own));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn is_interrupted(cell: &Interruptible) -> bool {
        cell.interrupted().now_or_never().is_some()
    }

    #[test]
    fn the_first_cell_is_interrupted_and_no_other() {
        let interrupts = Interrupts::default();
        interrupts.interrupt();
        let (first, second) = (interrupts.enter(), interrupts.enter());
        assert!(!is_interrupted(&first), "by what came before it");
        interrupts.interrupt();
        interrupts.interrupt();
        assert!(is_interrupted(&first) && !is_interrupted(&first) && !is_interrupted(&second));
        interrupts.interrupt();
        drop(first);
        assert!(!is_interrupted(&second), "by what came too late for the one before");
        interrupts.interrupt();
        assert!(is_interrupted(&second));
    }
}
