//! Containers go at once, whatever runs in them, and going twice is no error.

use futures::StreamExt;
use inline_runtime::{ErrorKind, ExecSpec};
use tokio::time::Instant;

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Outcome, ensure, ensure_eq};
use crate::programs;

pub(crate) const CASES: &[Case] = case_table!["remove": twice, running, ends_streams, nothing_left_behind];

async fn twice(bench: &Bench) -> Outcome {
    let id = bench.runtime.create(&bench.idle_spec()).await?;
    bench.runtime.remove(&id).await?;
    ensure_refused(bench.runtime.inspect(&id).await, &[ErrorKind::ContainerNotFound])?;
    bench.runtime.remove(&id).await?;

    let running = bench.idle().await?;
    let id = &running.id;
    futures::try_join!(bench.runtime.remove(id), bench.runtime.remove(id))?;
    bench.ensure_nothing_left().await
}

/// A grace period would show: the program ignores the polite signals.
async fn running(bench: &Bench) -> Outcome {
    let mut stubborn = bench.start(&bench.spec(programs::STUBBORN_TREE.alone())).await?;
    stubborn.main.until_stdout("ready\n").await?;
    let begin = Instant::now();
    bench.runtime.remove(&stubborn.id).await?;
    let taken = begin.elapsed();
    bench.ensure_nothing_left().await?;
    ensure!(taken < bench.seconds(1), "it took {taken:?}");
    Ok(())
}

/// Whoever reads a process hears of its end, though the engine may no longer know how it ended.
async fn ends_streams(bench: &Bench) -> Outcome {
    let mut idle = bench.idle().await?;
    let mut further = bench.exec(&idle.id, &ExecSpec::new(programs::IDLE.alone())).await?;
    bench.runtime.remove(&idle.id).await?;
    let ends = async {
        for events in [&mut idle.main.process.events, &mut further.process.events] {
            while let Some(Ok(_)) = events.next().await {}
        }
        Ok(())
    };
    bench.within(bench.seconds(5), "the end of the streams", ends).await
}

async fn nothing_left_behind(bench: &Bench) -> Outcome {
    let created = bench.runtime.create(&bench.idle_spec()).await?;
    let running = bench.idle().await?;
    let ended = bench.start(&bench.spec(programs::PRINT.cmd(&["", "", "1"]))).await?;
    ended.main.end().await?;
    let detached = bench.idle().await?;
    let cat = ExecSpec::new(programs::CAT.alone()).with_stdin(true);
    drop(bench.exec(&detached.id, &cat).await?);
    drop(detached.main);
    ensure_eq!(bench.list().await?.len(), 4, "the number of containers");
    for id in [&created, &running.id, &ended.id, &detached.id] {
        bench.runtime.remove(id).await?;
    }
    bench.ensure_nothing_left().await
}
