//! Runs the program on standard input and exits with its code.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use futures::StreamExt;
use inline::{ContainerId, ContainerRuntime, Error, ErrorKind, Event, ExitStatus, ImageReference, Result, Signal};
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::SignalKind;

use crate::container::Limits;
use crate::interactive::listen;
use crate::language::Language;
use crate::pull;

pub(crate) async fn run(
    runtime: Arc<dyn ContainerRuntime>,
    language: Language,
    image: Option<ImageReference>,
) -> Result<ExitCode> {
    let image = image.map_or_else(|| language.image(), Ok)?;
    pull::ensure(&*runtime, &image).await?;
    let spec = Limits::on(&*runtime, language)
        .spec(image)
        .with_cmd(language.program_command());
    // Listened to before there is a container, so that each one that is made is removed.
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let id = runtime.create(&spec).await?;
    let code = tokio::select! {
        code = feed(&*runtime, &id) => code,
        _ = interrupt.recv() => Ok(ExitStatus::from_signal(Signal::INT).shell_code()),
        _ = terminate.recv() => Ok(ExitStatus::from_signal(Signal::TERM).shell_code()),
        _ = hangup.recv() => Ok(ExitStatus::from_signal(Signal::HUP).shell_code()),
    };
    let removed = runtime.remove(&id).await;
    let code = code?;
    removed.map(|()| ExitCode::from(code))
}

async fn feed(runtime: &dyn ContainerRuntime, id: &ContainerId) -> Result<u8> {
    let mut process = runtime.start(id).await?;
    if let Some(mut stdin) = process.stdin.take() {
        // A program that ends before it was read to its end is no error: its exit code tells.
        tokio::spawn(async move {
            let copied = tokio::io::copy(&mut tokio::io::stdin(), &mut stdin).await;
            stdin.shutdown().await.and(copied)
        });
    }
    while let Some(event) = process.events.next().await {
        match event? {
            Event::Stdout(chunk) => print(std::io::stdout(), &chunk)?,
            Event::Stderr(chunk) => print(std::io::stderr(), &chunk)?,
            Event::Exited(status) => {
                if status.is_oom_killed() {
                    eprintln!("out of memory");
                }
                return Ok(status.shell_code());
            }
        }
    }
    Err(Error::new(
        ErrorKind::Unexpected,
        "the program's output ended without its exit",
    ))
}

/// Prints a chunk at once.
pub(crate) fn print(mut to: impl Write, chunk: &[u8]) -> Result<()> {
    to.write_all(chunk)
        .and_then(|()| to.flush())
        .map_err(|error| Error::new(ErrorKind::Unexpected, "nobody reads the output").with_source(error))
}
