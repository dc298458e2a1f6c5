//! Signals: the first ends what goes on and lets it clear up, the second does not wait for that.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use inline_sandbox::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::failure::{Failure, Result};

/// How long a reader of the output still has after the first signal.
const READER_PATIENCE: Duration = Duration::from_secs(1);
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;
const SIGHUP: u8 = 1;
/// What a shell adds to the number of the signal that ended a program.
const SIGNAL: u8 = 128;

/// Tells of the first signal that asks us to end. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    token: CancellationToken,
    signal: Arc<AtomicU8>,
}

impl Interrupt {
    /// Listens from the first poll on, and returns at the second signal.
    pub(crate) async fn hear(&self) -> Result<u8> {
        let refused = |error: io::Error| Failure::os("listening for signals", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(refused)?;
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => SIGINT,
                _ = terminate.recv() => SIGTERM,
                _ = hangup.recv() => SIGHUP,
            }
        };
        self.signal.store(next().await, Ordering::Relaxed);
        self.token.cancel();
        let second = next().await;
        eprintln!("hint: what is left is removed by the next start, or by `inline gc`");
        Ok(SIGNAL + second)
    }

    /// Waits for `work`, which the first signal drops.
    pub(crate) async fn bound<T, E: Into<Failure>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(Failure::Interrupted),
            done = work => done.map_err(Into::into),
        }
    }

    /// Cancels `other` at the first signal.
    pub(crate) fn forward_to(&self, other: CancellationToken) {
        let token = self.token.clone();
        drop(tokio::spawn(async move {
            token.cancelled().await;
            other.cancel();
        }));
    }

    /// Waits until a reader of the output has had its time after the first signal.
    pub(crate) async fn reader_patience(&self) {
        self.token.cancelled().await;
        sleep(READER_PATIENCE).await;
    }

    /// Returns the exit code for what the first signal has ended.
    pub(crate) fn code(&self) -> u8 {
        SIGNAL
            + match self.signal.load(Ordering::Relaxed) {
                0 => SIGINT,
                signal => signal,
            }
    }
}
