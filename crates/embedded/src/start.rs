//! Runs the main program of a container, in a sandbox of its own.

use std::sync::Arc;

use inline_runtime::{ContainerId, ContainerSpec, ErrorKind, Process, Result};

use crate::container::Record;
use crate::create::record;
use crate::engine::{Engine, blocking, ended_early};
use crate::error::no_helper;
use crate::host_user::{Block, HostUser};
use crate::image::Rootfs;
use crate::limits::Limits;
use crate::plan;
use crate::sandbox::{Resources, Sandbox};
use crate::spawn::{Helper, Trust};

/// Starts a container.
///
/// It goes on when the future is dropped, so that nobody has to wonder how far it came.
pub(crate) async fn start(engine: &Arc<Engine>, id: &ContainerId) -> Result<Process> {
    let record = engine.containers.find(id)?;
    let engine = Arc::clone(engine);
    let started = tokio::spawn(async move {
        let _changing = record.changing.lock().await;
        record.ensure_startable()?;
        let (sandbox, process) = launch(&engine, &record, Trust::Proven).await?;
        record.note_started(sandbox);
        Ok(process)
    });
    started.await.unwrap_or_else(|error| Err(ended_early(error)))
}

/// Makes sure that sandboxes can be made, by making one.
///
/// # Errors
///
/// - What keeps this machine from it, with the cure.
pub(crate) async fn prove(engine: &Engine) -> Result<()> {
    let spec = ContainerSpec::new("host".parse()?, "inline").with_cmd(["true"]);
    let record = record(engine, spec, Rootfs::Host)?;
    match launch(engine, &record, Trust::None).await {
        Ok((sandbox, _process)) => sandbox.end().await,
        // A machine without this program has got as far as looking for it.
        Err(error) if error.kind() == ErrorKind::CommandNotFound => Ok(()),
        Err(error) => Err(error),
    }
}

async fn launch(engine: &Engine, record: &Record, trust: Trust) -> Result<(Sandbox, Process)> {
    let spec = &record.spec;
    let helper = Helper::start().map_err(no_helper)?;
    let block = match engine.host {
        HostUser::Root => Some(Block::take()?),
        HostUser::User { .. } => None,
    };
    let (limiter, name, limits) = (engine.limiter.clone(), record.id.to_string(), Limits::of(spec));
    let place = blocking(move || limiter.place(&name, &limits)).await?;
    let launch = plan::launch(record, engine.host, block.as_ref(), place.rlimits(), &engine.config)?;
    let resources = Resources {
        place,
        block,
        image: record.rootfs.stored(),
        filter: engine.filter(&spec.seccomp)?,
        trust,
        call_timeout: engine.config.call_timeout,
    };
    let launched = Sandbox::launch(helper, launch, spec.stdin, resources).await;
    launched.map_err(|error| plan::explain(error, &record.rootfs))
}
