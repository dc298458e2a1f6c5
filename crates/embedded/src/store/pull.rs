//! Pulls images from registries.
//!
//! A layer is unpacked while it comes: nothing of it is kept but its files. The image takes its place in the store only
//! when the digest of every layer was right to the last byte.

mod blob;
mod chunks;
mod config;
mod error;
mod login;
mod manifest;
mod registry;

use std::io;
use std::time::Duration;

use futures::{StreamExt, stream};
use inline_runtime::{Credentials, Error, ErrorKind, ImageReference, PullEvent, PullOptions, PullStream, Result};
use oci_client::manifest::OciDescriptor;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_blocking};

use super::archive::Whiteouts;
use super::{Making, Store, StoredImage, failed, references};
use chunks::Chunks;
use error::invalid;
use manifest::Manifest;
use registry::Registry;

const MAX_CONFIG_BYTES: usize = 8 << 20;
/// Chunks between the network and the disk.
const CHUNKS: usize = 16;
const EVENTS: usize = 64;
/// A layer tells of its progress each time so much has come.
const PROGRESS_BYTES: u64 = 1 << 20;

/// How registries are reached.
#[derive(Clone, Debug)]
pub(crate) struct Registries {
    /// Those that are asked over plain HTTP, besides those of this machine.
    pub(crate) insecure: Vec<String>,
    /// The bound on each answer that is no layer, and on how long a registry may be silent in the middle of one.
    pub(crate) call_timeout: Duration,
    /// The bound on a whole pull.
    pub(crate) timeout: Duration,
}

impl Store {
    /// Pulls an image; the events are those of the contract.
    ///
    /// Layers that are here already are not looked for: an image is whole or not there.
    ///
    /// # Cancellation
    ///
    /// Dropping the stream gives the pull up and leaves nothing.
    pub(crate) fn pull(
        &self,
        reference: &ImageReference,
        options: &PullOptions,
        registries: &Registries,
    ) -> PullStream {
        let (events, received) = mpsc::channel(EVENTS);
        let pull = Pull {
            store: self.clone(),
            reference: reference.clone(),
            credentials: options.credentials.clone(),
            registries: registries.clone(),
            events,
        };
        let task = AbortOnDrop(tokio::spawn(pull.run_to_end()).abort_handle());
        stream::unfold((received, task), |(mut received, task)| async move {
            let event = received.recv().await?;
            Some((event, (received, task)))
        })
        .boxed()
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Pull {
    store: Store,
    reference: ImageReference,
    credentials: Option<Credentials>,
    registries: Registries,
    events: mpsc::Sender<Result<PullEvent>>,
}

impl Pull {
    async fn run_to_end(self) {
        let timeout = self.registries.timeout;
        let end = match tokio::time::timeout(timeout, self.run()).await {
            Ok(end) => end.map(|image| PullEvent::Done(image.id().clone())),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!("the pull of `{}` took longer than {timeout:?}", self.reference),
            )),
        };
        // Nobody listens any more where this fails.
        self.events.send(end).await.ok();
    }

    async fn run(&self) -> Result<StoredImage> {
        self.say(PullEvent::Status(format!("asking `{}`", self.reference.registry())))
            .await;
        let registry = Registry::open(&self.reference, &self.registries)?
            .log_in(self.credentials.as_ref())
            .await?;
        let manifest = registry.manifest().await?;
        let image = match self.store.find(&manifest.id)? {
            Some(image) => image,
            None => self.make(&registry, manifest).await?,
        };
        references::write(&self.store.part("references"), &self.reference, image.id())?;
        Ok(image)
    }

    /// Fetches config and layers and puts the image together.
    async fn make(&self, registry: &Registry<'_>, manifest: Manifest) -> Result<StoredImage> {
        let config = registry.text_of(&manifest.config, MAX_CONFIG_BYTES).await?;
        let config = config::parse(&config).map_err(|error| invalid("its config cannot be read").with_source(error))?;
        let store = self.store.clone();
        let mut making = blocking(move || Making::begin(&store)).await?;
        for layer in &manifest.layers {
            making = self.layer(registry, layer, making).await?;
        }
        blocking(move || making.finish(manifest.id, config)).await
    }

    /// Unpacks a layer while it comes.
    async fn layer(&self, registry: &Registry<'_>, layer: &OciDescriptor, mut making: Making) -> Result<Making> {
        let mut blob = registry.blob(layer).await?;
        let (chunks, received) = mpsc::channel(CHUNKS);
        let unpacked = spawn_blocking(move || making.add(Chunks::new(received), Whiteouts::Obey).map(|()| making));
        let (mut current, mut told) = (0, 0);
        let come = loop {
            match blob.chunk().await {
                Ok(Some(chunk)) => {
                    current += chunk.len() as u64;
                    // An unpacker that is gone says why below.
                    if chunks.send(Some(chunk)).await.is_err() {
                        break Ok(());
                    }
                }
                Ok(None) => {
                    chunks.send(None).await.ok();
                    break Ok(());
                }
                Err(error) => break Err(error),
            }
            if current - told >= PROGRESS_BYTES {
                told = current;
                self.progress(layer, current).await;
            }
        };
        drop(chunks);
        let unpacked = unpacked
            .await
            .map_err(|error| Error::new(ErrorKind::Unexpected, "unpacking was given up").with_source(error))?;
        come?;
        let making = unpacked.map_err(|error| match error.kind() {
            // An image that is broken is none of the caller's doing.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                invalid("a layer cannot be unpacked").with_source(error)
            }
            _ => failed("unpack a layer of", self.reference.to_string().as_ref(), error),
        })?;
        self.progress(layer, current).await;
        Ok(making)
    }

    async fn progress(&self, layer: &OciDescriptor, current: u64) {
        self.say(PullEvent::Progress {
            layer: layer.digest.clone(),
            current,
            total: u64::try_from(layer.size).ok(),
        })
        .await;
    }

    async fn say(&self, event: PullEvent) {
        // Nobody listens any more where this fails, and then this task ends at its next wait.
        self.events.send(Ok(event)).await.ok();
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, "work on the store was given up").with_source(error))?
}
