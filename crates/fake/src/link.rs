//! The connection between a fake and its engine, which can be cut.

use inline_runtime::{Error, ErrorKind};
use tokio::sync::watch;

#[derive(Debug, Default)]
pub(crate) struct Link {
    severed: watch::Sender<bool>,
}

impl Link {
    pub(crate) fn sever(&self) {
        self.severed.send_replace(true);
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
