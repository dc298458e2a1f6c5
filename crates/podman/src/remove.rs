//! Removes a container, whatever state it is in.

use std::time::Duration;

use inline_runtime::{ContainerId, ErrorKind, Result};
use podman_api::opts::ContainerDeleteOpts;

use crate::engine::Engine;

/// How often a removal is tried that meets the service's own clean-up of the same container, and how long apart.
const MAX_TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// Removes a container and returns when it is gone.
pub(crate) async fn remove(engine: &Engine, id: &ContainerId) -> Result<()> {
    engine.known.forget(id);
    // Without the time-out the service waits ten seconds for the program to end by itself.
    let options = ContainerDeleteOpts::builder()
        .force(true)
        .timeout(0)
        .volumes(true)
        .build();
    let container = engine.client.podman.containers().get(id.as_str());
    for _ in 1..MAX_TRIES {
        match engine.client.bounded("delete", container.delete(&options)).await {
            Err(error) if error.kind() == ErrorKind::NotRunning => tokio::time::sleep(PAUSE).await,
            removed => return absent_is_gone(removed),
        }
    }
    absent_is_gone(engine.client.bounded("delete", container.delete(&options)).await)
}

fn absent_is_gone(removed: Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::ContainerNotFound => Ok(()),
        removed => removed,
    }
}
