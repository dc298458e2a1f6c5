//! Conveniences over the contract, the same for every driver.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use tokio::runtime::Handle;

use crate::{
    ContainerId, ContainerRuntime, ContainerSpec, Error, ErrorKind, Event, ExecSpec, ExitStatus, ImageId,
    ImageReference, Process, PullEvent, PullOptions, Result,
};

/// What a process printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The start of standard output.
    pub stdout: Vec<u8>,
    /// The start of standard error.
    pub stderr: Vec<u8>,
    /// Whether anything of either was left out.
    pub truncated: bool,
    /// How it ended.
    pub status: ExitStatus,
}

/// Offers conveniences on every [`ContainerRuntime`]; must not be implemented.
#[async_trait]
pub trait ContainerRuntimeExt {
    /// Pulls `image` if it is not on the engine, without progress.
    ///
    /// # Errors
    ///
    /// - As [`ContainerRuntime::image`] and [`ContainerRuntime::pull`].
    async fn ensure_image(&self, image: &ImageReference) -> Result<ImageId>;

    /// Runs a container from creation to removal and keeps up to `max_output` bytes of each of its two streams.
    ///
    /// It waits for the program however long that takes: bound it with `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// - As [`ContainerRuntime::create`], [`ContainerRuntime::start`] and [`ContainerRuntime::remove`]. The program's own
    ///   failure is no error but a [`status`](Output::status).
    ///
    /// # Cancellation
    ///
    /// Dropping the future removes the container from a task of its own, if a tokio runtime is there to run it.
    async fn run(self: Arc<Self>, spec: &ContainerSpec, max_output: usize) -> Result<Output>;

    /// Runs a further process in a container and keeps up to `max_output` bytes of each of its two streams.
    ///
    /// # Errors
    ///
    /// - As [`ContainerRuntime::exec`].
    async fn exec_output(&self, id: &ContainerId, spec: &ExecSpec, max_output: usize) -> Result<Output>;
}

#[async_trait]
impl<T: ContainerRuntime + ?Sized> ContainerRuntimeExt for T {
    async fn ensure_image(&self, image: &ImageReference) -> Result<ImageId> {
        if let Some(image) = self.image(image).await? {
            return Ok(image.id);
        }
        let mut events = self.pull(image, PullOptions::default()).await?;
        while let Some(event) = events.next().await {
            if let PullEvent::Done(id) = event? {
                return Ok(id);
            }
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            format!("the pull of `{image}` ended without an image"),
        )
        .with_driver(self.driver()))
    }

    async fn run(self: Arc<Self>, spec: &ContainerSpec, max_output: usize) -> Result<Output> {
        let id = self.create(spec).await?;
        let guard = RemoveOnDrop::new(Arc::clone(&self), id.clone());
        let output = match self.start(&id).await {
            Ok(process) => process.collect(max_output).await,
            Err(error) => Err(error),
        };
        let removed = guard.remove().await;
        // The first error is the one that tells; a failed removal is reported only when nothing else went wrong.
        let output = output?;
        removed.map(|()| output)
    }

    async fn exec_output(&self, id: &ContainerId, spec: &ExecSpec, max_output: usize) -> Result<Output> {
        self.exec(id, spec).await?.collect(max_output).await
    }
}

impl Process {
    /// Closes standard input, reads to the end, and keeps up to `max_output` bytes of each stream.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unavailable`] if the connection is lost; what was printed until then is lost with it.
    pub async fn collect(mut self, max_output: usize) -> Result<Output> {
        drop(self.stdin.take());
        let mut output = Output {
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: false,
            status: ExitStatus::from_code(0),
        };
        while let Some(event) = self.events.next().await {
            let (kept, chunk) = match event? {
                Event::Stdout(chunk) => (&mut output.stdout, chunk),
                Event::Stderr(chunk) => (&mut output.stderr, chunk),
                Event::Exited(status) => return Ok(Output { status, ..output }),
            };
            let room = chunk.len().min(max_output - kept.len());
            kept.extend_from_slice(&chunk[..room]);
            output.truncated |= room < chunk.len();
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            "the stream of a process ended without its exit",
        ))
    }
}

/// Removes a container also when the future that uses it is dropped.
struct RemoveOnDrop<T: ContainerRuntime + ?Sized> {
    runtime: Arc<T>,
    id: Option<ContainerId>,
}

impl<T: ContainerRuntime + ?Sized> RemoveOnDrop<T> {
    fn new(runtime: Arc<T>, id: ContainerId) -> Self {
        Self { runtime, id: Some(id) }
    }

    async fn remove(mut self) -> Result<()> {
        let Some(id) = self.id.clone() else {
            return Ok(());
        };
        let removed = self.runtime.remove(&id).await;
        self.id = None;
        removed
    }
}

impl<T: ContainerRuntime + ?Sized> Drop for RemoveOnDrop<T> {
    fn drop(&mut self) {
        if let (Some(id), Ok(handle)) = (self.id.take(), Handle::try_current()) {
            let runtime = Arc::clone(&self.runtime);
            // Nobody is left to tell of a failure; the label still finds the container.
            drop(handle.spawn(async move { runtime.remove(&id).await }));
        }
    }
}
