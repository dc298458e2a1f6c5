//! `inline run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use inline::human::{parse_duration, parse_size};
use inline_sandbox::Owner;

use super::owner;

const EXAMPLES: &str = "\
Examples:
  inline run -c 'print(6 * 7)'
  inline run script.js
  echo 'echo $((6 * 7))' | inline run --language bash -
  inline run --file data.csv --timeout 60 --memory 512m sum.py -- data.csv
  inline run --artifacts plots/ plot.py
  inline run --json --stdin names.txt -c 'print(sorted(open(0)))' | jq .verdict

Exit codes:
  the program's own, or
  124  it was stopped at its time-out
  125  it was not the program that failed
  128  and the number of the signal that ended it: 137 for memory or output, 152 for CPU time, 153 for a full disk,
       130 for Ctrl-C";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true), after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    /// The program itself; the value of a last expression is printed, unless the sandbox has it otherwise
    #[arg(short = 'c', value_name = "CODE", group = "source", allow_hyphen_values = true)]
    pub(crate) code: Option<String>,
    /// The file with the program, `-` for standard input
    #[arg(group = "source")]
    pub(crate) file: Option<PathBuf>,
    /// The language; by default that of the file's ending, or python
    #[arg(long, short)]
    pub(crate) language: Option<String>,
    /// Runs in this sandbox, which is kept, and made if there is none: `kind:name`, or a name for `local:name`.
    /// Without it, a run has an empty workspace that is gone afterwards
    #[arg(long, value_parser = owner)]
    pub(crate) owner: Option<Owner>,
    /// The wall time, up to what the operator allows: seconds, or `1m`
    #[arg(long, value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// The memory, up to what the operator allows: bytes, or `256m`
    #[arg(long, value_parser = parse_size)]
    pub(crate) memory: Option<u64>,
    /// A file for the program; can be given again
    #[arg(long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The file that the program reads as standard input, `-` for our own; by default it is empty
    #[arg(long, value_name = "FILE")]
    pub(crate) stdin: Option<PathBuf>,
    /// Copies the files that the program has made or changed into this directory, which must be empty or not there yet
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Prints one JSON object with all that is known of the run, in place of its output
    #[arg(long)]
    pub(crate) json: bool,
    /// The program's arguments
    #[arg(last = true)]
    pub(crate) arguments: Vec<String>,
}
