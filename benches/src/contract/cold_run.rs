//! A whole container for one program: create, start, collect, remove.

use std::sync::Arc;

use inline::{ContainerRuntimeExt, Result};

use super::{EXPECTED, MAX_OUTPUT_BYTES, spec};
use crate::answer::{by_command, time};
use crate::bench::Bench;
use crate::by_hand::{self, ByHand};
use crate::command_line;
use crate::figure::{Figure, Goal};
use crate::oci_runtime::Bundle;
use crate::turns::{Contest, turn};

/// The contract's own cost may be a twentieth of the engine's.
const BY_HAND_GOAL: Goal = Goal::AtMost(1.05);
/// Nobody should be faster with the command line.
const COMMAND_LINE_GOAL: Goal = Goal::AtMost(1.0);

/// Measures ours beside the same calls made by hand, the engine's command line, and its OCI runtime alone.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let by_hand = &ByHand::connect(bench).await?;
    let bundle = &Bundle::of(bench).await?;
    let ours = turn(|| time(EXPECTED, ours(bench)));
    let mut contest = Contest::new("cold run", ours)
        .beside(
            by_hand::NAME,
            Some(BY_HAND_GOAL),
            turn(move || async move { time(EXPECTED, by_hand.run(&spec(bench))).await }),
        )
        .beside(
            format!("{} run", bench.driver()),
            Some(COMMAND_LINE_GOAL),
            turn(|| time(EXPECTED, by_command(command_line::run(bench, &spec(bench))))),
        );
    if let Some(bundle) = bundle {
        // Without an engine there is no image, no log, no network and nobody to ask: only what the kernel is told.
        contest = contest.beside(bundle.name(), None, turn(move || time(EXPECTED, bundle.run())));
    }
    contest.measure(bench).await
}

async fn ours(bench: &Bench) -> Result<inline::Output> {
    Arc::clone(&bench.runtime).run(&spec(bench), MAX_OUTPUT_BYTES).await
}
