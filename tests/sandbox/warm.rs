//! Containers made ahead.

use std::time::{Duration, Instant};

use inline_runtime::Signal;
use inline_sandbox::{Program, RunControl, RunEvent, RunResult, WarmConfig, WarmPool};
use inline_tests::environment::patient;
use libtest_mimic::Failed;
use tokio::sync::mpsc;

use crate::bench::Bench;
use crate::ensure;

async fn run(bench: &Bench, pool: &WarmPool, program: &Program) -> Result<RunResult, Failed> {
    let (sender, mut receiver) = mpsc::channel::<RunEvent>(4);
    tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    let order = bench.order(&program.language).await?;
    let frame = bench.frame(program)?;
    Ok(pool
        .run(&order, &frame, &bench.limits, &sender, &mut RunControl::default())
        .await?)
}

pub(crate) async fn the_next_run_finds_its_interpreter_waiting(bench: &Bench) -> Result<(), Failed> {
    let pool = WarmPool::new(bench.containers.clone(), WarmConfig::default());
    for (language, source) in [
        ("python", "6 * 7"),
        ("node", "6 * 7"),
        ("bash", "echo 42"),
        ("ash", "echo 42"),
    ] {
        let program = Program::new(language, source);
        let begun = Instant::now();
        let cold = run(bench, &pool, &program).await?;
        let cold_time = begun.elapsed();
        ensure(!cold.warm && cold.stdout.to_text() == "42\n", || format!("{cold:?}"))?;
        let mut times = Vec::new();
        for _ in 0..5 {
            pool.replenish(bench.order(language).await?);
            bench.containers.settled().await;
            ensure(pool.len() == 1, || "nothing was made ahead".to_owned())?;
            // The interpreter takes a moment to start.
            tokio::time::sleep(patient(Duration::from_millis(300))?).await;
            let begun = Instant::now();
            let warm = run(bench, &pool, &program).await?;
            times.push(begun.elapsed());
            ensure(warm.warm && warm.stdout.to_text() == "42\n", || format!("{warm:?}"))?;
        }
        times.sort();
        eprintln!("{language}: cold {cold_time:?}, warm {:?} (median of 5)", times[2]);
    }
    pool.clear().await;
    ensure(pool.is_empty(), || "not empty".to_owned())
}

pub(crate) async fn a_container_that_died_is_not_noticed(bench: &Bench) -> Result<(), Failed> {
    let pool = WarmPool::new(bench.containers.clone(), WarmConfig::default());
    for wait in [Duration::ZERO, patient(Duration::from_millis(500))?] {
        let order = bench.order("python").await?;
        pool.replenish(order.clone());
        bench.containers.settled().await;
        let filter = inline::ListFilter::default().with_label("inline.role", "warm");
        for container in bench
            .runtime
            .list(&filter.with_label("inline.owner", bench.owner.to_string()))
            .await?
        {
            if bench.containers.holds(&container.name) {
                bench.runtime.kill(&container.id, Signal::KILL).await?;
            }
        }
        tokio::time::sleep(wait).await;
        let result = run(bench, &pool, &Program::new("python", "6 * 7")).await?;
        ensure(
            result.verdict.is_ok() && !result.warm && result.stdout.to_text() == "42\n",
            || format!("{result:?}"),
        )?;
    }
    Ok(())
}

pub(crate) async fn nothing_is_left_behind(bench: &Bench) -> Result<(), Failed> {
    let pool = WarmPool::new(bench.containers.clone(), WarmConfig::default());
    pool.replenish(bench.order("python").await?);
    pool.replenish(bench.order("bash").await?);
    pool.clear().await;
    bench.containers.settled().await;
    ensure(bench.containers.count() == 0 && pool.is_empty(), || format!("{pool:?}"))?;
    // A future that is dropped in the middle leaves nothing either; `Bench::close` looks.
    let endless = Program::new("python", "while True: pass");
    drop(tokio::time::timeout(Duration::from_millis(900), bench.run(&endless)).await);
    drop(tokio::time::timeout(Duration::from_millis(50), bench.run(&endless)).await);
    Ok(())
}
