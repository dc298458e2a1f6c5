//! Runs a further program in a running container.

use inline_runtime::{ContainerId, ErrorKind, ExecSpec, Process, Result};

use crate::engine::Engine;
use crate::plan;

/// Runs a program.
pub(crate) async fn exec(engine: &Engine, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
    spec.validate()?;
    let record = engine.containers.find(id)?;
    let sandbox = record.running()?;
    let program = plan::exec(&record, spec, engine.host)?;
    match sandbox.exec(program, spec.stdin).await {
        Ok(process) => Ok(process),
        Err(error) if error.kind() == ErrorKind::CommandNotFound => Err(plan::explain(error, &record.rootfs)),
        // Where the container has ended meanwhile, that is what went wrong.
        Err(error) => Err(record.running().err().unwrap_or(error)),
    }
}
