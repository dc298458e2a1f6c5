//! `inline bot`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use inline_discord::Register;

const EXAMPLES: &str = "\
Examples:
  DISCORD_TOKEN=... inline bot                      commands are registered wherever the bot is installed
  DISCORD_TOKEN=... inline bot --register guild     in each of its guilds instead, where a change is seen at once

The policy, `[discord]` in the configuration file, is read again when the file changes.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BotArguments {
    /// Where the commands are registered at start; by default as configured
    #[arg(long, value_name = "WHERE", value_parser = register())]
    pub(crate) register: Option<Register>,
}

fn register() -> impl TypedValueParser<Value = Register> {
    let parser = PossibleValuesParser::new(Register::ALL.map(Register::name));
    parser.map(|name| {
        let mut all = Register::ALL.into_iter();
        all.find(|register| register.name() == name).unwrap_or_default()
    })
}
