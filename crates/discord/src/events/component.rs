//! Buttons that are pressed, and forms that are sent.

use std::sync::Arc;

use poise::serenity_prelude::{ActionRowComponent, ComponentInteraction, ModalInteraction};

use crate::answer::Interaction;
use crate::bot::{Bot, present};
use crate::caller;
use crate::commands::{self, Editor};
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::Message;
use crate::policy::Caller;
use crate::run::OUTPUT_FILE;

/// Does what a button is for.
pub(super) async fn pressed(bot: &Arc<Bot>, pressed: &ComponentInteraction) {
    let (caller, interaction) = caller::of_component(pressed);
    let Some(id) = CustomId::parse(&pressed.data.custom_id) else {
        return;
    };
    if let Err(failure) = press(bot, &caller, &interaction, id).await {
        bot.refuse(&interaction, &failure).await;
    }
}

async fn press(bot: &Arc<Bot>, caller: &Caller, interaction: &Interaction, id: CustomId) -> Result<(), Failure> {
    let is_own = id.user() == Some(caller.user);
    let is_moderated = id.obeys_moderators() && caller.is_moderator;
    if !is_own && !is_moderated {
        return Err(Failure::told(if id.obeys_moderators() {
            "Only whoever ran it, and moderators, can do that."
        } else {
            "Only whoever asked can do that."
        }));
    }
    match id {
        CustomId::Stop { run, .. } => {
            if !bot.service.cancel(&run) {
                // Also where the bot was killed and could not answer at the end.
                return Err(Failure::told("That does not run any more."));
            }
            interaction.acknowledge(&bot.rest).await?;
        }
        CustomId::Delete { .. } => {
            interaction.acknowledge(&bot.rest).await?;
            interaction.delete(&bot.rest).await?;
        }
        CustomId::Rerun { run, .. } => commands::rerun(bot, caller, interaction, &run).await?,
        CustomId::Full { run, .. } => full(bot, caller, interaction, &run).await?,
        CustomId::Page { path, offset, .. } => {
            bot.rule(caller)?;
            let page = commands::page(bot, caller, &path, offset).await?;
            interaction.replace(&bot.rest, &page).await?;
        }
        CustomId::Wipe { .. } => wipe(bot, caller, interaction).await?,
        CustomId::Keep { .. } => interaction.replace(&bot.rest, &commands::kept()).await?,
        CustomId::Editor { .. } => {}
    }
    Ok(())
}

/// Sends all of an output to whoever asked alone.
async fn full(bot: &Arc<Bot>, caller: &Caller, interaction: &Interaction, run: &str) -> Result<(), Failure> {
    bot.rule(caller)?;
    let kept = bot
        .recent
        .get(run)
        .ok_or_else(|| Failure::told("The output is not kept any more: run it again."))?;
    if kept.output.len() as u64 > caller.upload_limit {
        return Err(Failure::told("The output is larger than what can be sent here."));
    }
    let mut answer = interaction.clone().defer(&bot.rest, true).await?;
    let message = Message::new("📜 All of the output").with_file(OUTPUT_FILE, kept.output);
    drop(bot.tasks.spawn(async move { present(&mut answer, message).await }));
    Ok(())
}

/// Deletes a sandbox, which ends what runs in it first and so may take its time.
async fn wipe(bot: &Arc<Bot>, caller: &Caller, interaction: &Interaction) -> Result<(), Failure> {
    bot.rule(caller)?;
    let mut answer = interaction.clone().keep(&bot.rest).await?;
    let (bot, caller) = (Arc::clone(bot), caller.clone());
    drop(bot.tasks.clone().spawn(async move {
        let done = commands::confirmed(&bot, &caller).await;
        let message = done.unwrap_or_else(|failure| Message::new(failure.tell()));
        present(&mut answer, message).await;
    }));
    Ok(())
}

/// Runs what was written in the editor.
pub(super) async fn sent(bot: &Arc<Bot>, sent: &ModalInteraction) {
    let (caller, interaction) = caller::of_modal(sent);
    let Some(CustomId::Editor {
        language,
        private: is_private,
        input,
    }) = CustomId::parse(&sent.data.custom_id)
    else {
        return;
    };
    let editor = Editor {
        language,
        is_private,
        input,
    };
    let inputs: Vec<(String, String)> = sent
        .data
        .components
        .iter()
        .flat_map(|row| &row.components)
        .filter_map(|component| match component {
            ActionRowComponent::InputText(input) => Some((input.custom_id.clone(), input.value.clone()?)),
            _ => None,
        })
        .collect();
    let run = commands::from_editor(bot, caller, &interaction, editor, &inputs);
    if let Err(failure) = run.await {
        bot.refuse(&interaction, &failure).await;
    }
}
