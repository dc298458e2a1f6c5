//! Runs of many owners at once, each in a container that was made ahead, beside as many interpreters on the host: what the
//! programs themselves take of the CPU is in both.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use inline_sandbox::Program;

use super::subject::{Subject, check, owner};
use super::warm_run::{OUTPUT, PROGRAM};
use super::{Result, host};
use crate::bench::Bench;
use crate::figure::{Figure, Floor, Goal};
use crate::summary::Summary;

const AT_ONCE: u32 = 8;
/// What limits them is the CPU that the programs need, not us.
const GOAL: f64 = 1.0;
/// A round is as many runs, so that there are fewer of them than of other samples.
const RUNS_FOR_ONE: usize = 6;
const WARM_UP: usize = 2;

pub(super) async fn measure(bench: &Bench) -> Result<Figure> {
    let subject = Subject::changed(bench, |config| {
        config.warm.max_containers = AT_ONCE as usize;
        config.warm.max_memory = u64::MAX;
    })
    .await?;
    all_at_once(&subject).await?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 0..bench.samples.div_ceil(RUNS_FOR_ONE) + WARM_UP {
        subject.all_warm(AT_ONCE as usize).await?;
        let (one, other) = if round % 2 == 0 {
            let one = all_at_once(&subject).await?;
            subject.all_warm(AT_ONCE as usize).await?;
            (one, all_on_the_host().await?)
        } else {
            let other = all_on_the_host().await?;
            (all_at_once(&subject).await?, other)
        };
        if round >= WARM_UP {
            ours.push(one);
            floor.push(other);
        }
    }
    subject.close().await?;
    let floor = Floor::new(format!("{AT_ONCE} python3 on the host"), Summary::of_durations(floor));
    Ok(Figure::beside(
        format!("{AT_ONCE} warm runs at once, last verdict"),
        bench.driver(),
        Summary::of_durations(ours),
        floor,
        Some(Goal::AtMost(GOAL)),
    ))
}

async fn all_at_once(subject: &Subject) -> Result<Duration> {
    let begin = Instant::now();
    let runs = (0..AT_ONCE).map(async |number| {
        let result = subject.run(&owner(number)?, Program::new("python", PROGRAM)).await?;
        check(&result, OUTPUT)
    });
    try_join_all(runs).await?;
    Ok(begin.elapsed())
}

async fn all_on_the_host() -> Result<Duration> {
    let begin = Instant::now();
    try_join_all((0..AT_ONCE).map(|_| host::run(PROGRAM, OUTPUT))).await?;
    Ok(begin.elapsed())
}
