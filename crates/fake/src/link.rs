//! The connection between a fake and its engine, which can be cut and stalled.

use std::future::pending;
use std::time::Duration;

use inline_runtime::{Error, ErrorKind, Result};
use tokio::sync::watch;
use tokio::time::sleep;

/// The bound that the fake has on each call, as every driver has one.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Link {
    severed: watch::Sender<bool>,
    stalled: watch::Sender<bool>,
}

impl Link {
    pub(crate) fn sever(&self) {
        self.severed.send_replace(true);
    }

    pub(crate) fn stall(&self) {
        self.stalled.send_replace(true);
    }

    /// Waits for a call to be answered, which is for ever while the connection stalls, and at most for the bound.
    pub(crate) async fn answer<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let answer = async {
            let is_stalled = *self.stalled.borrow();
            if is_stalled { pending().await } else { answer.await }
        };
        tokio::select! {
            biased;
            () = self.severed() => Err(self.lost()),
            answer = answer => answer,
            () = self.timeout() => Err(Error::new(ErrorKind::Timeout, format!("no answer within {CALL_TIMEOUT:?}"))),
        }
    }

    /// Waits until a call that was made on a stalled connection is past its bound.
    async fn timeout(&self) {
        // Planned faults and latencies are the test's own, and last as long as they were told to.
        drop(self.stalled.subscribe().wait_for(|stalled| *stalled).await);
        sleep(CALL_TIMEOUT).await;
    }

    /// Waits until the connection is cut.
    pub(crate) async fn severed(&self) {
        // The sender is `self`, so that it cannot be gone.
        drop(self.severed.subscribe().wait_for(|severed| *severed).await);
    }

    #[expect(clippy::unused_self, reason = "it is this connection that was lost")]
    pub(crate) fn lost(&self) -> Error {
        Error::new(ErrorKind::Unavailable, "the connection to the engine was lost").with_driver(crate::runtime::DRIVER)
    }
}
