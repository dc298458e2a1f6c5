//! Signals reach the main process, and the one that cannot be caught ends all.

use inline_runtime::{ErrorKind, ExecSpec, Signal, State};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Outcome, ensure, ensure_eq};
use crate::programs;

pub(crate) const CASES: &[Case] = case_table!["kill": signal_arrives, ends_the_tree, unknown_container, not_running];

async fn signal_arrives(bench: &Bench) -> Outcome {
    let mut started = bench.start(&bench.spec(programs::AWAIT_SIGNAL.cmd(&["USR1"]))).await?;
    started.main.until_stdout("ready\n").await?;
    bench.runtime.kill(&started.id, Signal::USR1).await?;
    let limit = bench.seconds(5);
    let printed = bench
        .within(limit, "the end after the signal", started.main.end())
        .await?;
    printed.ensure_code(3)?;
    ensure_eq!(printed.text()?, "ready\ncaught", "the output");
    Ok(())
}

async fn ends_the_tree(bench: &Bench) -> Outcome {
    let mut started = bench.start(&bench.spec(programs::STUBBORN_TREE.alone())).await?;
    started.main.until_stdout("ready\n").await?;
    let mut further = bench
        .exec(&started.id, &ExecSpec::new(programs::STUBBORN_TREE.alone()))
        .await?;
    further.until_stdout("ready\n").await?;

    bench.runtime.kill(&started.id, Signal::TERM).await?;
    ensure!(
        bench.runtime.inspect(&started.id).await?.state.is_running(),
        "a program that ignores SIGTERM ended of it"
    );
    bench.kill(&started.id).await?;
    let ends = async { futures::try_join!(started.main.end(), further.end()) };
    let (main, further) = bench.within(bench.seconds(5), "the end of all processes", ends).await?;
    ensure_eq!(
        main.status.signal(),
        Some(Signal::KILL),
        "the signal that ended the main process"
    );
    ensure!(!main.status.is_oom_killed(), "the kill was taken for a lack of memory");
    ensure!(!further.status.is_success(), "a further process ended by itself");
    let exited = || async {
        let state = bench.runtime.inspect(&started.id).await?.state;
        Ok(matches!(state, State::Exited(_)).then_some(()))
    };
    bench.until(bench.seconds(5), "state exited", exited).await
}

async fn unknown_container(bench: &Bench) -> Outcome {
    let id = bench.idle_spec().name.parse()?;
    ensure_refused(bench.kill(&id).await, &[ErrorKind::ContainerNotFound])?;
    Ok(())
}

async fn not_running(bench: &Bench) -> Outcome {
    let created = bench.runtime.create(&bench.idle_spec()).await?;
    ensure_refused(bench.kill(&created).await, &[ErrorKind::NotRunning])?;
    let ended = bench.idle().await?;
    bench.kill(&ended.id).await?;
    ended.main.end().await?;
    ensure_refused(bench.kill(&ended.id).await, &[ErrorKind::NotRunning])?;
    Ok(())
}
