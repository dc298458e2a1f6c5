//! `inline bot`: the Discord bot.

use std::path::PathBuf;

use inline::env::{DISCORD_TOKEN, INLINE_CONFIG, INLINE_DISCORD_API};
use inline::{DEFAULT_FILE, Environment};
use inline_discord::{Options, Reload, Token};
use inline_sandbox::CancellationToken;

use crate::arguments::{BotArguments, Global};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::open::Setup;

pub(crate) async fn run(global: &Global, arguments: BotArguments, interrupt: &Interrupt) -> Result<u8> {
    let environment = Environment::of_process();
    // Before anything is read, so that no change is missed.
    let reload = reload(global, &environment);
    let mut setup = Setup::load_to_stay(global)?;
    // Before the engine is asked for anything: what makes no sense is told at once.
    setup.discord.validate().map_err(inline_discord::Error::from)?;
    let token = environment.get(DISCORD_TOKEN).and_then(Token::new).ok_or_else(|| {
        Failure::told_with_hint(
            "`DISCORD_TOKEN` is not set, or is no token",
            "copy the token of the bot from the Discord developer portal",
        )
    })?;
    if let Some(register) = arguments.register {
        setup.discord.register = register;
    }
    let mut options = Options::new(token, setup.discord.clone()).with_reload(reload);
    if let Some(origin) = environment.get(INLINE_DISCORD_API) {
        options = options.with_origin(origin);
    }
    let service = interrupt.bound(setup.service()).await?;
    let closing = CancellationToken::new();
    interrupt.forward_to(closing.clone());
    inline_discord::run(service, options, closing).await?;
    Ok(0)
}

/// Reads the configuration again when its file changes.
fn reload(global: &Global, environment: &Environment) -> Reload {
    let named = global
        .config
        .clone()
        .or_else(|| environment.get(INLINE_CONFIG).map(PathBuf::from));
    let global = global.clone();
    Reload::new(named.unwrap_or_else(|| DEFAULT_FILE.into()), move || {
        Setup::load_to_stay(&global)
            .map(|setup| setup.discord)
            .map_err(|failure| failure.text())
    })
}
