//! A thousand runs, and what grows with them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use inline_sandbox::Program;
use tokio::time::sleep;

use super::Result;
use super::process::Process;
use super::subject::{Subject, check, owner};
use crate::bench::Bench;
use crate::figure::{Figure, Goal};
use crate::summary::{Summary, Unit};

const RUNS: u32 = 1000;
const QUICK_RUNS: u32 = 100;
/// Runs after which everything is open that stays open.
const WARM_UP: u32 = 48;
const OWNERS: u32 = 4;
/// How many runs go on at once while that is opened: enough to keep every connection to the store busy.
const WARM_UP_AT_ONCE: u32 = 16;
/// How long what was just removed may still be held.
const SETTLING: Duration = Duration::from_secs(1);
/// What an allocator may keep, in mebibytes.
const MEMORY_GOAL: f64 = 8.0;

/// What is held, on the host and on the engine.
struct Held {
    memory: f64,
    descriptors: f64,
    containers: f64,
    files: f64,
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let subject = Subject::open(bench).await?;
    let runs = if bench.quick { QUICK_RUNS } else { RUNS };
    batch(&subject, WARM_UP, WARM_UP_AT_ONCE).await?;
    let before = held(&subject).await?;
    batch(&subject, runs, OWNERS).await?;
    let after = held(&subject).await?;
    subject.close().await?;
    let figure = |what, unit, of: fn(&Held) -> f64, goal| {
        let grown = Summary::of(unit, vec![of(&after) - of(&before)]);
        let name = format!("{runs} runs, {what}");
        Figure::alone(name, bench.driver(), grown, Some(Goal::AtMost(goal)))
    };
    Ok(vec![
        figure("growth of memory", Unit::Mebibytes, |held| held.memory, MEMORY_GOAL),
        figure("more open files", Unit::Count, |held| held.descriptors, 0.0),
        figure("more containers", Unit::Count, |held| held.containers, 0.0),
        figure("more files in the base directory", Unit::Count, |held| held.files, 0.0),
    ])
}

/// Runs `count` programs, `at_once` of them at a time, each of another owner.
async fn batch(subject: &Subject, count: u32, at_once: u32) -> Result<()> {
    let runs = (0..count).map(|number| async move {
        let program = Program::new("bash", format!("echo {number} > file; cat file"));
        let result = subject.run(&owner(number % at_once)?, program).await?;
        check(&result, &format!("{number}\n"))
    });
    // One owner's runs share a workspace, and so follow each other.
    stream::iter(runs).buffered(at_once as usize).try_collect().await
}

async fn held(subject: &Subject) -> Result<Held> {
    subject.service.cleanup_all().await?;
    sleep(SETTLING).await;
    let process = Process::own();
    Ok(Held {
        memory: process.resident()?,
        descriptors: count(process.descriptors()?)?,
        containers: count(subject.containers().await?)?,
        files: count(files_below(subject.directory.path())?)?,
    })
}

fn files_below(directory: &Path) -> Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        files += 1;
        if entry.file_type()?.is_dir() {
            files += files_below(&entry.path())?;
        }
    }
    Ok(files)
}

fn count(number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}
