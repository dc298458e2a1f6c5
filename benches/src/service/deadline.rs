//! From a program's deadline to the last of its processes gone, as the host sees them.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use inline_sandbox::{LimitRequest, Program, RunRequest, Verdict};
use tokio::time::{sleep, timeout};

use super::Result;
use super::subject::{Subject, check, owner};
use crate::bench::Bench;
use crate::figure::{Figure, Goal};
use crate::summary::Summary;

/// In milliseconds, of all but one in a hundred.
const GOAL: f64 = 150.0;
/// Long enough for a program to take up its position.
const TIMEOUT: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(10);
const PROCESSES: usize = 3;
/// Ignores what can be ignored, and leaves a child in a session of its own and a grandchild without a parent.
///
/// What is ignored stays so in the program that each becomes, whose name is the mark.
const PROGRAM: &str = "\
import os, signal
for number in range(1, signal.NSIG):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
if os.fork() == 0:
    os.setsid()
    os.fork()
os.execv('/bin/sleep', ['MARK', '1000'])
";

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let subject = Subject::open(bench).await?;
    check(
        &subject.run(&owner(0)?, Program::new("python", "print(1)")).await?,
        "1\n",
    )?;
    let mut samples = Vec::new();
    for round in 0..bench.samples {
        subject.warm().await?;
        samples.push(sample(&subject, &format!("{}-{round}", bench.instance)).await?);
    }
    subject.close().await?;
    let ours = Summary::of_durations(samples);
    Ok(vec![Figure::alone(
        "deadline to last process gone",
        bench.driver(),
        ours,
        Some(Goal::P99AtMost(GOAL)),
    )])
}

async fn sample(subject: &Subject, mark: &str) -> Result<Duration> {
    let limits = LimitRequest {
        timeout: Some(TIMEOUT),
        ..LimitRequest::default()
    };
    let program = Program::new("python", PROGRAM.replace("MARK", mark)).with_limits(limits);
    // What it takes to send the program, which the service does not count, counts against it here.
    let deadline = Instant::now() + TIMEOUT;
    let run = subject.service.run(RunRequest::new(owner(0)?, program));
    let processes = timeout(TIMEOUT, all_of(mark)).await??;
    let gone = timeout(PATIENCE, async {
        while processes.iter().any(|process| is_of(mark, process)) {
            sleep(POLL).await;
        }
        Instant::now()
    })
    .await?;
    let late = gone
        .checked_duration_since(deadline)
        .ok_or("a program was gone before its deadline")?;
    let result = run.outcome().await?;
    if result.verdict != Verdict::Timeout {
        return Err(format!("a program that never ends ended with `{}`", result.verdict.name()).into());
    }
    Ok(late)
}

/// Waits for all processes of the program, and returns their ids on the host.
async fn all_of(mark: &str) -> Result<BTreeSet<String>> {
    loop {
        let processes: BTreeSet<String> = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && is_of(mark, name))
            .collect();
        if processes.len() == PROCESSES {
            return Ok(processes);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Returns whether a process lives and is the program's; one that is dead has no command line any more.
fn is_of(mark: &str, process: &str) -> bool {
    let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    command.split(|byte| *byte == 0).next() == Some(mark.as_bytes())
}
