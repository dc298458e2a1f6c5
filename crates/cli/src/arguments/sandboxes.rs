//! `inline sandboxes`.

use clap::{Args, Subcommand};
use inline_sandbox::Owner;

use super::owner;

#[derive(Debug, Args)]
pub(crate) struct SandboxesArguments {
    /// By default they are listed
    #[command(subcommand)]
    pub(crate) command: Option<SandboxCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Lists all sandboxes: owner, when it was last used, how long it is kept without use
    List,
    /// Deletes sandboxes with all their files and packages
    Delete {
        /// Whose: `kind:name`, or a name for `local:name`
        #[arg(required = true, value_parser = owner)]
        owners: Vec<Owner>,
    },
}
