//! Images come whole, as asked for, or not at all.

use futures::StreamExt;
use inline_runtime::{Capability, ErrorKind, ImageId, ImageReference, PullEvent, PullOptions, Result};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, Need, case_table};
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::subject::{Fixture, RegistryImages};

pub(crate) const CASES: &[Case] = case_table![
    "pull":
    ends_in_image_id[requiring(Capability::Pull), needing(Need::Registry)],
    by_digest[requiring(Capability::Pull), needing(Need::Registry)],
    missing_tag[requiring(Capability::Pull), needing(Need::Registry)],
    registry_down[requiring(Capability::Pull), needing(Need::Registry)],
    missing_layer[requiring(Capability::Pull), needing(Need::Registry)],
    corrupt_layer[requiring(Capability::Pull), needing(Need::Registry)],
    absent_image,
];

async fn ends_in_image_id(bench: &Bench) -> Outcome {
    let image = &images(bench)?.by_tag;
    let mut events = bench.runtime.pull(image, PullOptions::default()).await?;
    let mut before = 0;
    let id = loop {
        match events.next().await {
            Some(Ok(PullEvent::Done(id))) => break id,
            Some(Ok(PullEvent::Progress { current, total, .. })) => {
                ensure!(
                    total.is_none_or(|total| current <= total),
                    "{current} bytes came of {total:?}"
                );
                before += 1;
            }
            Some(Ok(_)) => before += 1,
            Some(Err(error)) => return Err(error.into()),
            None => return Err(Failure::new("the stream ended without an image")),
        }
    };
    ensure!(before > 0, "nothing came before the end");
    if let Some(event) = events.next().await {
        return Err(Failure::new(format_args!("an event came after the end: {event:?}")));
    }
    let here = bench.runtime.image(image).await?;
    ensure_eq!(here.map(|image| image.id), Some(id), "the image on the engine");
    Ok(())
}

async fn by_digest(bench: &Bench) -> Outcome {
    let images = images(bench)?;
    let by_tag = pull(bench, &images.by_tag).await?;
    let by_digest = pull(bench, &images.by_digest).await?;
    ensure_eq!(by_digest, by_tag, "the image by digest");
    let here = bench.runtime.image(&images.by_digest).await?;
    ensure_eq!(here.map(|image| image.id), by_tag, "the image on the engine");

    let nowhere = "0".repeat(64);
    let tag = images.by_tag.tag().unwrap_or("latest");
    for reference in [
        format!("{}@sha256:{nowhere}", images.by_tag.name()),
        format!("{}:{tag}@sha256:{nowhere}", images.by_tag.name()),
    ] {
        ensure_refused(pull(bench, &reference.parse()?).await, &[ErrorKind::ImageNotFound])?;
    }
    Ok(())
}

async fn missing_tag(bench: &Bench) -> Outcome {
    let images = images(bench)?;
    let repository = format!("{}-no-such-repository", images.by_tag.name()).parse()?;
    for image in [&images.missing_tag, &repository] {
        fails_to_pull(bench, image, &[ErrorKind::ImageNotFound]).await?;
    }
    Ok(())
}

async fn registry_down(bench: &Bench) -> Outcome {
    fails_to_pull(bench, &images(bench)?.registry_down, &[ErrorKind::Unavailable]).await
}

async fn missing_layer(bench: &Bench) -> Outcome {
    fails_to_pull(bench, &images(bench)?.missing_layer, ANY_FAILURE).await
}

async fn corrupt_layer(bench: &Bench) -> Outcome {
    fails_to_pull(bench, &images(bench)?.corrupt_layer, ANY_FAILURE).await
}

async fn absent_image(bench: &Bench) -> Outcome {
    let nowhere = "registry.invalid/inline/no-such-image:none".parse()?;
    ensure_eq!(bench.runtime.image(&nowhere).await?, None, "the image");
    let here = bench.runtime.image(&bench.fixtures().shell).await?;
    ensure!(here.is_some(), "the image that containers run is not seen");
    Ok(())
}

/// The contract names no kind for an image that is broken, but it is none of the caller's doing.
const ANY_FAILURE: &[ErrorKind] = &[ErrorKind::Unexpected, ErrorKind::ImageNotFound, ErrorKind::Unavailable];

async fn fails_to_pull(bench: &Bench, image: &ImageReference, kinds: &[ErrorKind]) -> Outcome {
    ensure_refused(pull(bench, image).await, kinds)?;
    ensure_eq!(bench.runtime.image(image).await?, None, "the image on the engine");
    Ok(())
}

async fn pull(bench: &Bench, image: &ImageReference) -> Result<Option<ImageId>> {
    let mut events = bench.runtime.pull(image, PullOptions::default()).await?;
    let mut done = None;
    while let Some(event) = events.next().await {
        if let PullEvent::Done(id) = event? {
            done = Some(id);
        }
    }
    Ok(done)
}

fn images(bench: &Bench) -> Outcome<&RegistryImages> {
    match &bench.fixtures().registry {
        Fixture::Present(images) => Ok(images),
        Fixture::LeftOut { why } => Err(Failure::new(why)),
    }
}
