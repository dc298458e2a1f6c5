//! An interactive interpreter in a container: `cargo run --example repl`.
//!
//! On a terminal it reads lines, keeps variables from one to the next and echoes the last expression. With a program on
//! its standard input it runs that, prints its output alone and exits with its code:
//!
//! ```sh
//! echo 'print(6*7)' | cargo run -q --example repl
//! ```

#[path = "repl/container.rs"]
mod container;
#[path = "repl/editor.rs"]
mod editor;
#[path = "repl/interactive.rs"]
mod interactive;
#[path = "repl/language.rs"]
mod language;
#[path = "repl/mark.rs"]
mod mark;
#[path = "repl/piped.rs"]
mod piped;
#[path = "repl/pull.rs"]
mod pull;
#[path = "repl/session.rs"]
mod session;

use std::error::Error as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use inline::{DriverChoice, Environment, ImageReference, Result, RuntimeConfig, Settings};
use inline_sandbox::SandboxConfig;

use crate::language::Language;

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
    /// The language.
    #[arg(long, value_enum, default_value_t)]
    language: Language,
    /// The configuration file; by default `inline.toml` if it is there.
    #[arg(long)]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(arguments)).unwrap_or_else(|error| {
        report(&error);
        ExitCode::FAILURE
    });
    // The line editor may still wait for a key, which nobody will press.
    runtime.shutdown_background();
    code
}

fn report(error: &inline::Error) {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  caused by: {cause}");
        source = cause.source();
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let driver = arguments.driver.map(DriverChoice::name);
    let overrides: Vec<_> = driver.into_iter().map(|name| ("driver", name)).collect();
    let mut settings = Settings::load(arguments.config.as_deref(), &Environment::of_process(), &overrides)?;
    let config: RuntimeConfig = settings.take()?;
    // The rest of the file is for programs with sandboxes; a typing error in it is told all the same.
    let _: SandboxConfig = settings.take()?;
    settings.finish()?;
    let detection = inline::detect(&config).await?;
    container::sweep(&*detection.runtime).await?;
    if std::io::stdin().is_terminal() {
        eprintln!("{detection}");
        interactive::run(detection.runtime, arguments.language, arguments.image).await
    } else {
        piped::run(detection.runtime, arguments.language, arguments.image).await
    }
}
