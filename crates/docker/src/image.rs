//! Images: looking for one, and bringing it from its registry.

use std::sync::Arc;

use async_stream::try_stream;
use bollard::auth::DockerCredentials;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt;
use inline_runtime::{Error, ErrorKind, Image, ImageId, ImageReference, PullEvent, PullOptions, PullStream, Result};

use crate::engine::Engine;
use crate::runtime::DockerRuntime;
use crate::{credentials, error, pull_error};

/// Looks for an image on the engine.
pub(crate) async fn find(engine: &Engine, reference: &ImageReference) -> Result<Option<Image>> {
    match engine.call(engine.client.inspect_image(&reference.pinned())).await {
        Ok(image) => {
            let id = image.id.ok_or_else(|| {
                error::error(
                    ErrorKind::Unexpected,
                    format!("the engine tells no id of image `{reference}`"),
                )
            })?;
            let size = image.size.and_then(|size| u64::try_from(size).ok());
            Ok(Some(Image::new(ImageId::new(id), size)))
        }
        Err(error) if error.kind() == ErrorKind::ImageNotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl DockerRuntime {
    pub(crate) async fn pull_image(&self, reference: &ImageReference, options: PullOptions) -> Result<PullStream> {
        let login = match (options.credentials, &self.docker_config) {
            (Some(given), _) => Some(DockerCredentials {
                username: Some(given.username().to_owned()),
                password: Some(given.expose_password().to_owned()),
                serveraddress: Some(reference.registry().to_owned()),
                ..DockerCredentials::default()
            }),
            (None, Some(directory)) => credentials::find(directory, reference.registry()).await?,
            (None, None) => None,
        };
        Ok(events(Arc::clone(&self.engine), reference.clone(), login))
    }
}

fn events(engine: Arc<Engine>, reference: ImageReference, login: Option<DockerCredentials>) -> PullStream {
    let version = reference.digest().or(reference.tag()).unwrap_or_default();
    let options = CreateImageOptionsBuilder::new()
        .from_image(&reference.name())
        .tag(version)
        .build();
    let mut steps = engine.client.create_image(Some(options), None, login).boxed();
    Box::pin(try_stream! {
        loop {
            let step = tokio::time::timeout(engine.pull_timeout, steps.next()).await;
            let step = step.map_err(|_| stuck(&engine, &reference))?;
            let Some(step) = step else { break };
            let step = step.map_err(|failure| pull_error::from_pull(&engine.endpoint, reference.registry(), failure))?;
            if let Some(event) = event(step) {
                yield event;
            }
        }
        // The engine says what it did; that the image is here it has to show.
        let image = find(&engine, &reference).await?.ok_or_else(|| {
            error::error(ErrorKind::Unexpected, format!("the pull of `{reference}` ended without an image"))
        })?;
        yield PullEvent::Done(image.id);
    })
}

fn stuck(engine: &Engine, reference: &ImageReference) -> Error {
    error::error(
        ErrorKind::Timeout,
        format!(
            "the pull of `{reference}` made no progress for {} s",
            engine.pull_timeout.as_secs_f64()
        ),
    )
    .with_hint(format!(
        "look at the way from the engine to registry `{}`, or raise `pull_timeout`",
        reference.registry()
    ))
}

fn event(step: CreateImageInfo) -> Option<PullEvent> {
    let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let detail = step.progress_detail.unwrap_or_default();
    match (step.id, count(detail.current), step.status) {
        (Some(layer), Some(current), _) => Some(PullEvent::Progress {
            layer,
            current,
            total: count(detail.total).filter(|total| *total > 0),
        }),
        (Some(id), None, Some(status)) => Some(PullEvent::Status(format!("{id}: {status}"))),
        (None, _, Some(status)) => Some(PullEvent::Status(status)),
        (_, _, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_events() {
        let event = |json| event(serde_json::from_str(json).unwrap());
        assert_eq!(
            event(r#"{"status": "Downloading", "progressDetail": {"current": 5, "total": 9}, "id": "a1"}"#),
            Some(PullEvent::Progress {
                layer: "a1".to_owned(),
                current: 5,
                total: Some(9)
            })
        );
        assert_eq!(
            event(r#"{"status": "Pull complete", "progressDetail": {}, "id": "a1"}"#),
            Some(PullEvent::Status("a1: Pull complete".to_owned()))
        );
        assert_eq!(
            event(r#"{"status": "Digest: sha256:0"}"#),
            Some(PullEvent::Status("Digest: sha256:0".to_owned()))
        );
        assert_eq!(event("{}"), None);
    }
}
