//! The interpreter of this machine, without any sandbox: the floor of what runs in it.

use std::time::Duration;

use tokio::process::Command;

use super::Result;
use crate::answer::{by_command, time};

/// Not the first of `PATH`, which may be a script that looks for the interpreter.
const PYTHON: &str = "/usr/bin/python3";

/// Returns a command that runs the interpreter.
pub(super) fn python() -> Command {
    Command::new(PYTHON)
}

/// Returns how long the interpreter takes to run `source` and print `expected`, from start to end.
pub(super) async fn run(source: &str, expected: &str) -> Result<Duration> {
    let mut command = python();
    command.args(["-c", source]);
    Ok(time(expected, by_command(command)).await?)
}
