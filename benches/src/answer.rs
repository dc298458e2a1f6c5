//! Takes the time of an answer, and of right ones only.

use std::process::Stdio;
use std::time::{Duration, Instant};

use inline::{Error, ErrorKind, Output, Result};
use tokio::process::Command;

/// What a program printed to standard output, and its exit code.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: Vec<u8>,
    pub(crate) code: i64,
}

impl From<Output> for Printed {
    fn from(output: Output) -> Self {
        Self {
            stdout: output.stdout,
            code: output.status.shell_code().into(),
        }
    }
}

/// Returns how long `run` took to print `expected` and end with 0.
///
/// # Errors
///
/// - [`ErrorKind::Unexpected`] if it printed or ended otherwise: a wrong answer is no sample.
pub(crate) async fn time<P: Into<Printed>>(expected: &str, run: impl Future<Output = Result<P>>) -> Result<Duration> {
    let begin = Instant::now();
    let printed = run.await?.into();
    let taken = begin.elapsed();
    if printed.stdout == expected.as_bytes() && printed.code == 0 {
        return Ok(taken);
    }
    let text = String::from_utf8_lossy(&printed.stdout);
    Err(Error::new(
        ErrorKind::Unexpected,
        format!(
            "a run printed `{}` and ended with {}",
            text.escape_debug(),
            printed.code
        ),
    ))
}

/// Runs a program of this machine to its end; it dies with the future.
///
/// # Errors
///
/// - [`ErrorKind::CommandNotFound`] if it cannot be run.
pub(crate) async fn by_command(mut command: Command) -> Result<Printed> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| {
            let program = command.as_std().get_program().display();
            Error::new(ErrorKind::CommandNotFound, format!("`{program}` cannot be run")).with_source(error)
        })?;
    if !output.status.success() {
        let program = command.as_std().get_program().display();
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Error::new(
            ErrorKind::Unexpected,
            format!("`{program}` ended with {}: {}", output.status, text.trim_end()),
        ));
    }
    Ok(Printed {
        stdout: output.stdout,
        code: 0,
    })
}
