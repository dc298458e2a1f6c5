//! What comes over the gateway and is no command.

mod component;
mod message;

use std::sync::Arc;

use metrics::counter;
use poise::serenity_prelude::{ConnectionStage, FullEvent, GuildId, Interaction};

use crate::bot::{Bot, chain};
use crate::failure::Failure;
use crate::metric;
use crate::register;

/// Handles an event.
pub(crate) async fn handle(
    framework: poise::FrameworkContext<'_, Arc<Bot>, Failure>,
    event: &FullEvent,
) -> Result<(), Failure> {
    let bot = framework.user_data;
    match event {
        FullEvent::Ready { data_about_bot } => {
            let (shard, shards) = data_about_bot.shard.map_or((0, 1), |shard| (shard.id.0, shard.total));
            bot.shards.expect(shards);
            bot.shards.set(shard, true);
            tracing::info!(shard, user = %data_about_bot.user.id, "connected as {}", data_about_bot.user.name);
            for guild in &data_about_bot.guilds {
                in_guild(bot, guild.id).await;
            }
        }
        FullEvent::GuildCreate { guild, .. } => in_guild(bot, guild.id).await,
        FullEvent::ShardStageUpdate { event } => {
            bot.shards
                .set(event.shard_id.0, event.new == ConnectionStage::Connected);
            tracing::info!(shard = event.shard_id.0, stage = %event.new, "a shard's connection has changed");
        }
        FullEvent::InteractionCreate { interaction } => {
            counter!(metric::EVENTS, "kind" => kind(interaction)).increment(1);
            match interaction {
                Interaction::Component(interaction) => component::pressed(bot, interaction).await,
                Interaction::Modal(interaction) => component::sent(bot, interaction).await,
                _ => {}
            }
        }
        FullEvent::Message { new_message } => message::created(bot, framework.bot_id, new_message),
        FullEvent::MessageUpdate { event, .. } => message::updated(bot, event),
        FullEvent::MessageDelete { deleted_message_id, .. } => {
            bot.mentions.changed(deleted_message_id.get(), None);
        }
        FullEvent::MessageDeleteBulk {
            multiple_deleted_messages_ids,
            ..
        } => {
            for message in multiple_deleted_messages_ids {
                bot.mentions.changed(message.get(), None);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Registers the commands in a guild, where that is wanted.
async fn in_guild(bot: &Bot, guild: GuildId) {
    if let Err(error) = register::in_guild(bot, guild.get()).await {
        tracing::error!(
            error = chain(&error),
            guild = guild.get(),
            "the commands could not be registered"
        );
    }
}

fn kind(interaction: &Interaction) -> &'static str {
    match interaction {
        Interaction::Command(_) => "command",
        Interaction::Autocomplete(_) => "autocomplete",
        Interaction::Component(_) => "component",
        Interaction::Modal(_) => "modal",
        _ => "other",
    }
}
