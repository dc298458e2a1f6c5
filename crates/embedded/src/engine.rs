//! What all containers of a runtime share.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, OnceLock};

use inline_runtime::{Capabilities, Capability, ContainerId, Error, ErrorKind, Result, Seccomp, Signal, Stats};
use tokio::task::spawn_blocking;

use crate::capability;
use crate::channel::memory_file;
use crate::config::EmbeddedConfig;
use crate::container::Containers;
use crate::executable;
use crate::host_user::HostUser;
use crate::image::Images;
use crate::limits::Limiter;
use crate::seccomp::Filter;

/// A runtime's containers, and what they are made with.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) config: EmbeddedConfig,
    pub(crate) images: Images,
    pub(crate) host: HostUser,
    pub(crate) limiter: Limiter,
    pub(crate) capabilities: Capabilities,
    pub(crate) containers: Containers,
    default_filter: OnceLock<Arc<File>>,
}

impl Engine {
    /// Finds out what this machine lets us do.
    pub(crate) async fn connect(config: &EmbeddedConfig) -> Result<Self> {
        executable::ensure_linked_in()?;
        let host = HostUser::find()?;
        let of_task = config.clone();
        let (images, limiter) = blocking(move || {
            let images = Images::open(&of_task)?;
            Ok((images, Limiter::connect(of_task.limits)))
        })
        .await?;
        Ok(Self {
            config: config.clone(),
            images,
            host,
            capabilities: capability::table(&limiter),
            limiter,
            containers: Containers::default(),
            default_filter: OnceLock::new(),
        })
    }

    /// Sends a signal to a container's main program.
    pub(crate) async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        let record = self.containers.find(id)?;
        let sent = record.running()?.signal(signal).await;
        // Whoever ends just now is told as ended.
        sent.map_err(|error| record.running().err().unwrap_or(error))
    }

    /// Measures a container that runs, or tells what it had used when it ended.
    pub(crate) fn stats(&self, id: &ContainerId) -> Result<Stats> {
        self.capabilities.require(Capability::Stats)?;
        let record = self.containers.find(id)?;
        let measured = record.started()?.stats();
        measured.map_err(|error| record.running().err().unwrap_or(error))
    }

    /// Ends and forgets a container.
    pub(crate) async fn remove(&self, id: &ContainerId) -> Result<()> {
        let Ok(record) = self.containers.find(id) else {
            return Ok(());
        };
        let _changing = record.changing.lock().await;
        if let Some(sandbox) = record.note_removed() {
            sandbox.end().await?;
        }
        self.containers.forget(&record.id);
        Ok(())
    }

    /// Returns the filter as a file; ours is made once.
    pub(crate) fn filter(&self, seccomp: &Seccomp) -> Result<Arc<File>> {
        if *seccomp == Seccomp::Default
            && let Some(filter) = self.default_filter.get()
        {
            return Ok(Arc::clone(filter));
        }
        let bytes = Filter::of(seccomp)?.to_bytes();
        let file = memory_file().and_then(|mut file| file.write_all(&bytes).map(|()| Arc::new(file)));
        let file = file.map_err(|error| {
            Error::new(ErrorKind::ResourceExhausted, "no memory for the filter of system calls").with_source(error)
        })?;
        if *seccomp == Seccomp::Default {
            return Ok(Arc::clone(self.default_filter.get_or_init(|| file)));
        }
        Ok(file)
    }
}

/// Does work that waits for disks, where nothing else waits for it.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(ended_early(error)))
}

/// Creates the error for a task that panicked.
pub(crate) fn ended_early(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Unexpected, "a task of the driver ended early").with_source(error)
}
