//! Measures Inline beside its floors, interleaved in one run: `cargo run --release -p inline-bench`.
//!
//! The machine's own noise is in both numbers, so the ratio is the one to read.

mod answer;
mod arguments;
mod bench;
mod by_hand;
mod command_line;
mod contract;
mod embedded;
mod family;
mod figure;
mod inline_run;
mod oci_runtime;
mod report;
mod run;
mod service;
mod summary;
mod turns;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    match run::run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}
