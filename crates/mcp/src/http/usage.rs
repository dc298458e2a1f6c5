//! When a session was used last, and whether it is now.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is known of the use of a session.
#[derive(Debug)]
pub(super) struct Usage {
    last: Mutex<Instant>,
    /// How many streams of it the client reads.
    streams: AtomicUsize,
}

/// A stream that the client reads; as long as it is there, its session is in use.
#[derive(Debug)]
pub(super) struct Reading(Arc<Usage>);

impl Usage {
    /// Creates that of a session which is used now.
    pub(super) fn new() -> Self {
        Self {
            last: Mutex::new(Instant::now()),
            streams: AtomicUsize::new(0),
        }
    }

    /// Notes that the session is used.
    pub(super) fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Notes that the client reads a stream of the session.
    pub(super) fn read(self: Arc<Self>) -> Reading {
        self.streams.fetch_add(1, Ordering::AcqRel);
        self.touch();
        Reading(self)
    }

    pub(super) fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_read(&self) -> bool {
        self.streams.load(Ordering::Acquire) > 0
    }

    /// Returns when the session has been left alone for `patience`, if nothing happens until then.
    pub(super) fn expires(&self, patience: Duration) -> Instant {
        let from = if self.is_read() { Instant::now() } else { self.last() };
        from + patience
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // First, so that it is not taken for one that was left alone meanwhile.
        self.0.touch();
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_read_does_not_expire() {
        let usage = Arc::new(Usage::new());
        let reading = Arc::clone(&usage).read();
        tokio::time::advance(2 * PATIENCE).await;
        assert!(usage.is_read() && usage.expires(PATIENCE) > Instant::now());
        drop(reading);
        assert!(!usage.is_read());
        assert_eq!(usage.expires(PATIENCE), Instant::now() + PATIENCE);
        tokio::time::advance(PATIENCE).await;
        assert!(usage.expires(PATIENCE) <= Instant::now());
        usage.touch();
        assert!(usage.expires(PATIENCE) > Instant::now());
    }
}
