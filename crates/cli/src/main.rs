//! `inline`: runs programs in containers that are thrown away, from the command line.
//!
//! Standard output carries what a program prints, or what a command was asked for; everything else goes to standard error.

mod arguments;
mod commands;
mod exit;
mod failure;
mod follow;
mod input;
mod interrupt;
mod open;
mod print;
mod pull;
mod text;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// What goes wrong in a command is told when it ends; the service has many who ask, and tells at once.
const DEFAULT_LOG: &str = "warn,inline_sandbox=error,rmcp=off";
/// Nobody waits for a bot to end; what its connection has to say is of no use to its operator.
const BOT_LOG: &str = "info,serenity=warn,poise=warn";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let log = match arguments.command {
        Command::Bot(_) => BOT_LOG,
        _ => DEFAULT_LOG,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(log)))
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            Failure::os("starting", error).report();
            return exit::OWN_FAILURE.into();
        }
    };
    let code = runtime.block_on(run(arguments));
    // A read of standard input may still wait, for what nobody will type.
    runtime.shutdown_background();
    code.into()
}

async fn run(arguments: Arguments) -> u8 {
    let interrupt = Interrupt::default();
    // Programs have exit codes of their own, which ours must not be taken for.
    let own_failure = match arguments.command {
        Command::Run(_) => exit::RUN_FAILURE,
        _ => exit::OWN_FAILURE,
    };
    // What watches over a service starts it again, where that can help.
    let is_service = matches!(arguments.command, Command::Bot(_));
    let outcome = tokio::select! {
        // First, so that signals are heard before there is anything to clear up.
        biased;
        heard = interrupt.hear() => heard,
        outcome = commands::run(arguments, &interrupt) => outcome,
    };
    outcome.unwrap_or_else(|failure| match failure {
        Failure::Interrupted => interrupt.code(),
        failure => {
            failure.report();
            if is_service && failure.is_for_the_operator() {
                exit::CONFIGURATION
            } else {
                own_failure
            }
        }
    })
}
