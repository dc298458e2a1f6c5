//! The configuration that holds now; the file is read again when it changes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::DiscordConfig;

/// How often it is looked whether the file has changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads the configuration again; what is wrong with it is the error, as text for the log.
type Read = dyn Fn() -> Result<DiscordConfig, String> + Send + Sync;

/// Says how the configuration is read again, and which file tells when.
pub struct Reload {
    path: PathBuf,
    read: Box<Read>,
}

impl Reload {
    /// Watches the file `path`; `read` is called when it has changed, on a thread for blocking work.
    pub fn new(
        path: impl Into<PathBuf>,
        read: impl Fn() -> Result<DiscordConfig, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            path: path.into(),
            read: Box::new(read),
        }
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Holds the configuration that holds now. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Current(Arc<State>);

#[derive(Debug)]
struct State {
    config: RwLock<Arc<DiscordConfig>>,
    /// Whether the file has something else, which is not valid.
    is_stale: AtomicBool,
}

/// Tells one state of a file from another.
type Stamp = Option<(SystemTime, u64)>;

impl Current {
    pub(crate) fn new(config: DiscordConfig) -> Self {
        Self(Arc::new(State {
            config: RwLock::new(Arc::new(config)),
            is_stale: AtomicBool::new(false),
        }))
    }

    pub(crate) fn get(&self) -> Arc<DiscordConfig> {
        Arc::clone(&self.0.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether the file has something else than what holds, which is not valid.
    pub(crate) fn is_stale(&self) -> bool {
        self.0.is_stale.load(Ordering::Relaxed)
    }

    /// Follows the file until `closing`; what is wrong with it is logged, and what held before holds on.
    pub(crate) async fn follow(self, reload: Reload, closing: CancellationToken) {
        let reload = Arc::new(reload);
        let mut seen = stamp(&reload.path).await;
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let now = stamp(&reload.path).await;
            if now != seen {
                seen = now;
                if seen.is_some() {
                    self.read(&reload).await;
                } else {
                    self.0.is_stale.store(true, Ordering::Relaxed);
                    // One without any policy would allow everything.
                    tracing::warn!(file = %reload.path.display(), "the policy is gone: the one before holds on");
                }
            }
        }
    }

    async fn read(&self, reload: &Arc<Reload>) {
        let reading = Arc::clone(reload);
        let read = tokio::task::spawn_blocking(move || (reading.read)()).await;
        let checked = read
            .unwrap_or_else(|error| Err(error.to_string()))
            .and_then(|config| config.validate().map(|()| config).map_err(|error| error.to_string()));
        self.0.is_stale.store(checked.is_err(), Ordering::Relaxed);
        match checked {
            Ok(config) => {
                *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!("the policy was read again");
            }
            Err(error) => {
                tracing::warn!(%error, file = %reload.path.display(), "the policy is not valid: the one before holds on");
            }
        }
    }
}

async fn stamp(path: &Path) -> Stamp {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::Register;

    fn with(register: Register) -> DiscordConfig {
        DiscordConfig {
            register,
            ..DiscordConfig::default()
        }
    }

    #[tokio::test]
    async fn a_broken_file_keeps_what_held() {
        let current = Current::new(DiscordConfig::default());
        let next = Arc::new(Mutex::new(Err("it is broken".to_owned())));
        let given = Arc::clone(&next);
        let reload = Arc::new(Reload::new("/nowhere", move || given.lock().unwrap().clone()));
        current.read(&reload).await;
        assert_eq!(*current.get(), DiscordConfig::default());
        assert!(current.is_stale());

        let mut invalid = with(Register::None);
        invalid.blocked_extensions = vec![".".to_owned()];
        *next.lock().unwrap() = Ok(invalid);
        current.read(&reload).await;
        assert_eq!(*current.get(), DiscordConfig::default());

        *next.lock().unwrap() = Ok(with(Register::Guild));
        current.read(&reload).await;
        assert_eq!(current.get().register, Register::Guild);
        assert!(!current.is_stale());
    }
}
