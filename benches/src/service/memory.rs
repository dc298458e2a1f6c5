//! What the service takes of memory and CPU while nothing happens.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use inline_sandbox::Program;
use tokio::time::sleep;

use super::Result;
use super::bot::Bot;
use super::process::Process;
use super::subject::{Subject, check, owner};
use crate::bench::Bench;
use crate::figure::{Figure, Goal};
use crate::summary::{Summary, Unit};

/// What the bot may take, in mebibytes, alone and when so many have used it.
const IDLE_GOAL: f64 = 25.0;
const OWNERS_GOAL: f64 = 40.0;
/// What is no more than nothing, in percent, told to one place after the point.
const CPU_GOAL: f64 = 0.05;
const OWNERS: u32 = 100;
const QUICK_OWNERS: u32 = 10;
/// How many containers are made ahead, to see what one takes.
const WARM: u32 = 8;
const AT_ONCE: usize = 4;
const QUIET: Duration = Duration::from_secs(20);
const QUICK_QUIET: Duration = Duration::from_secs(3);
/// How long tasks and buffers are given to go.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = of_service(bench).await?;
    figures.extend(of_warm_containers(bench).await?);
    figures.extend(of_bot(bench).await?);
    Ok(figures)
}

/// Measures this process, which is nothing but a service.
async fn of_service(bench: &Bench) -> Result<Vec<Figure>> {
    let process = Process::own();
    let owners = owners(bench);
    let subject = Subject::changed(bench, |config| config.warm.max_containers = 0).await?;
    sleep(PAUSE).await;
    let idle = process.resident()?;
    run_once_each(&subject, owners).await?;
    sleep(PAUSE).await;
    let with_owners = process.resident()?;
    let cpu = idle_cpu(&process, bench.quick).await?;
    subject.close().await?;
    Ok(vec![
        figure(bench, "service, idle", Unit::Mebibytes, idle, None),
        figure(
            bench,
            format!("service, {owners} owners"),
            Unit::Mebibytes,
            with_owners,
            None,
        ),
        figure(
            bench,
            "service, CPU while nothing happens",
            Unit::Percent,
            cpu,
            Some(CPU_GOAL),
        ),
    ])
}

async fn of_warm_containers(bench: &Bench) -> Result<Vec<Figure>> {
    let process = Process::own();
    let subject = Subject::changed(bench, |config| {
        config.warm.max_containers = WARM as usize;
        config.warm.max_memory = u64::MAX;
    })
    .await?;
    sleep(PAUSE).await;
    let before = process.resident()?;
    run_once_each(&subject, WARM).await?;
    sleep(PAUSE).await;
    let waiting = subject.containers().await?;
    if waiting != WARM as usize {
        return Err(format!("{waiting} containers wait, not {WARM}").into());
    }
    let each = (process.resident()? - before).max(0.0) / f64::from(WARM);
    subject.close().await?;
    Ok(vec![figure(
        bench,
        "service, per warm container",
        Unit::Mebibytes,
        each,
        None,
    )])
}

async fn of_bot(bench: &Bench) -> Result<Vec<Figure>> {
    let owners = owners(bench);
    let mut bot = Bot::start(bench).await?;
    let process = bot.process()?;
    sleep(PAUSE).await;
    let idle = process.resident()?;
    let cpu = idle_cpu(&process, bench.quick).await?;
    for user in 0..owners {
        bot.answer(user).await?;
    }
    sleep(PAUSE).await;
    let with_owners = process.resident()?;
    bot.stop().await?;
    Ok(vec![
        figure(bench, "bot, idle", Unit::Mebibytes, idle, Some(IDLE_GOAL)),
        figure(
            bench,
            "bot, CPU while nothing happens",
            Unit::Percent,
            cpu,
            Some(CPU_GOAL),
        ),
        figure(
            bench,
            format!("bot, {owners} owners"),
            Unit::Mebibytes,
            with_owners,
            Some(OWNERS_GOAL),
        ),
    ])
}

fn figure(bench: &Bench, name: impl Into<String>, unit: Unit, value: f64, goal: Option<f64>) -> Figure {
    Figure::alone(
        name,
        bench.driver(),
        Summary::of(unit, vec![value]),
        goal.map(Goal::AtMost),
    )
}

const fn owners(bench: &Bench) -> u32 {
    if bench.quick { QUICK_OWNERS } else { OWNERS }
}

async fn run_once_each(subject: &Subject, owners: u32) -> Result<()> {
    let runs = (0..owners).map(|number| async move {
        check(
            &subject.run(&owner(number)?, Program::new("python", "print(1)")).await?,
            "1\n",
        )
    });
    stream::iter(runs).buffer_unordered(AT_ONCE).try_collect().await
}

/// Returns the share of one CPU that a process uses over some seconds.
async fn idle_cpu(process: &Process, is_quick: bool) -> Result<f64> {
    let time = if is_quick { QUICK_QUIET } else { QUIET };
    let before = process.cpu_time()?;
    sleep(time).await;
    let used = process.cpu_time()?.saturating_sub(before);
    Ok(used.as_secs_f64() / time.as_secs_f64() * 100.0)
}
