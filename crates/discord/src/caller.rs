//! Whoever asks, from what Discord says with each event.

use poise::serenity_prelude as serenity;

use crate::answer::{Interaction, Secret};
use crate::policy::Caller;

/// What every guild may attach; events that are no interactions do not say.
const DEFAULT_UPLOAD_LIMIT: u64 = 10 << 20;

/// Returns who sent a command, and what answers it.
pub(crate) fn of_command(interaction: &serenity::CommandInteraction) -> (Caller, Interaction) {
    let caller = caller(
        &interaction.user,
        interaction.guild_id,
        (interaction.channel_id, interaction.channel.as_ref()),
        interaction.member.as_deref(),
        interaction.attachment_size_limit,
    );
    answered(caller, interaction.application_id, interaction.id, &interaction.token)
}

/// Returns who pressed a button, and what answers that.
pub(crate) fn of_component(interaction: &serenity::ComponentInteraction) -> (Caller, Interaction) {
    let caller = caller(
        &interaction.user,
        interaction.guild_id,
        (interaction.channel_id, interaction.channel.as_ref()),
        interaction.member.as_ref(),
        interaction.attachment_size_limit,
    );
    answered(caller, interaction.application_id, interaction.id, &interaction.token)
}

/// Returns who sent a form, and what answers that.
pub(crate) fn of_modal(interaction: &serenity::ModalInteraction) -> (Caller, Interaction) {
    let caller = caller(
        &interaction.user,
        interaction.guild_id,
        (interaction.channel_id, interaction.channel.as_ref()),
        interaction.member.as_ref(),
        interaction.attachment_size_limit,
    );
    answered(caller, interaction.application_id, interaction.id, &interaction.token)
}

/// Returns the caller, and what answers them.
fn answered(
    caller: Caller,
    application: serenity::ApplicationId,
    id: serenity::InteractionId,
    token: &str,
) -> (Caller, Interaction) {
    let interaction = Interaction {
        application: application.get(),
        id: id.get(),
        token: Secret(token.to_owned()),
        channel: caller.channel,
        user: caller.user,
    };
    (caller, interaction)
}

/// Returns who wrote a message, which does not say what its channel is in.
pub(crate) fn of_message(
    author: &serenity::User,
    guild: Option<serenity::GuildId>,
    channel: serenity::ChannelId,
    roles: &[serenity::RoleId],
) -> Caller {
    Caller {
        user: author.id.get(),
        guild: guild.map(serenity::GuildId::get),
        channel: channel.get(),
        parent: None,
        roles: roles.iter().map(|role| role.get()).collect(),
        is_moderator: false,
        upload_limit: DEFAULT_UPLOAD_LIMIT,
    }
}

fn caller(
    user: &serenity::User,
    guild: Option<serenity::GuildId>,
    (channel, details): (serenity::ChannelId, Option<&serenity::PartialChannel>),
    member: Option<&serenity::Member>,
    upload_limit: u32,
) -> Caller {
    let permissions = member.and_then(|member| member.permissions).unwrap_or_default();
    Caller {
        user: user.id.get(),
        guild: guild.map(serenity::GuildId::get),
        channel: channel.get(),
        parent: details
            .and_then(|channel| channel.parent_id)
            .map(serenity::ChannelId::get),
        roles: member
            .map(|member| member.roles.iter().map(|role| role.get()).collect())
            .unwrap_or_default(),
        is_moderator: permissions.manage_messages() || permissions.administrator(),
        upload_limit: u64::from(upload_limit),
    }
}
