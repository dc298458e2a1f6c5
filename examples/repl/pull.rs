//! Shows the progress of a pull.

use std::collections::HashMap;

use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use inline::{ContainerRuntime, Error, ErrorKind, ImageReference, PullEvent, PullOptions, Result};

/// Brings an image if it is not on the engine, with a progress bar where standard error is a terminal.
pub(crate) async fn ensure(runtime: &dyn ContainerRuntime, image: &ImageReference) -> Result<()> {
    if runtime.image(image).await?.is_some() {
        return Ok(());
    }
    let bar = ProgressBar::no_length().with_message(format!("pulling {image}"));
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let counted = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {bytes}/{total_bytes}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let mut layers = HashMap::new();
    let mut events = runtime.pull(image, PullOptions::default()).await?;
    while let Some(event) = events.next().await {
        match event? {
            PullEvent::Status(text) => bar.set_message(format!("pulling {image}: {text}")),
            PullEvent::Progress { layer, current, total } => {
                layers.insert(layer, (current, total.unwrap_or(current)));
                let (current, total) = layers.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                bar.set_style(counted.clone());
                bar.set_message(format!("pulling {image}"));
                bar.set_length(total);
                bar.set_position(current);
            }
            PullEvent::Done(_) => {
                bar.finish_and_clear();
                return Ok(());
            }
            _ => {}
        }
    }
    Err(Error::new(
        ErrorKind::Unexpected,
        format!("the pull of `{image}` ended without an image"),
    ))
}
