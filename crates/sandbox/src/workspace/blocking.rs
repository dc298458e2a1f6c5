//! Work that blocks, off the threads that must not.

use std::io;

use crate::{Result, SandboxError};

/// Runs `work` on a thread for blocking work; it goes on if the caller no longer waits.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(SandboxError::Io {
                operation: "access to a workspace",
                source: io::Error::other(error),
            }),
        },
    }
}
