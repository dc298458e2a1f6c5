//! The loop on a terminal: read, run, print.

use std::ops::ControlFlow;
use std::process::ExitCode;

use inline_sandbox::{CellRequest, CellResult, Owner, Progress, SandboxService, Verdict};
use tokio::signal::unix::{SignalKind, signal};

use crate::editor::{Editor, Input};
use crate::output::Output;
use crate::setup::{self, PLACE, find};
use crate::{Result, limits, report};

const HELP: &str = "\
:help              this text
:lang [LANGUAGE]   shows the languages, or changes to one; what was defined in the one before waits there
:reset             starts again, with nothing kept but the files
:limits            shows what a program may use, and what the engine can enforce
:quit              leaves and removes all of it, as Ctrl-D does
Ctrl-C interrupts the program that runs; where it does not heed that, a second one ends it with its interpreter.
An unfinished statement goes on in the next line.";

/// What the loop works on: a sandbox of its own, with a session in each language that was asked for.
struct Repl<'a> {
    service: &'a SandboxService,
    owner: Owner,
    language: String,
}

pub(crate) async fn run(service: &SandboxService, language: String) -> Result<ExitCode> {
    let owner = setup::owner()?;
    // A REPL that was killed has left its files.
    service.delete_sandbox(&owner).await?;
    let mut repl = Repl {
        service,
        owner,
        language,
    };
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    // Until the user leaves or the terminal goes away, also in the middle of a cell.
    let served = tokio::select! {
        served = repl.serve() => served,
        _ = terminations.recv() => Ok(()),
        _ = hangups.recv() => Ok(()),
    };
    let deleted = service.delete_sandbox(&repl.owner).await;
    served?;
    deleted?;
    Ok(ExitCode::SUCCESS)
}

impl Repl<'_> {
    async fn serve(&mut self) -> Result<()> {
        let mut editor = Editor::open()?;
        self.open().await?;
        eprintln!("{} in a container; :help for help, Ctrl-D to leave", self.language);
        loop {
            let done = match editor.read(&self.language).await? {
                Input::End => return Ok(()),
                Input::Nothing => Ok(ControlFlow::Continue(())),
                Input::Command(command) => self.command(&command).await,
                Input::Source(source) => self.cell(&source).await.map(ControlFlow::Continue),
            };
            match done {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                // The next input may fare better.
                Err(error) => report(&*error),
            }
        }
    }

    async fn command(&mut self, command: &str) -> Result<ControlFlow<()>> {
        let mut words = command.split_whitespace();
        match (words.next(), words.next()) {
            (Some("quit" | "q" | "exit"), None) => return Ok(ControlFlow::Break(())),
            (Some("help" | "h"), None) => eprintln!("{HELP}"),
            (Some("reset"), None) => {
                self.service.end_session(&self.owner, &self.language).await;
                self.open().await?;
            }
            (Some("limits"), None) => eprint!("{}", limits::describe(self.service)),
            (Some("lang"), None) => {
                let names: Vec<&str> = self.service.languages().keys().map(String::as_str).collect();
                eprintln!("{} of {}", self.language, names.join(", "));
            }
            (Some("lang"), Some(name)) => {
                let language = find(self.service.languages(), name)?.name.clone();
                let before = std::mem::replace(&mut self.language, language);
                if let Err(error) = self.open().await {
                    self.language = before;
                    return Err(error);
                }
            }
            _ => eprintln!("no command `:{command}`; :help shows those there are"),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Has an interpreter wait, so that the next input does not wait for one.
    async fn open(&self) -> Result<()> {
        let result = self.run("").await?;
        match result.run.verdict {
            Verdict::Ok => Ok(()),
            verdict => Err(format!("there is no interpreter: {verdict}").into()),
        }
    }

    async fn cell(&self, source: &str) -> Result<()> {
        let result = self.run(source).await?;
        if result.is_new {
            eprintln!("the interpreter had ended; a new one has run this, with nothing kept");
        }
        let verdict = result.run.verdict;
        if !result.state_kept {
            eprintln!("{verdict}; a new interpreter starts, with nothing kept");
            return self.open().await;
        }
        if !matches!(verdict, Verdict::Ok | Verdict::NonZero(_) | Verdict::Cancelled) {
            eprintln!("{verdict}");
        }
        Ok(())
    }

    /// Runs one cell, printing as it goes. The first Ctrl-C interrupts it, the second ends it.
    async fn run(&self, source: &str) -> Result<CellResult> {
        // From here on: what was pressed before is none of this cell's business.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let request = CellRequest::new(self.owner.clone(), &self.language, source)
            .with_place(PLACE)
            .with_limits(setup::limits(&self.service.config().limits));
        let mut run = self.service.run_cell(request);
        let mut output = Output::default();
        let mut can_be_interrupted = false;
        loop {
            tokio::select! {
                _ = interrupts.recv() => {
                    if can_be_interrupted {
                        self.service.interrupt_session(&self.owner, &self.language);
                    } else {
                        run.cancel();
                    }
                    can_be_interrupted = false;
                }
                progress = run.next() => match progress {
                    Some(progress) => {
                        can_be_interrupted |= matches!(progress, Progress::Started { .. });
                        output.show(progress).await?;
                    }
                    None => break,
                },
            }
        }
        output.end_line().await?;
        Ok(run.outcome().await?)
    }
}
