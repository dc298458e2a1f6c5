//! A run whose container was made ahead, and one that comes too soon for that, beside the interpreter on the host.

use std::time::{Duration, Instant};

use inline_sandbox::{Owner, Program, Progress, RunRequest};

use super::subject::{Subject, check, owner};
use super::{Result, host};
use crate::bench::Bench;
use crate::figure::{Figure, Floor, Goal};
use crate::summary::Summary;

pub(super) const PROGRAM: &str = "print(1)";
pub(super) const OUTPUT: &str = "1\n";
/// With an engine the answer may take as long as the interpreter alone, and its first byte less.
const VERDICT_GOAL: f64 = 1.0;
const FIRST_BYTE_GOAL: f64 = 0.6;
/// Without an engine there is nothing else to wait for.
const EMBEDDED_VERDICT_GOAL: f64 = 0.6;
const WARM_UP: usize = 3;

/// The times of runs, each from when it was asked for.
#[derive(Default)]
struct Samples {
    first_byte: Vec<Duration>,
    verdict: Vec<Duration>,
    gone: Vec<Duration>,
    next: Vec<Duration>,
    python: Vec<Duration>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let subject = Subject::open(bench).await?;
    let alice = owner(0)?;
    // The first one has nothing made ahead; the others find what it leaves.
    check(&subject.run(&alice, Program::new("python", PROGRAM)).await?, OUTPUT)?;
    rounds(&subject, &alice, WARM_UP, &mut Samples::default()).await?;
    let mut samples = Samples::default();
    rounds(&subject, &alice, bench.samples, &mut samples).await?;
    subject.close().await?;

    let driver = bench.driver();
    let python = Summary::of_durations(samples.python);
    let figure = |name, ours, goal| {
        let floor = Floor::new("python3 on the host", python);
        Figure::beside(name, driver, Summary::of_durations(ours), floor, goal)
    };
    let (first_byte_goal, verdict_goal) = match driver {
        "embedded" => (None, EMBEDDED_VERDICT_GOAL),
        _ => (Some(Goal::AtMost(FIRST_BYTE_GOAL)), VERDICT_GOAL),
    };
    Ok(vec![
        figure("warm run, first byte", samples.first_byte, first_byte_goal),
        figure("warm run, verdict", samples.verdict, Some(Goal::AtMost(verdict_goal))),
        figure("warm run, container gone", samples.gone, None),
        figure("run right after another, verdict", samples.next, None),
    ])
}

/// Measures `count` runs and the host as often; what comes after a run is its container's end and another run in turn.
///
/// Neither the host nor a run always comes first, and both find a machine on which nothing is being made or removed.
async fn rounds(subject: &Subject, owner: &Owner, count: usize, samples: &mut Samples) -> Result<()> {
    for number in 0..count {
        let container = subject.warm().await?;
        if number % 2 == 0 {
            samples.python.push(host::run(PROGRAM, OUTPUT).await?);
            let begin = run_warm(subject, owner, samples).await?;
            subject.gone(&container).await?;
            samples.gone.push(begin.elapsed());
        } else {
            run_warm(subject, owner, samples).await?;
            // A container may or may not be ready for it.
            let begin = Instant::now();
            check(&subject.run(owner, Program::new("python", PROGRAM)).await?, OUTPUT)?;
            samples.next.push(begin.elapsed());
            subject.warm().await?;
            samples.python.push(host::run(PROGRAM, OUTPUT).await?);
        }
    }
    Ok(())
}

/// Measures a run whose container waits, and returns when it was asked for.
async fn run_warm(subject: &Subject, owner: &Owner, samples: &mut Samples) -> Result<Instant> {
    let begin = Instant::now();
    let mut run = subject
        .service
        .run(RunRequest::new(owner.clone(), Program::new("python", PROGRAM)));
    let (mut first_byte, mut is_warm) = (None, false);
    while let Some(progress) = run.next().await {
        match progress {
            Progress::Started { warm } => is_warm = warm,
            Progress::Stdout(_) if first_byte.is_none() => first_byte = Some(begin.elapsed()),
            _ => {}
        }
    }
    let result = run.outcome().await?;
    let verdict = begin.elapsed();
    check(&result, OUTPUT)?;
    let first_byte = first_byte
        .filter(|_| is_warm)
        .ok_or("a container that waited was not used")?;
    samples.first_byte.push(first_byte);
    samples.verdict.push(verdict);
    Ok(begin)
}
