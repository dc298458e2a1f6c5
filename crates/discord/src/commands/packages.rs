//! `/il pip` and `/il npm`.

use inline_sandbox::PackageManager;

use super::{Context, sender};
use crate::failure::Failure;

/// Installs Python packages into your sandbox
#[poise::command(slash_command)]
pub(super) async fn pip(
    asked: Context<'_>,
    #[description = "The packages, such as: requests numpy==2.1"] packages: String,
) -> Result<(), Failure> {
    install(asked, PackageManager::Pip, &packages).await
}

/// Installs Node.js packages into your sandbox
#[poise::command(slash_command)]
pub(super) async fn npm(
    asked: Context<'_>,
    #[description = "The packages, such as: lodash express@5"] packages: String,
) -> Result<(), Failure> {
    install(asked, PackageManager::Npm, &packages).await
}

async fn install(asked: Context<'_>, manager: PackageManager, packages: &str) -> Result<(), Failure> {
    let (bot, caller, interaction) = sender(asked);
    let language = match manager {
        PackageManager::Npm => "node",
        _ => "python",
    };
    let allowed = bot.rule(&caller).and_then(|rule| {
        rule.check_install()?;
        rule.check_language(language)?;
        bot.cooldowns.check(caller.user, rule.cooldown)?;
        Ok(rule)
    });
    let rule = match allowed {
        Ok(rule) => rule,
        Err(failure) => {
            bot.refuse(&interaction, &failure).await;
            return Ok(());
        }
    };
    // As people write what has spaces in it.
    let packages = packages.trim().trim_matches('"').to_owned();
    let mut answer = interaction.defer(&bot.rest, false).await?;
    drop(bot.tasks.clone().spawn(async move {
        match bot.check_use(&caller, &rule, language).await {
            Ok(()) => bot.install((&caller, &rule), manager, &packages, answer).await,
            Err(failure) => crate::bot::present(&mut answer, crate::message::Message::new(failure.tell())).await,
        }
    }));
    Ok(())
}
