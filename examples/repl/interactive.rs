//! The loop on a terminal: read, run, print.

use std::process::ExitCode;
use std::sync::Arc;

use inline::{ContainerRuntime, Error, ErrorKind, ImageReference, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::container::{self, Limits};
use crate::editor::{Editor, Input};
use crate::language::Language;
use crate::pull;
use crate::session::{Outcome, Session};

const HELP: &str = "\
:help              this text
:lang [LANGUAGE]   shows the languages, or changes to one
:reset             starts again, with nothing kept
:limits            shows what the program may use, and what the engine can enforce
:quit              leaves and removes the container, as Ctrl-D does
Ctrl-C interrupts the program that runs. An unfinished statement goes on in the next line.";

/// What the loop works on.
#[derive(Debug)]
struct Repl {
    runtime: Arc<dyn ContainerRuntime>,
    language: Language,
    image: Option<ImageReference>,
    session: Session,
    /// Listened to all the time: what comes between two waits is not lost.
    interrupts: Signal,
}

pub(crate) async fn run(
    runtime: Arc<dyn ContainerRuntime>,
    language: Language,
    image: Option<ImageReference>,
) -> Result<ExitCode> {
    let session = open(&runtime, language, image.clone()).await?;
    eprintln!("{} in a container; :help for help, Ctrl-D to leave", language.name());
    let interrupts = listen(SignalKind::interrupt())?;
    let mut repl = Repl {
        runtime,
        language,
        image,
        session,
        interrupts,
    };
    let outcome = repl.serve().await;
    let removed = repl.session.end().await;
    outcome?;
    removed.map(|()| ExitCode::SUCCESS)
}

async fn open(
    runtime: &Arc<dyn ContainerRuntime>,
    language: Language,
    image: Option<ImageReference>,
) -> Result<Session> {
    let image = image.map_or_else(|| language.image(), Ok)?;
    pull::ensure(&**runtime, &image).await?;
    Session::start(Arc::clone(runtime), language, image).await
}

/// Listens for a signal from now on.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| Error::new(ErrorKind::Unexpected, "cannot listen for signals").with_source(error))
}

impl Repl {
    /// Serves until the user leaves or the terminal goes away, also in the middle of a cell.
    async fn serve(&mut self) -> Result<()> {
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hangup = listen(SignalKind::hangup())?;
        tokio::select! {
            result = self.serve_inputs() => result,
            _ = terminate.recv() => Ok(()),
            _ = hangup.recv() => Ok(()),
        }
    }

    async fn serve_inputs(&mut self) -> Result<()> {
        let mut editor = Editor::open()?;
        loop {
            match editor.read(self.language).await? {
                Input::End => return Ok(()),
                Input::Nothing => {}
                Input::Command(command) => {
                    if self.command(&command).await?.is_break() {
                        return Ok(());
                    }
                }
                Input::Source(source) => self.cell(&source).await?,
            }
        }
    }

    async fn cell(&mut self, source: &str) -> Result<()> {
        if let Outcome::Ended(status) = self.session.run(source, &mut self.interrupts).await? {
            eprintln!("the interpreter ended with {status}; a new one starts, with nothing kept");
            self.reset(self.language).await?;
        }
        Ok(())
    }

    async fn command(&mut self, command: &str) -> Result<std::ops::ControlFlow<()>> {
        let mut words = command.split_whitespace();
        match (words.next(), words.next()) {
            (Some("quit" | "q" | "exit"), None) => return Ok(std::ops::ControlFlow::Break(())),
            (Some("help" | "h"), None) => eprintln!("{HELP}"),
            (Some("reset"), None) => self.reset(self.language).await?,
            (Some("limits"), None) => {
                let runtime = &*self.runtime;
                eprintln!(
                    "{}\n{} can enforce:",
                    Limits::on(runtime, self.language),
                    runtime.driver()
                );
                eprint!("{}", container::capabilities(runtime));
            }
            (Some("lang"), None) => {
                let names = Language::ALL.map(Language::name).join(", ");
                eprintln!("{} of {names}", self.language.name());
            }
            (Some("lang"), Some(name)) => match Language::ALL.into_iter().find(|language| language.name() == name) {
                // An image that was named on the command line has the language that it was named for.
                Some(language) if self.image.is_some() && language != self.language => {
                    eprintln!(
                        "`--image` was given for {}; start again with `--language {name}`",
                        self.language.name()
                    );
                }
                Some(language) => self.reset(language).await?,
                None => eprintln!("no language `{name}`; :lang shows those there are"),
            },
            _ => eprintln!("no command `:{command}`; :help shows those there are"),
        }
        Ok(std::ops::ControlFlow::Continue(()))
    }

    /// Starts a new session before the old one goes, so that a failure leaves one to work in.
    async fn reset(&mut self, language: Language) -> Result<()> {
        match open(&self.runtime, language, self.image.clone()).await {
            Ok(session) => {
                let old = std::mem::replace(&mut self.session, session);
                self.language = language;
                old.end().await
            }
            Err(error) => {
                eprintln!("error: {error}");
                Ok(())
            }
        }
    }
}
