//! Opening the service.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use inline_runtime::{Capability, ContainerRuntime, Info};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::base::BaseDirectory;
use super::images::Images;
use super::live::Live;
use super::locks::OwnerLocks;
use super::reconcile::INTERVAL;
use super::sessions::Sessions;
use super::{Inner, SandboxService};
use crate::run::Containers;
use crate::{Admission, HostUser, Result, SandboxConfig, SandboxError, Store, WarmPool, Workspaces};

const STORE: &str = "inline.db";
const WORKSPACES: &str = "workspaces";

impl SandboxService {
    /// Opens the base directory of `config`, takes up what is in it, and clears up what a killed process has left there and
    /// on the engine behind `runtime`.
    ///
    /// The name `instance` of the configuration says which containers are its own: those that carry it and are not in use
    /// are removed now and every minute.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`] if values make no sense together, there is no base directory, or programs could
    ///   not write to a workspace since the engine runs as another user.
    /// - [`SandboxError::InUse`] if another process has the base directory open.
    /// - [`SandboxError::StoreUnusable`], [`SandboxError::Store`], [`SandboxError::Io`].
    /// - [`SandboxError::Runtime`] if the engine does not say what it is.
    pub async fn open(runtime: Arc<dyn ContainerRuntime>, config: SandboxConfig) -> Result<Self> {
        config.validate()?;
        let info = runtime.info().await?;
        let config = match &info.host_image {
            Some(image) => config.with_host_image(image),
            None => config,
        };
        let languages = config.languages()?;
        let Some(directory) = config.base_dir.clone() else {
            return Err(invalid("base_dir", "it is not set"));
        };
        let (host_user, user) = users(&info, &*runtime, &config)?;
        let base = tokio::task::spawn_blocking(move || BaseDirectory::open(&directory))
            .await
            .map_err(|_| SandboxError::shutting_down())??;
        let store = Store::open(base.path().join(STORE)).await?;
        let workspaces = Workspaces::open(base.path().join(WORKSPACES), host_user).await?;
        let instance = config.instance.clone().unwrap_or_else(|| base.instance());
        let (containers, tasks) = (Containers::new(Arc::clone(&runtime)), TaskTracker::new());
        tasks.close();
        let inner = Arc::new(Inner {
            pool: WarmPool::new(containers.clone(), config.warm.clone()),
            admission: Admission::new(&config.admission, Arc::new(store.clone())),
            images: Images::new(runtime, tasks.clone()),
            locks: OwnerLocks::default(),
            live: Live::default(),
            one_shots: Live::default(),
            swept_at_open: OnceLock::new(),
            sessions: Sessions::default(),
            closing: CancellationToken::new(),
            config,
            languages,
            instance,
            user,
            containers,
            store,
            workspaces,
            tasks,
            base,
        });
        let (swept, error) = inner.sweep().await;
        if let Some(error) = error {
            // It is tried again every minute, and nothing that could not be cleared up is in the way.
            tracing::warn!(%error, source = ?std::error::Error::source(&error), "not all that was left was cleared up");
        }
        inner.swept_at_open.get_or_init(|| swept);
        inner.keep_sweeping();
        if inner.config.pull_on_startup {
            inner.pull_all();
        }
        tracing::info!(instance = inner.instance, base = %inner.base.path().display(), "the sandbox service is open");
        Ok(Self { inner })
    }
}

impl Inner {
    /// Sweeps every minute, for as long as anybody has the service.
    fn keep_sweeping(self: &Arc<Self>) {
        let (inner, closing) = (Arc::downgrade(self), self.closing.clone());
        drop(self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = sleep(INTERVAL) => {}
                }
                let Some(inner) = inner.upgrade() else { return };
                if let (_, Some(error)) = inner.sweep().await {
                    tracing::warn!(%error, source = ?std::error::Error::source(&error), "a sweep was not finished");
                }
            }
        }));
    }

    /// Pulls the images that are not there, one after the other, so that no run has to wait for them.
    fn pull_all(self: &Arc<Self>) {
        let (inner, closing) = (Arc::downgrade(self), self.closing.clone());
        let images: BTreeSet<String> = self
            .languages
            .values()
            .map(|language| language.image.to_string())
            .collect();
        drop(self.tasks.spawn(async move {
            for image in images.iter().filter_map(|image| image.parse().ok()) {
                let Some(inner) = inner.upgrade() else { return };
                tokio::select! {
                    () = closing.cancelled() => return,
                    // A failure is logged where it happens, and the run that needs the image tries again.
                    _ = inner.images.ensure(&image, |_| ()) => {}
                }
            }
        }));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Returns whom files belong to, and the user and group ids of programs.
fn users(info: &Info, runtime: &dyn ContainerRuntime, config: &SandboxConfig) -> Result<(HostUser, (u32, u32))> {
    let (own, configured) = (HostUser::current(), (config.uid, config.gid));
    if runtime.capabilities().has(Capability::UserNamespace) {
        // The engine makes the user inside the one who runs the engine.
        if own.uid == 0 && info.rootless {
            let why = "the engine runs without root and the service as root, whose files programs could not reach: run the \
                       service as the engine's user";
            return Err(invalid("uid", why));
        }
        return Ok((own, configured));
    }
    if own.uid == 0 {
        return Ok((
            HostUser {
                uid: config.uid,
                gid: config.gid,
            },
            configured,
        ));
    }
    // Who is not root can give files to nobody else.
    Ok((own, (own.uid, own.gid)))
}

fn invalid(key: &str, why: &str) -> SandboxError {
    SandboxError::InvalidConfig {
        key: key.to_owned(),
        why: why.to_owned(),
    }
}
