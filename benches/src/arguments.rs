//! The command line.

use std::path::PathBuf;

use clap::Parser;
use inline::{DriverChoice, ImageReference};

use crate::family::Family;

/// Measures Inline beside its floors, interleaved in one run
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    /// The drivers, parted by commas; by default those that answer
    #[arg(long, value_delimiter = ',')]
    pub(crate) driver: Vec<DriverChoice>,
    /// What to measure, parted by commas; by default everything
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) figures: Vec<Family>,
    /// An image with `echo` and `sleep`; by default alpine, or this machine's programs where there is no engine
    #[arg(long)]
    pub(crate) image: Option<ImageReference>,
    /// An image with `python3`; by default python:3.11-slim, or this machine's programs where there is no engine
    #[arg(long)]
    pub(crate) python: Option<ImageReference>,
    /// Writes the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes the figures as `benchmarks.md` and `benchmarks.svg` in a directory
    #[arg(long, value_name = "DIRECTORY", num_args = 0..=1, default_missing_value = "docs")]
    pub(crate) docs: Option<PathBuf>,
    /// Takes few samples: to see that everything works, not for numbers
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measures figures of the service in this process, which is nothing else then
    #[arg(long, hide = true, requires = "instance")]
    pub(crate) service_child: bool,
    /// The label of what is made; a child has its parent's
    #[arg(long, hide = true)]
    pub(crate) instance: Option<String>,
}
