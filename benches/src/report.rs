//! Tells what was measured: on the terminal, as JSON, and as a page with a chart.

mod chart;
mod json;
mod machine;
mod page;
mod table;

use std::error::Error as _;
use std::path::Path;

use inline::{Error, ErrorKind, Info, Result};

use self::machine::Machine;
use crate::figure::Figure;

/// All figures of one run, and the machine they are of.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    figures: Vec<Figure>,
    /// What was to be measured and was not.
    missing: Vec<String>,
    /// Whether the samples are too few for numbers to be believed.
    quick: bool,
}

impl Report {
    pub(crate) fn new(quick: bool) -> Self {
        Self {
            machine: Machine::this(),
            figures: Vec::new(),
            missing: Vec::new(),
            quick,
        }
    }

    /// Adds what an engine says of itself.
    pub(crate) fn add_engine(&mut self, info: &Info) {
        self.machine.add_engine(info);
    }

    /// Adds a figure and prints it.
    pub(crate) fn add(&mut self, figure: Figure) {
        eprintln!("{}", table::line(&figure));
        self.figures.push(figure);
    }

    /// Tells that figures are missing, and why.
    pub(crate) fn leave_out(&mut self, what: &str, error: &Error) {
        not_measured(what, error);
        self.missing.push(what.to_owned());
    }

    /// Returns whether all that was to be measured was.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Prints all figures, one under the other.
    pub(crate) fn print(&self) {
        eprintln!("\n{}", table::head());
        for figure in &self.figures {
            eprintln!("{}", table::line(figure));
        }
    }

    /// Writes the figures as JSON.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if the file cannot be written, or a figure is no number.
    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
        write(path, &json::text(&self.figures)?)
    }

    /// Writes `benchmarks.md` and the chart in it, `benchmarks.svg`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if a file cannot be written or the chart not be drawn.
    pub(crate) fn write_docs(&self, directory: &Path) -> Result<()> {
        let chart = chart::svg(&self.figures)?;
        std::fs::create_dir_all(directory).map_err(|error| cannot_write(directory, error))?;
        write(&directory.join("benchmarks.svg"), &chart)?;
        write(&directory.join("benchmarks.md"), &page::markdown(self))
    }
}

/// Tells that something was left out, and why; nothing is left out silently.
pub(crate) fn not_measured(what: &str, error: &Error) {
    eprintln!("NOT MEASURED: {what}: {}", chain(error));
}

/// Tells what ended the benchmark.
pub(crate) fn error(error: &Error) {
    eprintln!("error: {}", chain(error));
}

fn chain(error: &Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        parts.push(cause.to_string());
        source = cause.source();
    }
    parts.join("\n  caused by: ")
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, error))
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, format!("cannot write `{}`", path.display())).with_source(error)
}
