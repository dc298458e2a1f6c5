//! `inline gc`: clears up, at once, what every start and every minute clear up by themselves.

use std::sync::Arc;

use inline::{Container, ContainerRuntime, ListFilter, labels};
use inline_sandbox::{SandboxConfig, SandboxError, SandboxService};

use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::print;

pub(crate) async fn run(setup: &Setup, interrupt: &Interrupt) -> Result<u8> {
    let runtime = interrupt.bound(setup.engine()).await?.runtime;
    let before = interrupt.bound(runtime.list(&ListFilter::default())).await?;
    let mut removed = 0;
    let mut in_use = 0;
    for config in std::iter::once(setup.sandbox.clone()).chain(setup.one_shots()) {
        match interrupt.bound(sweep(&runtime, config, &before)).await {
            Ok(containers) => removed += containers,
            // Whoever has it open clears up there every minute.
            Err(Failure::Sandbox(SandboxError::InUse { .. })) => in_use += 1,
            Err(error) => return Err(error),
        }
    }
    print(format!("removed {removed} containers, and what had expired\n")).await?;
    if in_use > 0 {
        eprintln!("hint: {in_use} base directories are in use, by processes that clear up there themselves");
    }
    Ok(0)
}

/// Opens a service, which clears up, and returns how many of the containers that were there `before` are gone.
async fn sweep(runtime: &Arc<dyn ContainerRuntime>, config: SandboxConfig, before: &[Container]) -> Result<usize> {
    let service = SandboxService::open(Arc::clone(runtime), config).await?;
    let swept = service.sweep().await;
    let left = runtime.list(&ListFilter::instance(service.instance())).await;
    let instance = service.instance().to_owned();
    service.shutdown().await;
    swept?;
    let left = left?;
    let is_ours = |container: &&Container| container.labels.get(labels::INSTANCE) == Some(&instance);
    Ok(before
        .iter()
        .filter(is_ours)
        .filter(|one| left.iter().all(|other| other.id != one.id))
        .count())
}
