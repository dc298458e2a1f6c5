//! Measures Inline beside its floor, interleaved in one run: `cargo run --release -p inline-bench`.
//!
//! The machine's own noise is in both numbers, so the ratio is the one to read.

mod by_hand;
mod cold_run;
mod embedded;
mod figure;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use inline::{DriverChoice, Environment, ImageReference, Result, Settings};

/// Measures Inline beside its floor.
#[derive(Debug, Parser)]
struct Arguments {
    /// The drivers, parted by commas; by default those that answer.
    #[arg(long, value_delimiter = ',')]
    driver: Vec<DriverChoice>,
    /// The image; it needs `true`, and must be on the engine or in a registry.
    #[arg(long, default_value = "alpine:latest")]
    image: ImageReference,
    /// Writes the figures as JSON besides.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Takes few samples: to see that it works, not for numbers.
    #[arg(long)]
    quick: bool,
}

const SAMPLES: usize = 60;
const QUICK_SAMPLES: usize = 5;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let named = !arguments.driver.is_empty();
    let drivers = if named {
        arguments.driver
    } else {
        vec![DriverChoice::Docker, DriverChoice::Podman]
    };
    let samples = if arguments.quick { QUICK_SAMPLES } else { SAMPLES };
    let mut figures = Vec::new();
    for driver in drivers {
        let overrides = [("driver", driver.name())];
        let mut settings = Settings::load(None, &Environment::of_process(), &overrides)?;
        let config = settings.take()?;
        settings.finish()?;
        match inline::connect(&config).await {
            Ok(runtime) if runtime.driver() == "embedded" => figures.extend(embedded::measure(runtime, samples).await?),
            Ok(runtime) => figures.push(cold_run::measure(runtime, &config, &arguments.image, samples).await?),
            Err(error) if named => return Err(error),
            Err(error) => eprintln!("NOT MEASURED: {driver}: {error}"),
        }
    }
    report::print(&figures);
    arguments
        .json
        .map_or(Ok(()), |path| report::write_json(&figures, &path))
}
