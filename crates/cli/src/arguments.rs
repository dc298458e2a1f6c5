//! The command line.

mod bot;
mod files;
mod mcp;
mod packages;
mod run;
mod sandboxes;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use inline::DriverChoice;
use inline_sandbox::{Owner, SandboxError};

pub(crate) use bot::BotArguments;
pub(crate) use files::{FileCommand, FilesArguments};
pub(crate) use mcp::McpArguments;
pub(crate) use packages::{PackageArguments, PackageCommand};
pub(crate) use run::RunArguments;
pub(crate) use sandboxes::{SandboxCommand, SandboxesArguments};

const EXAMPLES: &str = "\
Examples:
  inline doctor                                     are runs safe here?
  inline run -c 'print(6 * 7)'                      one run that leaves nothing
  inline run --owner alice train.py                 a run in a sandbox that is kept
  inline pip install --owner alice numpy            a package for the runs to come
  inline files --owner alice read out.csv > out.csv
  inline completions bash > /etc/bash_completion.d/inline

`RUST_LOG=info` shows more on standard error.";

/// Runs programs that nobody trusts in containers that are thrown away.
#[derive(Debug, Parser)]
#[command(name = "inline", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The engine; by default the configured one, or the first that answers
    #[arg(long, global = true, value_parser = driver())]
    pub(crate) driver: Option<DriverChoice>,
    /// The configuration file; by default that of `INLINE_CONFIG`, or `inline.toml` if it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a program, prints what it prints and exits with its code
    Run(RunArguments),
    /// Reaches the files of a sandbox
    Files(FilesArguments),
    /// Installs Python packages into a sandbox
    Pip(PackageArguments),
    /// Installs Node.js packages into a sandbox
    Npm(PackageArguments),
    /// Serves an AI agent by the Model Context Protocol, on standard input and output or by HTTP
    Mcp(McpArguments),
    /// Runs the Discord bot whose token is in `DISCORD_TOKEN`
    Bot(BotArguments),
    /// Lists or deletes sandboxes
    Sandboxes(SandboxesArguments),
    /// Clears up what killed processes have left, and sandboxes that have expired
    Gc,
    /// Says whether runs are safe here, and what to do where they are not; exits with 1 then
    Doctor,
    /// Prints the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// An owner that is named before or behind the name of what is done.
#[derive(Debug, Args)]
pub(crate) struct OfOwner {
    // What can stand in both places cannot be required.
    /// Whose sandbox: `kind:name`, or a name for `local:name`
    #[arg(long, global = true, value_parser = owner)]
    owner: Option<Owner>,
}

impl OfOwner {
    /// Returns the owner, or tells how the command is used, and ends.
    pub(crate) fn get(self) -> Owner {
        self.owner.unwrap_or_else(|| {
            let message = "`--owner <OWNER>` is missing: whose sandbox it is";
            Arguments::command()
                .error(ErrorKind::MissingRequiredArgument, message)
                .exit()
        })
    }
}

fn driver() -> impl TypedValueParser<Value = DriverChoice> {
    PossibleValuesParser::new(DriverChoice::ALL.map(DriverChoice::name)).try_map(|name| name.parse())
}

/// Takes a whole owner, or a name of this machine's.
fn owner(text: &str) -> Result<Owner, SandboxError> {
    if text.contains(':') {
        text.parse()
    } else {
        Owner::new("local", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_owner_stands_in_both_places() {
        for line in ["inline pip install --owner a x", "inline pip --owner a install x"] {
            let Command::Pip(pip) = Arguments::parse_from(line.split(' ')).command else {
                panic!("{line}")
            };
            assert_eq!(pip.of.get().as_str(), "local:a");
        }
    }

    #[test]
    fn an_owner_is_local_unless_said_otherwise() {
        assert_eq!(owner("alice").unwrap().as_str(), "local:alice");
        assert_eq!(owner("discord:1").unwrap().as_str(), "discord:1");
        assert!(owner("").is_err());
    }
}
