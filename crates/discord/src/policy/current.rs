//! The configuration that holds now; the file is read again when it changes.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::spawn_blocking;
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
    /// The state of the file of which the configuration is known.
    known: Stamp,
}

impl Reload {
    /// Watches the file `path`, and what a link of this name points to, for changes from now on: make it before the
    /// configuration is read for the first time.
    ///
    /// `read` is called when the file has changed, on a thread for blocking work.
    pub fn new(
        path: impl Into<PathBuf>,
        read: impl Fn() -> Result<DiscordConfig, String> + Send + Sync + 'static,
    ) -> Self {
        let path = path.into();
        Self {
            known: stamp(&path),
            path,
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
    /// The languages that there are.
    languages: Vec<String>,
    /// Whether the file has something else, which is not valid.
    is_stale: AtomicBool,
}

/// Tells one state of a file from another: where it is, when it was changed, and how long it is.
type Stamp = Option<((u64, u64), (i64, i64), u64)>;

impl Current {
    /// Takes the first configuration, and the languages that any may name.
    pub(crate) fn new(config: DiscordConfig, languages: Vec<String>) -> Self {
        Self(Arc::new(State {
            config: RwLock::new(Arc::new(config)),
            languages,
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
        let mut known = reload.known;
        let mut seen = known;
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let now = look(&reload).await;
            // Half of a file can be valid, and allow what all of it forbids: it is read when nobody writes to it any more.
            let is_settled = now == seen;
            seen = now;
            if is_settled && seen != known {
                let read = self.read(&reload).await;
                if look(&reload).await == seen {
                    known = seen;
                    self.take(read, &reload.path);
                }
            }
        }
    }

    async fn read(&self, reload: &Arc<Reload>) -> Result<DiscordConfig, String> {
        let reading = Arc::clone(reload);
        let read = spawn_blocking(move || {
            // One without any policy would allow everything.
            match fs::metadata(&reading.path) {
                Ok(metadata) if metadata.len() == 0 => Err("it is empty".to_owned()),
                Ok(_) => (reading.read)(),
                Err(error) => Err(error.to_string()),
            }
        });
        let config = read.await.unwrap_or_else(|error| Err(error.to_string()))?;
        let checked = config
            .validate()
            .and_then(|()| config.check_languages(&self.0.languages));
        checked.map(|()| config).map_err(|error| error.to_string())
    }

    /// Makes what was read hold, if it is valid.
    fn take(&self, read: Result<DiscordConfig, String>, path: &Path) {
        self.0.is_stale.store(read.is_err(), Ordering::Relaxed);
        match read {
            Ok(config) => {
                let config = Arc::new(config);
                let before = self.get();
                *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&config);
                tracing::info!(file = %path.display(), "the policy was read again");
                if (config.http, config.register) != (before.http, before.register) {
                    tracing::warn!("`discord.http` and `discord.register` take effect at the next start");
                }
            }
            Err(error) => {
                tracing::warn!(%error, file = %path.display(), "the policy is not valid: the one before holds on");
            }
        }
    }
}

async fn look(reload: &Arc<Reload>) -> Stamp {
    let reload = Arc::clone(reload);
    spawn_blocking(move || stamp(&reload.path)).await.ok().flatten()
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    // Unlike the time of its content, that of its last change cannot be set to what it was before.
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    Some(((metadata.dev(), metadata.ino()), changed, metadata.len()))
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
        let current = Current::new(DiscordConfig::default(), vec!["python".to_owned()]);
        let next = Arc::new(Mutex::new(Err("it is broken".to_owned())));
        let given = Arc::clone(&next);
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let reload = Arc::new(Reload::new(manifest, move || given.lock().unwrap().clone()));
        let read = async || {
            let read = current.read(&reload).await;
            current.take(read, &reload.path);
            (current.get().register, current.is_stale())
        };
        assert_eq!(read().await, (Register::Global, true));

        let mut invalid = with(Register::None);
        invalid.blocked_extensions = vec![".".to_owned()];
        *next.lock().unwrap() = Ok(invalid);
        assert_eq!(read().await, (Register::Global, true));

        let mut unknown = with(Register::None);
        unknown.policy.languages = Some(vec!["pyhton".to_owned()]);
        *next.lock().unwrap() = Ok(unknown);
        assert_eq!(read().await, (Register::Global, true));

        *next.lock().unwrap() = Ok(with(Register::Guild));
        assert_eq!(read().await, (Register::Guild, false));
    }

    #[tokio::test]
    async fn a_file_that_is_gone_or_empty_keeps_what_held() {
        let current = Current::new(with(Register::None), Vec::new());
        for path in ["/nowhere", "/dev/null"] {
            let reload = Arc::new(Reload::new(path, || Ok(DiscordConfig::default())));
            assert!(current.read(&reload).await.is_err(), "{path}");
        }
    }
}
