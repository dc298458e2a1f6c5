//! Brings images and looks them up.

use std::sync::Arc;
use std::time::Duration;

use containers_api::conn::{AUTH_HEADER, Headers};
use containers_api::url::encoded_pairs;
use inline_runtime::{Error, ErrorKind, Image, ImageId, ImageReference, PullEvent, PullOptions, PullStream, Result};
use podman_api::opts::RegistryAuth;
use tokio::sync::mpsc;

use crate::answer::{ImageInspection, PullReport};
use crate::engine::Engine;
use crate::error::{self, named};
use crate::task::AbortOnDrop;

/// How many events wait for a reader.
const QUEUED_EVENTS: usize = 64;

/// Looks for an image.
pub(crate) async fn find(engine: &Engine, reference: &ImageReference) -> Result<Option<ImageInspection>> {
    let path = format!("/images/{}/json", reference.pinned());
    match engine.client.get(&path).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_unknown(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Describes an image that was found.
pub(crate) fn describe(found: ImageInspection) -> Image {
    Image::new(ImageId::new(found.id), found.size)
}

/// Creates the error for an image that is not on the engine.
pub(crate) fn not_found(reference: &ImageReference) -> Error {
    Error::new(ErrorKind::ImageNotFound, format!("image `{reference}` not found")).with_hint("pull it first")
}

fn is_unknown(error: &Error) -> bool {
    error.kind() == ErrorKind::ImageNotFound || error.message().contains("no such image")
}

/// Brings an image.
pub(crate) fn pull(engine: &Arc<Engine>, reference: &ImageReference, options: &PullOptions) -> PullStream {
    let (sender, receiver) = mpsc::channel(QUEUED_EVENTS);
    let (path, login) = (path(engine, reference), login(options));
    let engine = Arc::clone(engine);
    let task = AbortOnDrop::spawn(async move {
        let limit = engine.config.pull_timeout;
        let end = match tokio::time::timeout(limit, forward(&engine, &path, login, &sender)).await {
            Ok(Ok(id)) => Ok(PullEvent::Done(id)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(too_slow(limit)),
        };
        // Nobody is told where nobody listens.
        drop(sender.send(end).await);
    });
    let events = futures::stream::unfold((receiver, task), move |(mut receiver, task)| async move {
        let event: Result<PullEvent> = receiver.recv().await?;
        Some((event.map_err(named("pull")), (receiver, task)))
    });
    Box::pin(events)
}

fn path(engine: &Engine, reference: &ImageReference) -> String {
    let insecure = &engine.config.insecure_registries;
    let is_plain = reference.is_loopback() || insecure.iter().any(|registry| registry == reference.registry());
    let query = encoded_pairs([
        ("reference", reference.pinned()),
        ("tlsVerify", (!is_plain).to_string()),
    ]);
    format!("/images/pull?{query}")
}

fn login(options: &PullOptions) -> Option<Headers> {
    let credentials = options.credentials.as_ref()?;
    let login = RegistryAuth::builder()
        .username(credentials.username())
        .password(credentials.expose_password())
        .build();
    Some(Headers::single(AUTH_HEADER, login.serialize()))
}

async fn forward(
    engine: &Engine,
    path: &str,
    login: Option<Headers>,
    sender: &mpsc::Sender<Result<PullEvent>>,
) -> Result<ImageId> {
    let mut lines = engine.client.lines(path, login).await.map_err(error::from_pull_api)?;
    let mut pulled = None;
    while let Some(report) = lines.next::<PullReport>().await.map_err(error::from_pull_api)? {
        if let Some(message) = report.error {
            return Err(error::from_pull(&message));
        }
        if let Some(text) = report.stream {
            drop(sender.send(Ok(PullEvent::Status(text.trim_end().to_owned()))).await);
        }
        pulled = report.id.or(pulled);
    }
    pulled.map(ImageId::new).ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            "the connection to the service was lost in the middle of a pull",
        )
    })
}

fn too_slow(limit: Duration) -> Error {
    let seconds = limit.as_secs_f64();
    Error::new(ErrorKind::Timeout, format!("the pull took longer than {seconds} s")).with_hint("raise `pull_timeout`")
}
