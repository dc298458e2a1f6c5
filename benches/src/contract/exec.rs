//! A further process in a container that runs already.

use inline::{ContainerRuntimeExt, ExecSpec, Result};

use super::{CMD, EXPECTED, MAX_OUTPUT_BYTES, spec};
use crate::answer::{by_command, time};
use crate::bench::Bench;
use crate::by_hand::{self, ByHand};
use crate::command_line;
use crate::figure::{Figure, Goal};
use crate::turns::{Contest, turn};

const BY_HAND_GOAL: Goal = Goal::AtMost(1.05);
const COMMAND_LINE_GOAL: Goal = Goal::AtMost(1.0);

/// Measures ours beside the same calls made by hand and the engine's command line, all in one container.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let by_hand = &ByHand::connect(bench).await?;
    let id = &bench
        .runtime
        .create(&spec(bench).with_cmd(["sleep", "1000000"]))
        .await?;
    let _main = bench.runtime.start(id).await?;
    let further = &ExecSpec::new(CMD);
    let ours = turn(move || time(EXPECTED, bench.runtime.exec_output(id, further, MAX_OUTPUT_BYTES)));
    let figures = Contest::new("exec", ours)
        .beside(
            by_hand::NAME,
            Some(BY_HAND_GOAL),
            turn(move || time(EXPECTED, by_hand.exec(id, &CMD))),
        )
        .beside(
            format!("{} exec", bench.driver()),
            Some(COMMAND_LINE_GOAL),
            turn(move || time(EXPECTED, by_command(command_line::exec(bench, id, &CMD)))),
        )
        .measure(bench)
        .await?;
    bench.runtime.remove(id).await?;
    Ok(figures)
}
