//! The service: owners with their sandboxes, and all that can be done in them.

mod admitted;
mod audit;
mod base;
mod cell;
mod direct;
mod disk;
mod files;
mod images;
mod install;
mod job;
mod live;
mod locks;
mod one_shot;
mod open;
mod progress;
mod reconcile;
mod recorded;
mod request;
mod room;
mod run;
mod sandboxes;
mod sessions;
mod shutdown;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use inline_runtime::ContainerRuntime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::base::BaseDirectory;
use self::images::Images;
use self::live::Live;
use self::locks::OwnerLocks;
use self::sessions::Sessions;
use crate::run::Containers;
use crate::{Admission, Language, Load, Result, SandboxConfig, SandboxError, Store, WarmPool, Workspaces};

pub use self::files::Files;
pub use self::install::Installation;
pub use self::live::RunningJob;
pub use self::progress::{Progress, Run};
pub use self::reconcile::Swept;
pub use self::request::{CellRequest, InstallRequest, RunRequest};
pub use self::sessions::OpenSession;

/// Runs the programs of many owners, each in a sandbox of its own.
///
/// It stands on one engine and one base directory, which no other process has open. Clones are the same service; end it
/// with [`shutdown`](Self::shutdown). Where it is merely dropped, or its process killed, the next one on the same base
/// directory removes what is left.
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
/// use inline_runtime::ContainerRuntime;
/// use inline_sandbox::{Owner, Program, RunRequest, SandboxConfig, SandboxService};
///
/// # async fn example(runtime: Arc<dyn ContainerRuntime>) -> inline_sandbox::Result<()> {
/// let config = SandboxConfig::default().with_env(|name| std::env::var(name).ok())?;
/// let service = SandboxService::open(runtime, config).await?;
/// let alice: Owner = "local:alice".parse()?;
/// let run = service.run(RunRequest::new(alice, Program::new("python", "6 * 7")));
/// assert_eq!(run.outcome().await?.stdout.bytes, b"42\n");
/// service.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SandboxService {
    inner: Arc<Inner>,
}

struct Inner {
    config: SandboxConfig,
    languages: BTreeMap<String, Language>,
    instance: String,
    /// The user and group ids of programs, inside.
    user: (u32, u32),
    containers: Containers,
    pool: WarmPool,
    images: Images,
    store: Store,
    workspaces: Workspaces,
    admission: Admission,
    locks: OwnerLocks,
    live: Live,
    /// The workspaces that are gone after their runs, and are still there; a sweep leaves them alone.
    one_shots: Live,
    sessions: Sessions,
    tasks: TaskTracker,
    swept_at_open: OnceLock<Swept>,
    /// Ends the tasks in the background.
    closing: CancellationToken,
    /// Keeps other processes out for as long as this one has anything to do.
    base: BaseDirectory,
}

impl SandboxService {
    /// Returns the engine that programs run on.
    pub fn runtime(&self) -> &Arc<dyn ContainerRuntime> {
        self.inner.containers.runtime()
    }

    /// Returns the configuration.
    pub fn config(&self) -> &SandboxConfig {
        &self.inner.config
    }

    /// Returns the languages that programs can be written in, by name.
    pub fn languages(&self) -> &BTreeMap<String, Language> {
        &self.inner.languages
    }

    /// Returns what is remembered: the audit, the usage, what is installed.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Returns the name that the containers of this service carry in their label.
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// Returns how many run and how many wait.
    pub fn load(&self) -> Load {
        self.inner.admission.load()
    }
}

impl Inner {
    /// Checks that the service is not being ended.
    fn check_open(&self) -> Result<()> {
        if self.closing.is_cancelled() {
            Err(SandboxError::shutting_down())
        } else {
            Ok(())
        }
    }

    /// Finds a language by name or by one of its others, in upper or lower case.
    fn language(&self, name: &str) -> Result<&Language> {
        let lower = name.to_ascii_lowercase();
        self.languages
            .values()
            .find(|language| language.answers_to(&lower))
            .ok_or_else(|| SandboxError::UnknownLanguage {
                language: name.chars().take(64).collect(),
                known: self.languages.keys().cloned().collect(),
            })
    }
}

impl fmt::Debug for SandboxService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxService")
            .field("instance", &self.inner.instance)
            .field("base", &self.inner.base.path())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
