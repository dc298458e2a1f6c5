//! `inline files`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OfOwner;

const EXAMPLES: &str = "\
Examples:
  inline files --owner alice list data
  inline files --owner alice write data/in.csv < in.csv
  inline files --owner alice export --output alice.zip

Paths are from the current directory of the sandbox, or from its workspace with `/workspace/...`; none leads out of it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FilesArguments {
    #[command(flatten)]
    pub(crate) of: OfOwner,
    #[command(subcommand)]
    pub(crate) command: FileCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// Lists a directory: kind, size in bytes, path
    List {
        /// The directory
        #[arg(default_value = ".")]
        path: String,
    },
    /// Prints a file
    Read {
        /// The file
        path: String,
    },
    /// Writes a file, in place of what is there
    Write {
        /// The file
        path: String,
        /// Where the content comes from, `-` for standard input
        #[arg(default_value = crate::input::STDIN)]
        from: PathBuf,
        /// Adds to the end of the file
        #[arg(long)]
        append: bool,
    },
    /// Removes a file or a directory
    Rm {
        /// The file or directory
        path: String,
        /// Also what is in it
        #[arg(long, short)]
        recursive: bool,
    },
    /// Moves or renames
    Mv {
        /// The file or directory
        from: String,
        /// Its new path
        to: String,
        /// Takes the place of a file that is there
        #[arg(long)]
        replace: bool,
    },
    /// Makes a directory, with those above it
    Mkdir {
        /// The directory
        path: String,
    },
    /// Changes the current directory, in which the runs to come begin
    Cd {
        /// The directory
        #[arg(default_value = "/workspace")]
        path: String,
    },
    /// Packs a directory as a zip file
    Export {
        /// The directory
        #[arg(default_value = ".")]
        path: String,
        /// The file that is written; by default standard output
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}
