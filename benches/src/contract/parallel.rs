//! Cold runs by several workers at once: how many there are in a second, and how long each then takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use inline::{ContainerRuntimeExt, Result};

use super::{EXPECTED, MAX_OUTPUT_BYTES, spec};
use crate::answer::{by_command, time};
use crate::bench::Bench;
use crate::by_hand::{self, ByHand};
use crate::embedded;
use crate::figure::{Figure, Floor, Goal};
use crate::summary::{Summary, Unit};
use crate::turns::{Turn, can_run, turn};

const WORKERS: [usize; 5] = [1, 2, 4, 8, 16];
/// The workers at which the engine is to be as busy with ours as with calls by hand.
const JUDGED: usize = 8;
const GOAL: Goal = Goal::AtLeast(1.0);
/// How often each side has all workers to itself, in turn: more often where the goal is.
const ROUNDS: usize = 4;
const JUDGED_ROUNDS: usize = 10;
const QUICK_ROUNDS: usize = 1;
/// How many runs a side makes in its turn, at least two by each worker.
const RUNS: usize = 16;

/// What one side did in all its turns.
#[derive(Default)]
struct Side {
    durations: Vec<Duration>,
    runs_per_second: Vec<f64>,
}

/// Measures ours beside the floor of the driver at each number of workers.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let ours = turn(|| time(EXPECTED, ours(bench)));
    let by_hand = match bench.driver() {
        "embedded" => None,
        _ => Some(ByHand::connect(bench).await?),
    };
    let (name, floor) = match &by_hand {
        Some(by_hand) => {
            let run = move || async move { time(EXPECTED, by_hand.run(&spec(bench))).await };
            (by_hand::NAME, turn(run))
        }
        None => (
            "bwrap",
            turn(|| time(EXPECTED, by_command(embedded::bwrap(&super::CMD)))),
        ),
    };
    let mut figures = Vec::new();
    if !can_run(name, floor()).await? {
        return Ok(figures);
    }
    for workers in WORKERS {
        let (mut one, mut other) = (Side::default(), Side::default());
        let rounds = match workers {
            _ if bench.quick => QUICK_ROUNDS,
            JUDGED => JUDGED_ROUNDS,
            _ => ROUNDS,
        };
        for round in 0..rounds {
            if round % 2 == 0 {
                one.turn(workers, &ours).await?;
                other.turn(workers, &floor).await?;
            } else {
                other.turn(workers, &floor).await?;
                one.turn(workers, &ours).await?;
            }
        }
        figures.extend(beside(bench, workers, one, name, other));
    }
    Ok(figures)
}

fn beside(bench: &Bench, workers: usize, ours: Side, name: &str, floor: Side) -> [Figure; 2] {
    let per_second = |side: &Side| Summary::of(Unit::RunsPerSecond, side.runs_per_second.clone());
    [
        Figure::beside(
            format!("cold runs per second, {workers} in parallel"),
            bench.driver(),
            per_second(&ours),
            Floor::new(name, per_second(&floor)),
            (workers == JUDGED).then_some(GOAL),
        ),
        Figure::beside(
            format!("cold run, {workers} in parallel"),
            bench.driver(),
            Summary::of_durations(ours.durations),
            Floor::new(name, Summary::of_durations(floor.durations)),
            None,
        ),
    ]
}

impl Side {
    /// Lets all workers run at once and counts what they did.
    async fn turn(&mut self, workers: usize, run: &Turn<'_>) -> Result<()> {
        let each = (RUNS / workers).max(2);
        let begin = Instant::now();
        let worker = || async {
            let mut durations = Vec::with_capacity(each);
            for _ in 0..each {
                durations.push(run().await?);
            }
            Ok(durations)
        };
        let durations = try_join_all((0..workers).map(|_| worker())).await?.concat();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a turn has fewer runs than a float has digits"
        )]
        let runs = durations.len() as f64;
        self.runs_per_second.push(runs / begin.elapsed().as_secs_f64());
        self.durations.extend(durations);
        Ok(())
    }
}

async fn ours(bench: &Bench) -> Result<inline::Output> {
    Arc::clone(&bench.runtime).run(&spec(bench), MAX_OUTPUT_BYTES).await
}
