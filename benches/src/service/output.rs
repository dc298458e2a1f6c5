//! A gibibyte of output: how fast it is taken in, and what it takes of our memory.

use std::time::Instant;

use inline_sandbox::{Program, Progress, RunRequest, Verdict};
use tokio::io::AsyncReadExt;

use super::process::Process;
use super::subject::{Subject, check, owner};
use super::{Result, host};
use crate::bench::Bench;
use crate::figure::{Figure, Floor, Goal};
use crate::summary::{Summary, Unit};

/// In megabytes for each second, without an engine between.
const EMBEDDED_GOAL: f64 = 200.0;
/// In mebibytes.
const MEMORY_GOAL: f64 = 16.0;
const SAMPLES: usize = 3;
const OUTPUT: u32 = 1 << 30;
const QUICK_OUTPUT: u32 = 1 << 26;
/// How much the floor reads at once: as much as a pipe holds.
const PIPE: usize = 1 << 16;
const PROGRAM: &str = "\
import sys
text = b'0123456789abcde\\n' * 4096
for _ in range(OUTPUT // len(text)):
    sys.stdout.buffer.write(text)
sys.stdout.buffer.flush()
";

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let (expected, size) = if bench.quick {
        (QUICK_OUTPUT, "64 MiB")
    } else {
        (OUTPUT, "1 GiB")
    };
    let source = PROGRAM.replace("OUTPUT", &expected.to_string());
    // What operators have by default ends a program long before.
    let subject = Subject::changed(bench, |config| {
        config.limits.output_max = u64::from(OUTPUT) * 2;
        config.limits.timeout = config.limits.max_timeout;
    })
    .await?;
    let (mut speeds, mut floors, mut growths) = (Vec::new(), Vec::new(), Vec::new());
    // What the first run of a service takes for itself is no output's.
    check(
        &subject.run(&owner(0)?, Program::new("python", "print(1)")).await?,
        "1\n",
    )?;
    for _ in 0..SAMPLES {
        floors.push(on_the_host(&source, expected).await?);
        let process = Process::own();
        let before = process.resident()?;
        process.forget_peak()?;
        let (taken, speed) = take_in(&subject, &source).await?;
        if taken != expected {
            return Err(format!("of {expected} bytes, {taken} came").into());
        }
        speeds.push(speed);
        growths.push((process.peak()? - before).max(0.0));
    }
    subject.close().await?;
    let taken_in = format!("{size} of output, taken in");
    let goal = (bench.driver() == "embedded").then_some(Goal::AtLeast(EMBEDDED_GOAL));
    let speed = Summary::of(Unit::MegabytesPerSecond, speeds);
    let floor = Floor::new(
        "python3 on the host, by a pipe",
        Summary::of(Unit::MegabytesPerSecond, floors),
    );
    Ok(vec![
        Figure::alone(taken_in.as_str(), bench.driver(), speed, goal),
        Figure::beside(taken_in, bench.driver(), speed, floor, None),
        Figure::alone(
            format!("{size} of output, growth of memory"),
            bench.driver(),
            Summary::of(Unit::Mebibytes, growths),
            Some(Goal::AtMost(MEMORY_GOAL)),
        ),
    ])
}

/// Runs a program and reads all that it prints; returns how much that is, and the megabytes for each second of the run.
async fn take_in(subject: &Subject, source: &str) -> Result<(u32, f64)> {
    subject.warm().await?;
    let begin = Instant::now();
    let mut run = subject
        .service
        .run(RunRequest::new(owner(0)?, Program::new("python", source)));
    let mut taken = 0;
    while let Some(progress) = run.next().await {
        if let Progress::Stdout(bytes) = progress {
            taken += u32::try_from(bytes.len())?;
        }
    }
    let result = run.outcome().await?;
    let speed = f64::from(taken) / 1e6 / begin.elapsed().as_secs_f64();
    match result.verdict {
        Verdict::Ok => Ok((taken, speed)),
        other => Err(format!("a program that prints much ended with `{}`", other.name()).into()),
    }
}

async fn on_the_host(source: &str, expected: u32) -> Result<f64> {
    let begin = Instant::now();
    let (mut python, mut stdout) = host::piped(source)?;
    let (mut taken, mut chunk) = (0, vec![0; PIPE]);
    loop {
        match stdout.read(&mut chunk).await? {
            0 => break,
            length => taken += u32::try_from(length)?,
        }
    }
    python.wait().await?;
    if taken != expected {
        return Err(format!("of {expected} bytes, {taken} came from the host").into());
    }
    Ok(f64::from(taken) / 1e6 / begin.elapsed().as_secs_f64())
}
