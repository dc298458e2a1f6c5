//! The audit as lines of JSON.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::store::{NewRun, RunOutcome};
use crate::{Limits, Owner};

/// One line: a run that ended. Times are milliseconds, those of the calendar since the epoch.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    owner: &'a Owner,
    place: &'a str,
    language: &'a str,
    source_sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    limits: &'a Limits,
    verdict: &'static str,
    exit_code: Option<u8>,
    signal: Option<i32>,
    started_ms: u128,
    ended_ms: u128,
    wall_ms: u128,
    cpu_ms: Option<u128>,
    peak_memory_bytes: Option<u64>,
}

/// Appends a run to the file at `path`, which is opened anew each time, so that it can be moved away and packed.
pub(super) async fn append(path: PathBuf, run: &NewRun, outcome: &RunOutcome) {
    let (exit_code, signal) = match outcome.verdict {
        crate::Verdict::Ok => (Some(0), None),
        crate::Verdict::NonZero(code) => (Some(code), None),
        crate::Verdict::Signal(signal) => (None, Some(signal.number())),
        _ => (None, None),
    };
    let line = Line {
        id: &run.id,
        owner: &run.owner,
        place: &run.place,
        language: &run.language,
        source_sha256: &run.source_sha256,
        source: run.source.as_deref(),
        limits: &run.limits,
        verdict: outcome.verdict.name(),
        exit_code,
        signal,
        started_ms: millis(run.started),
        ended_ms: millis(outcome.ended),
        wall_ms: outcome.usage.wall.as_millis(),
        cpu_ms: outcome.usage.cpu.map(|cpu| cpu.as_millis()),
        peak_memory_bytes: outcome.usage.peak_memory,
    };
    let Ok(mut line) = serde_json::to_vec(&line) else {
        return;
    };
    line.push(b'\n');
    let shown = path.display().to_string();
    let write = move || {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        // One call, so that lines of several writers do not mix.
        file.write_all(&line)
    };
    let written = tokio::task::spawn_blocking(write).await;
    if let Ok(Err(error)) = written {
        // The store has the record, too.
        tracing::error!(path = shown, %error, "a line of the audit was not written");
    }
}

fn millis(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
