//! The interpreter of this machine, without any sandbox: the floor of what runs in it.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdout, Command};

use super::Result;
use crate::answer::{by_command, time};

/// Not the first of `PATH`, which may be a script that looks for the interpreter.
const PYTHON: &str = "/usr/bin/python3";

/// Returns a command that runs the interpreter.
pub(super) fn python() -> Command {
    Command::new(PYTHON)
}

/// Starts the interpreter on `source`; returns it with its output, which comes by a pipe. Dropping it ends it.
pub(super) fn piped(source: &str) -> Result<(Child, ChildStdout)> {
    let mut child = python()
        .args(["-c", source])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("no pipe")?;
    Ok((child, stdout))
}

/// Returns how long the interpreter takes to run `source` and print `expected`, from start to end.
pub(super) async fn run(source: &str, expected: &str) -> Result<Duration> {
    let mut command = python();
    command.args(["-c", source]);
    Ok(time(expected, by_command(command)).await?)
}
