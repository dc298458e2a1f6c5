//! A persistent interpreter in a container of its own.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt;
use inline::{
    ContainerId, ContainerRuntime, ContainerRuntimeExt, Error, ErrorKind, Event, ExecSpec, ExitStatus, ImageReference,
    Process, Result, Signal,
};
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::Signal as Interrupts;

use crate::container::Limits;
use crate::language::Language;
use crate::mark::MarkFinder;
use crate::piped::print;

/// An interpreter that keeps its variables from cell to cell.
#[derive(Debug)]
pub(crate) struct Session {
    runtime: Arc<dyn ContainerRuntime>,
    id: ContainerId,
    process: Process,
}

/// How a cell came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// The interpreter waits for the next.
    Done,
    /// It ended the interpreter.
    Ended(ExitStatus),
}

impl Session {
    pub(crate) async fn start(
        runtime: Arc<dyn ContainerRuntime>,
        language: Language,
        image: ImageReference,
    ) -> Result<Self> {
        let spec = Limits::on(&*runtime, language)
            .spec(image)
            .with_cmd(language.session_command());
        let id = runtime.create(&spec).await?;
        match runtime.start(&id).await {
            Ok(process) => Ok(Self { runtime, id, process }),
            Err(error) => {
                // The error of the start is the one that tells; what is left is found by its label at the next start.
                let _ = runtime.remove(&id).await;
                Err(error)
            }
        }
    }

    /// Runs one cell, printing as it goes; each of `interrupts` interrupts the cell.
    pub(crate) async fn run(&mut self, source: &str, interrupts: &mut Interrupts) -> Result<Outcome> {
        let mark = random_mark()?;
        let line = format!("{mark} {}\n", BASE64_STANDARD.encode(source));
        let Some(stdin) = &mut self.process.stdin else {
            return Err(Error::new(ErrorKind::Unexpected, "the interpreter has no input"));
        };
        // A write fails when the interpreter has ended; its exit, which comes next, says how.
        let _ = stdin.write_all(line.as_bytes()).await;
        let _ = stdin.flush().await;
        let (mut stdout, mut stderr) = (MarkFinder::new(&mark), MarkFinder::new(&mark));
        while !(stdout.found() && stderr.found()) {
            let event = tokio::select! {
                event = self.process.events.next() => event,
                _ = interrupts.recv() => {
                    self.interrupt().await?;
                    continue;
                }
            };
            match event {
                Some(Ok(Event::Stdout(chunk))) => print(std::io::stdout(), &stdout.push(&chunk))?,
                Some(Ok(Event::Stderr(chunk))) => print(std::io::stderr(), &stderr.push(&chunk))?,
                Some(Ok(Event::Exited(status))) => return Ok(Outcome::Ended(status)),
                Some(Err(error)) => return Err(error),
                None => {
                    return Err(Error::new(
                        ErrorKind::Unexpected,
                        "the interpreter's output ended without its exit",
                    ));
                }
            }
        }
        Ok(Outcome::Done)
    }

    /// Interrupts the interpreter, and then what it started: a signal to the container reaches its first process only.
    ///
    /// Waits until both are done, so that neither hits the next cell.
    async fn interrupt(&self) -> Result<()> {
        let rest = ExecSpec::new(["sh", "-c", "kill -INT -1"]);
        let interrupted = async {
            self.runtime.kill(&self.id, Signal::INT).await?;
            self.runtime.exec_output(&self.id, &rest, 0).await
        };
        match interrupted.await {
            // It has ended meanwhile; its exit, which comes next, says how.
            Err(error) if error.kind() == ErrorKind::NotRunning => Ok(()),
            result => result.map(drop),
        }
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.runtime.remove(&self.id).await
    }
}

/// Marks cannot be guessed, so a program cannot print one by chance.
fn random_mark() -> Result<String> {
    let bits = getrandom::u64()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no random numbers on this machine").with_source(error))?;
    Ok(format!("\u{1}inline-{bits:016x}\u{1}"))
}
