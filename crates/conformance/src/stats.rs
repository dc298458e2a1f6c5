//! Measures are the container's own.

use std::time::Duration;

use inline_runtime::{Capability, ErrorKind};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Outcome, ensure};
use crate::programs;

pub(crate) const CASES: &[Case] = case_table![
    "stats":
    measure_the_container[requiring(Capability::Stats)],
    not_running[requiring(Capability::Stats)],
    unknown_container[requiring(Capability::Stats)],
];

/// One container computes and one does nothing: numbers of the whole host would be the same for both.
async fn measure_the_container(bench: &Bench) -> Outcome {
    let (idle, busy) = (bench.idle().await?, bench.idle().await?);
    let before = bench.runtime.stats(&busy.id).await?;
    ensure!(
        (1..=8).contains(&before.pids),
        "{} processes in an idle container",
        before.pids
    );
    ensure!(
        (1..256 << 20).contains(&before.memory),
        "{} bytes of memory in an idle container",
        before.memory
    );
    ensure!(
        before.memory_peak.is_none_or(|peak| peak >= before.memory / 2),
        "a peak of {:?} bytes below {}",
        before.memory_peak,
        before.memory
    );
    bench
        .exec_to_end(&busy.id, programs::SPIN.cmd(&[1]))
        .await?
        .ensure_code(0)?;
    let (after, other) = (
        bench.runtime.stats(&busy.id).await?,
        bench.runtime.stats(&idle.id).await?,
    );
    let used = after.cpu_time.saturating_sub(before.cpu_time);
    ensure!(
        used > Duration::from_millis(10) && used < bench.seconds(10),
        "a second of work took {used:?}"
    );
    ensure!(
        other.cpu_time < before.cpu_time + used,
        "an idle container used {:?}",
        other.cpu_time
    );
    Ok(())
}

async fn not_running(bench: &Bench) -> Outcome {
    let created = bench.runtime.create(&bench.idle_spec()).await?;
    ensure_refused(bench.runtime.stats(&created).await, &[ErrorKind::NotRunning])?;
    let ended = bench.idle().await?;
    bench.kill(&ended.id).await?;
    ended.main.end().await?;
    match bench.runtime.stats(&ended.id).await {
        Ok(stats) => ensure!(
            stats.pids == 0,
            "{} processes in a container that has ended",
            stats.pids
        ),
        refused => {
            ensure_refused(refused, &[ErrorKind::NotRunning])?;
        }
    }
    Ok(())
}

async fn unknown_container(bench: &Bench) -> Outcome {
    let id = bench.idle_spec().name.parse()?;
    ensure_refused(bench.runtime.stats(&id).await, &[ErrorKind::ContainerNotFound])?;
    Ok(())
}
