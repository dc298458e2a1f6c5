//! Runs the program on standard input and exits with its code.

use std::io;
use std::process::ExitCode;

use inline_sandbox::{Program, RunRequest, SandboxService, Verdict};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::Result;
use crate::output::Output;
use crate::setup::{self, PLACE};

/// What a shell adds to the number of the signal that ended a program.
const SIGNAL: i32 = 128;

pub(crate) async fn run(service: &SandboxService, language: &str) -> Result<ExitCode> {
    let limits = &service.config().limits;
    let mut source = Vec::new();
    let max = limits.source_bytes.saturating_add(1);
    tokio::io::stdin().take(max).read_to_end(&mut source).await?;
    limits.check_source(source.len())?;
    let source = String::from_utf8(source).map_err(|_| "the program is not UTF-8")?;
    let program = Program::new(language, source)
        .with_echo(false)
        .with_limits(setup::limits(limits));
    let request = RunRequest::new(setup::owner()?, program).with_place(PLACE);
    let mut run = service.run(request.with_one_shot(true));
    let mut output = Output::default();
    let printed = async {
        while let Some(progress) = run.next().await {
            output.show(progress).await?;
        }
        Ok::<_, io::Error>(())
    };
    let interrupted = tokio::select! {
        // First, so that signals are heard before there is a container.
        biased;
        signal = signalled() => Some(signal?),
        printed = printed => {
            printed?;
            None
        }
    };
    if let Some(signal) = interrupted {
        run.cancel();
        drop(run.outcome().await);
        return Ok(u8::try_from(SIGNAL + signal.as_raw_value())?.into());
    }
    let result = run.outcome().await?;
    if !matches!(result.verdict, Verdict::Ok | Verdict::NonZero(_)) {
        eprintln!("{}", result.verdict);
    }
    Ok(result
        .status
        .map_or(ExitCode::FAILURE, |status| status.shell_code().into()))
}

/// Waits for a signal that asks us to end.
async fn signalled() -> io::Result<SignalKind> {
    let (interrupt, terminate, hangup) = (SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup());
    let mut interrupts = signal(interrupt)?;
    let mut terminations = signal(terminate)?;
    let mut hangups = signal(hangup)?;
    Ok(tokio::select! {
        _ = interrupts.recv() => interrupt,
        _ = terminations.recv() => terminate,
        _ = hangups.recv() => hangup,
    })
}
