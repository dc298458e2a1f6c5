//! `inline pip` and `inline npm`.

use clap::{Args, Subcommand};

use super::OfOwner;

const EXAMPLES: &str = "\
Examples:
  inline pip --owner alice install 'numpy>=2' matplotlib
  inline npm --owner alice install left-pad@1.3.0
  inline pip --owner alice list";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PackageArguments {
    #[command(flatten)]
    pub(crate) of: OfOwner,
    #[command(subcommand)]
    pub(crate) command: PackageCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PackageCommand {
    /// Installs packages beside what is installed
    Install {
        /// The packages, each with its version if need be; no options
        #[arg(required = true)]
        packages: Vec<String>,
    },
    /// Lists what is installed
    List,
    /// Installs again what is on record, and nothing else, as after a change of the image
    Restore,
}
