//! An interactive interpreter in a container: `cargo run --example repl`.
//!
//! On a terminal it reads lines, keeps variables from one to the next and echoes the last expression. With a program on
//! its standard input it runs that, prints its output alone and exits with its code:
//!
//! ```sh
//! echo 'print(6*7)' | cargo run -q --example repl
//! ```

#[path = "repl/editor.rs"]
mod editor;
#[path = "repl/interactive.rs"]
mod interactive;
#[path = "repl/limits.rs"]
mod limits;
#[path = "repl/output.rs"]
mod output;
#[path = "repl/piped.rs"]
mod piped;
#[path = "repl/setup.rs"]
mod setup;

use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use inline::{DriverChoice, ImageReference};
use inline_sandbox::{SandboxError, SandboxService};
use tracing_subscriber::EnvFilter;

use crate::setup::Setup;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Runs python, node or bash in a container that is thrown away at the end.
#[derive(Debug, Parser)]
#[command(name = "repl")]
struct Arguments {
    /// The engine; by default the first that answers.
    #[arg(long)]
    driver: Option<DriverChoice>,
    /// The image; by default the language's own.
    #[arg(long)]
    image: Option<ImageReference>,
    /// The language, by any of its names.
    #[arg(long, default_value = "python")]
    language: String,
    /// The configuration file; by default `inline.toml` if it is there.
    #[arg(long)]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::from_default_env())
        .init();
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            report(&error);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(arguments)).unwrap_or_else(|error| {
        report(&*error);
        ExitCode::FAILURE
    });
    // The line editor may still wait for a key, which nobody will press.
    runtime.shutdown_background();
    code
}

/// Tells a person what went wrong, why, and what to do about it.
fn report(error: &(dyn Error + 'static)) {
    eprintln!("error: {error}");
    let (mut source, mut last) = (error.source(), String::new());
    while let Some(cause) = source {
        let line = cause.to_string();
        // An error that several were told is below the copy of each.
        if line != last {
            eprintln!("  caused by: {line}");
        }
        (source, last) = (cause.source(), line);
    }
    match error.downcast_ref::<SandboxError>() {
        // The cause has told its hint.
        None | Some(SandboxError::Runtime(_)) => {}
        Some(error) => error.hint().into_iter().for_each(|hint| eprintln!("hint: {hint}")),
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let is_terminal = std::io::stdin().is_terminal();
    let setup = Setup::load(arguments)?;
    let detection = inline::detect(&setup.runtime).await?;
    if is_terminal {
        eprintln!("{detection}");
    }
    let service = SandboxService::open_one_shot(detection.runtime, &setup.sandbox).await?;
    let outcome = if is_terminal {
        interactive::run(&service, setup.language).await
    } else {
        piped::run(&service, &setup.language).await
    };
    service.shutdown().await;
    outcome
}
