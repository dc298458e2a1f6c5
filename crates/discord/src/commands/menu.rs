//! Run code, in the menu of a message.

use poise::serenity_prelude::Message;

use super::program::of_message;
use super::{Context, sender};
use crate::failure::Failure;

/// Runs the code of a message
#[poise::command(
    context_menu_command = "Run code",
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn run_code(
    asked: Context<'_>,
    #[description = "The message"] message: Message,
) -> Result<(), Failure> {
    let (bot, caller, interaction) = sender(asked);
    if let Err(failure) = of_message(&bot, caller, &interaction, &message.content).await {
        bot.refuse(&interaction, &failure).await;
    }
    Ok(())
}
