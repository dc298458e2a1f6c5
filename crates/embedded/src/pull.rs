//! Pulling images into the store, where that is compiled in.

use inline_runtime::{ImageReference, PullOptions, PullStream, Result};

use crate::engine::Engine;
#[cfg(feature = "oci-pull")]
use crate::store::Registries;

/// Pulls an image.
///
/// # Errors
///
/// - [`InvalidConfig`](inline_runtime::ErrorKind::InvalidConfig) if there is no store to pull into.
#[cfg(feature = "oci-pull")]
pub(crate) fn pull(engine: &Engine, image: &ImageReference, options: &PullOptions) -> Result<PullStream> {
    let store = engine.images.store()?;
    let registries = Registries {
        insecure: engine.config.insecure_registries.clone(),
        call_timeout: engine.config.call_timeout,
        timeout: engine.config.pull_timeout,
    };
    Ok(store.pull(image, options, &registries))
}

/// Refuses to pull an image.
///
/// # Errors
///
/// - [`Unsupported`](inline_runtime::ErrorKind::Unsupported), always.
#[cfg(not(feature = "oci-pull"))]
pub(crate) fn pull(engine: &Engine, image: &ImageReference, _: &PullOptions) -> Result<PullStream> {
    engine.capabilities.require(inline_runtime::Capability::Pull)?;
    Err(crate::image::not_found(image))
}
