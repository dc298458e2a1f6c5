//! From a program's print to our event, beside the same program on the host with a pipe to us.

use std::time::Duration;

use inline_sandbox::{Program, Progress, RunRequest, Verdict};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::subject::{Subject, owner};
use super::{Result, host};
use crate::bench::Bench;
use crate::figure::{Figure, Floor};
use crate::summary::Summary;

/// A run has more lines than there are samples of anything else.
const LINES_FOR_ONE: usize = 4;
const WARM_UP: usize = 5;
/// Prints the time, with the clock that the whole machine has in common.
const PROGRAM: &str = "\
import time
for _ in range(LINES):
    print(time.clock_gettime_ns(time.CLOCK_MONOTONIC), flush=True)
    time.sleep(0.01)
";

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let lines = bench.samples * LINES_FOR_ONE + WARM_UP;
    let source = PROGRAM.replace("LINES", &lines.to_string());
    let floor = on_the_host(&source).await?;
    let subject = Subject::open(bench).await?;
    let ours = in_the_service(&subject, source).await?;
    subject.close().await?;
    if (ours.len(), floor.len()) != (lines, lines) {
        return Err(format!("of {lines} lines, {} and {} came", ours.len(), floor.len()).into());
    }
    let summary = |delays: Vec<Duration>| Summary::of_durations(delays[WARM_UP..].to_vec());
    Ok(vec![Figure::beside(
        "print to event",
        bench.driver(),
        summary(ours),
        Floor::new("python3 on the host, by a pipe", summary(floor)),
        None,
    )])
}

async fn in_the_service(subject: &Subject, source: String) -> Result<Vec<Duration>> {
    let mut run = subject
        .service
        .run(RunRequest::new(owner(0)?, Program::new("python", source)));
    let (mut delays, mut partial) = (Vec::new(), Vec::new());
    while let Some(progress) = run.next().await {
        let now = now();
        if let Progress::Stdout(bytes) = progress {
            partial.extend_from_slice(&bytes);
            while let Some(end) = partial.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = partial.drain(..=end).collect();
                delays.push(delay(&String::from_utf8(line)?, now)?);
            }
        }
    }
    match run.outcome().await?.verdict {
        Verdict::Ok => Ok(delays),
        other => Err(format!("a program ended with `{}`", other.name()).into()),
    }
}

async fn on_the_host(source: &str) -> Result<Vec<Duration>> {
    let (mut python, stdout) = host::piped(source)?;
    let (mut lines, mut delays) = (BufReader::new(stdout).lines(), Vec::new());
    while let Some(line) = lines.next_line().await? {
        delays.push(delay(&line, now())?);
    }
    python.wait().await?;
    Ok(delays)
}

fn delay(line: &str, now: Duration) -> Result<Duration> {
    let printed = Duration::from_nanos(line.trim().parse()?);
    Ok(now.checked_sub(printed).ok_or("a line came before it was printed")?)
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}
