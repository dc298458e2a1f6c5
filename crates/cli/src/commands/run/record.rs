//! A run as one JSON object.

use std::time::Duration;

use inline_sandbox::{RunResult, Verdict};
use serde::Serialize;

use crate::failure::{Failure, Result};

/// Holds all that is known of a run, under names that do not change.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    verdict: Verdict,
    exit_code: Option<u8>,
    signal: Option<i32>,
    stdout: String,
    stderr: String,
    truncated: bool,
    wall_ms: f64,
    cpu_ms: Option<f64>,
    peak_memory_bytes: Option<u64>,
    driver: &'static str,
    warm: bool,
    artifacts: Vec<File>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    size: u64,
}

impl Record {
    pub(super) fn of(result: &RunResult) -> Self {
        let file = |file: &inline_sandbox::Artifact| File {
            path: file.path.to_string(),
            size: file.size,
        };
        Self {
            verdict: result.verdict,
            exit_code: result.exit_code(),
            signal: result.signal().map(inline::Signal::number),
            stdout: result.stdout.to_text(),
            stderr: result.stderr.to_text(),
            truncated: result.is_truncated(),
            wall_ms: millis(result.usage.wall),
            cpu_ms: result.usage.cpu.map(millis),
            peak_memory_bytes: result.usage.peak_memory,
            driver: result.driver,
            warm: result.warm,
            artifacts: result.artifacts.files.iter().map(file).collect(),
        }
    }

    pub(super) fn to_line(&self) -> Result<String> {
        let mut line =
            serde_json::to_string(self).map_err(|error| Failure::os("writing JSON", std::io::Error::from(error)))?;
        line.push('\n');
        Ok(line)
    }
}

/// Returns milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
