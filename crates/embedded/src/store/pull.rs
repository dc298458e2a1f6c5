//! Pulls images from registries.
//!
//! A layer is unpacked while it comes: nothing of it is kept but its files. The image takes its place in the store only
//! when the digest of every layer was right to the last byte.

mod chunks;
mod config;
mod error;

use std::io;
use std::str::FromStr;
use std::time::Duration;

use futures::{StreamExt, stream};
use inline_runtime::{
    Credentials, Error, ErrorKind, ImageId, ImageReference, PullEvent, PullOptions, PullStream, Result,
};
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_blocking};

use super::archive::Whiteouts;
use super::image::ImageConfig;
use super::{Making, Store, StoredImage, failed, references};
use chunks::Chunks;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a registry may be silent in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
const MAX_CONFIG_BYTES: usize = 8 << 20;
const MAX_LAYERS: usize = 1024;
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
        let client = self.client()?;
        let reference = Reference::from_str(&self.reference.pinned())
            .map_err(|error| Error::new(ErrorKind::InvalidSpec, "the reference is not usable").with_source(error))?;
        self.say(PullEvent::Status(format!("asking `{}`", self.reference.registry())))
            .await;
        let map = |error| error::of(error, &self.reference);
        let auth = self.credentials.as_ref().map_or(RegistryAuth::Anonymous, |login| {
            RegistryAuth::Basic(login.username().to_owned(), login.expose_password().to_owned())
        });
        client
            .auth(&reference, &auth, RegistryOperation::Pull)
            .await
            .map_err(map)?;
        let (manifest, _) = client.pull_image_manifest(&reference, &auth).await.map_err(map)?;
        let id = checked(&manifest)?;
        let image = match self.store.find(&id)? {
            Some(image) => image,
            None => self.make(&client, &reference, &manifest, id).await?,
        };
        references::write(&self.store.part("references"), &self.reference, image.id())?;
        Ok(image)
    }

    fn client(&self) -> Result<Client> {
        // Whoever set a provider for the whole process before has said what is to be used.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut plain = self.registries.insecure.clone();
        if self.reference.is_loopback() {
            plain.push(self.reference.registry().to_owned());
        }
        let config = ClientConfig {
            protocol: ClientProtocol::HttpsExcept(plain),
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            ..ClientConfig::default()
        };
        Client::try_from(config).map_err(|error| error::of(error, &self.reference))
    }

    /// Fetches config and layers and puts the image together.
    async fn make(
        &self,
        client: &Client,
        reference: &Reference,
        manifest: &OciImageManifest,
        id: ImageId,
    ) -> Result<StoredImage> {
        let config = self.config(client, reference, &manifest.config).await?;
        let store = self.store.clone();
        let mut making = blocking(move || Making::begin(&store)).await?;
        for layer in &manifest.layers {
            making = self.layer(client, reference, layer, making).await?;
        }
        blocking(move || making.finish(id, config)).await
    }

    async fn config(&self, client: &Client, reference: &Reference, blob: &OciDescriptor) -> Result<ImageConfig> {
        let fail = |error| error::of(error, &self.reference);
        let mut stream = client
            .pull_blob_stream(reference, &of_registry(blob))
            .await
            .map_err(fail)?
            .stream;
        let mut text = Vec::new();
        while let Some(chunk) = stream.next().await {
            text.extend_from_slice(&chunk.map_err(|error| error::broken(&self.reference, error))?);
            if text.len() > MAX_CONFIG_BYTES {
                return Err(invalid("its config has more than 8 MiB"));
            }
        }
        config::parse(&text).map_err(|error| invalid("its config cannot be read").with_source(error))
    }

    /// Unpacks a layer while it comes.
    async fn layer(
        &self,
        client: &Client,
        reference: &Reference,
        layer: &OciDescriptor,
        mut making: Making,
    ) -> Result<Making> {
        let total = u64::try_from(layer.size).map_err(|_| invalid("a layer has a size below nothing"))?;
        let mut stream = client
            .pull_blob_stream(reference, &of_registry(layer))
            .await
            .map_err(|error| error::of(error, &self.reference))?
            .stream;
        let (chunks, received) = mpsc::channel(CHUNKS);
        let unpacked = spawn_blocking(move || making.add(Chunks::new(received), Whiteouts::Obey).map(|()| making));
        let (mut current, mut told) = (0, 0);
        let come = loop {
            match stream.next().await {
                Some(Ok(chunk)) => {
                    current += chunk.len() as u64;
                    if current > total {
                        break Err(invalid("a layer is larger than its manifest says"));
                    }
                    // An unpacker that is gone says why below.
                    if chunks.send(Some(chunk)).await.is_err() {
                        break Ok(());
                    }
                }
                Some(Err(error)) => break Err(error::broken(&self.reference, error)),
                None => {
                    chunks.send(None).await.ok();
                    break Ok(());
                }
            }
            if current - told >= PROGRESS_BYTES {
                told = current;
                self.progress(layer, current, total).await;
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
        self.progress(layer, current, total).await;
        Ok(making)
    }

    async fn progress(&self, layer: &OciDescriptor, current: u64, total: u64) {
        self.say(PullEvent::Progress {
            layer: layer.digest.clone(),
            current,
            total: Some(total),
        })
        .await;
    }

    async fn say(&self, event: PullEvent) {
        // Nobody listens any more where this fails, and then this task ends at its next wait.
        self.events.send(Ok(event)).await.ok();
    }
}

/// Checks what a registry says of an image and returns the image's id.
fn checked(manifest: &OciImageManifest) -> Result<ImageId> {
    if manifest.layers.len() > MAX_LAYERS {
        return Err(invalid("it has more than 1024 layers"));
    }
    // The digest becomes the name of a directory.
    let digest = &manifest.config.digest;
    let is_digest = digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    if !is_digest {
        return Err(invalid("its config has no sha256 digest"));
    }
    Ok(ImageId::new(digest.clone()))
}

/// Takes away the further places that an image may name: they could be any address that this machine reaches.
fn of_registry(blob: &OciDescriptor) -> OciDescriptor {
    OciDescriptor {
        urls: None,
        ..blob.clone()
    }
}

fn invalid(why: &str) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("the registry's image is not usable: {why}"),
    )
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, "work on the store was given up").with_source(error))?
}
