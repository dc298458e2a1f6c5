//! `/health`: whether programs can be run, and within what.

use std::time::Duration;

use inline_runtime::{Capability, Support};
use tokio::time::timeout;

use super::{Context, answer};
use crate::bot::Bot;
use crate::failure::Failure;
use crate::message::Message;
use crate::show::inline;

/// How long the engine is given for each question.
const PATIENCE: Duration = Duration::from_secs(5);
/// What programs are kept within.
const LIMITS: [Capability; 5] = [
    Capability::Memory,
    Capability::NanoCpus,
    Capability::PidsLimit,
    Capability::NetworkNone,
    Capability::ReadonlyRootfs,
];

/// Shows whether the bot can run programs
#[poise::command(
    slash_command,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn health(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |bot, _| async move { Ok(Message::new(report(&bot).await)) }).await
}

async fn report(bot: &Bot) -> String {
    let mut lines = vec![engine(bot).await];
    lines.push(images(bot).await);
    lines.push(limits(bot));
    let load = bot.service.load();
    lines.push(format!("🚦 {} running, {} waiting", load.running, load.waiting));
    lines.push(format!("🔌 {}", bot.shards));
    if bot.current.is_stale() {
        lines.push("⚠️ the policy file is not valid: the one before holds on".to_owned());
    }
    lines.push(format!("🏷️ inline {}", env!("CARGO_PKG_VERSION")));
    lines.join("\n")
}

async fn engine(bot: &Bot) -> String {
    let runtime = bot.service.runtime();
    match timeout(PATIENCE, runtime.info()).await {
        Ok(Ok(info)) => format!("✅ engine {} {} answers", inline(info.driver), inline(&info.version)),
        Ok(Err(error)) => {
            tracing::error!(error = crate::bot::chain(&error), "the engine does not answer");
            format!("❌ engine {} does not answer", inline(runtime.driver()))
        }
        Err(_) => format!("❌ engine {} takes longer than 5 s to answer", inline(runtime.driver())),
    }
}

async fn images(bot: &Bot) -> String {
    let mut told = Vec::new();
    for language in bot.service.languages().values() {
        let found = timeout(PATIENCE, bot.service.runtime().image(&language.image)).await;
        let state = match found {
            Ok(Ok(Some(_))) => "is here",
            Ok(Ok(None)) => "comes with the first run",
            _ => "unknown",
        };
        told.push(format!("{} {state}", inline(&language.name)));
    }
    format!("📦 images: {}", told.join(", "))
}

fn limits(bot: &Bot) -> String {
    let capabilities = bot.service.runtime().capabilities();
    let absent: Vec<String> = LIMITS
        .into_iter()
        .filter(|limit| !matches!(capabilities.support(*limit), Support::Present))
        .map(|limit| inline(limit.name()))
        .collect();
    if absent.is_empty() {
        "🔒 all limits bind".to_owned()
    } else {
        format!("⚠️ limits that do not bind: {}", absent.join(", "))
    }
}
