//! Messages that are written and changed.

use std::sync::Arc;

use poise::serenity_prelude::{Message, MessageUpdateEvent, UserId};

use crate::bot::Bot;
use crate::caller;
use crate::code;

/// Answers a message that mentions the bot and has code in it.
pub(super) fn created(bot: &Arc<Bot>, own_id: UserId, message: &Message) {
    let is_for_us = message.mentions.iter().any(|user| user.id == own_id);
    // Another bot, or we ourselves, could answer each other without end.
    let is_by_person = !message.author.bot && message.webhook_id.is_none();
    if !is_for_us || !is_by_person || !bot.current.get().mentions || code::extract(&message.content).is_none() {
        return;
    }
    let roles = message
        .member
        .as_ref()
        .map(|member| member.roles.as_slice())
        .unwrap_or_default();
    let caller = caller::of_message(&message.author, message.guild_id, message.channel_id, roles);
    bot.follow_message(caller, message.id.get(), message.content.clone());
}

/// Passes a change on to whoever follows the message.
pub(super) fn updated(bot: &Bot, event: &MessageUpdateEvent) {
    // Changes that are not of the text, such as a preview that has come, have none.
    if let Some(content) = &event.content {
        bot.mentions.changed(event.id.get(), Some(content));
    }
}
