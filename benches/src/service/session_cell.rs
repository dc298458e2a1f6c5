//! A cell in an interpreter that lives.

use std::time::Instant;

use inline_sandbox::CellRequest;

use super::Result;
use super::subject::{Subject, check, owner};
use crate::bench::Bench;
use crate::figure::{Figure, Goal};
use crate::summary::Summary;

/// In milliseconds.
const GOAL: f64 = 2.0;
const WARM_UP: usize = 10;
/// Cells are short, so that there can be more of them than of runs.
const SAMPLES_FOR_ONE: usize = 5;

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let subject = Subject::open(bench).await?;
    let alice = owner(0)?;
    let mut samples = Vec::new();
    for round in 0..bench.samples * SAMPLES_FOR_ONE + WARM_UP {
        let begin = Instant::now();
        let cell = CellRequest::new(alice.clone(), "python", "1+1");
        let result = subject.service.run_cell(cell).outcome().await?;
        let taken = begin.elapsed();
        check(&result.run, "2\n")?;
        if round >= WARM_UP {
            samples.push(taken);
        }
    }
    subject.close().await?;
    let ours = Summary::of_durations(samples);
    Ok(vec![Figure::alone(
        "session cell",
        bench.driver(),
        ours,
        Some(Goal::AtMost(GOAL)),
    )])
}
