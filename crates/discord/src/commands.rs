//! The commands, as Discord offers them.

mod account;
mod attachment;
mod complete;
mod files;
mod health;
mod help;
mod image;
mod menu;
mod packages;
mod program;
mod run;
mod session;
mod transfer;

use std::sync::Arc;

use bytes::Bytes;
use inline_sandbox::Files;
use poise::serenity_prelude as serenity;

use crate::answer::Interaction;
use crate::bot::Bot;
use crate::caller;
use crate::failure::Failure;
use crate::message::Message;
use crate::policy::Caller;

pub(crate) use account::{confirmed, kept};
pub(crate) use attachment::Beside;
pub(crate) use files::page;
pub(crate) use program::{Editor, from_editor, rerun};

/// What poise gives to each command.
type Context<'a> = poise::ApplicationContext<'a, Arc<Bot>, Failure>;

/// Returns all commands.
pub(crate) fn all() -> Vec<poise::Command<Arc<Bot>, Failure>> {
    vec![il(), health::health(), menu::run_code()]
}

/// Runs programs in a sandbox of your own
#[poise::command(
    slash_command,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel",
    subcommands(
        "account::create",
        "run::py",
        "run::node",
        "run::bash",
        "run::run",
        "files::look",
        "files::read",
        "files::write",
        "files::append",
        "files::rm",
        "files::mv",
        "transfer::upload",
        "transfer::download",
        "transfer::export",
        "packages::pip",
        "packages::npm",
        "session::session",
        "image::image",
        "account::quota",
        "account::history",
        "account::stop",
        "account::delete",
        "help::help"
    )
)]
#[expect(
    clippy::unused_async,
    reason = "poise wants it so; Discord calls only what is below it"
)]
async fn il(_: Context<'_>) -> Result<(), Failure> {
    Ok(())
}

/// Returns whoever sent a command, and what answers it.
fn sender(context: Context<'_>) -> (Arc<Bot>, Caller, Interaction) {
    let (caller, interaction) = caller::of_command(context.interaction);
    (Arc::clone(context.framework.user_data), caller, interaction)
}

/// Answers a command with what comes of `work`, to whoever sent it alone.
async fn answer<F>(context: Context<'_>, work: impl FnOnce(Arc<Bot>, Caller) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<Message, Failure>> + Send + 'static,
{
    let (bot, caller, interaction) = sender(context);
    if let Err(failure) = bot.rule(&caller) {
        bot.refuse(&interaction, &failure).await;
        return Ok(());
    }
    let work = work(Arc::clone(&bot), caller);
    Ok(bot.answer(interaction, work).await?)
}

/// Returns the files of `caller`, whose sandbox is made if there is none.
async fn files_of(bot: &Bot, caller: &Caller) -> Result<Files, Failure> {
    let owner = caller.owner()?;
    bot.service.ensure_sandbox(&owner).await?;
    Ok(bot.service.files(&owner).await?)
}

/// Writes a file, whose sandbox and directories are made if they are not there; returns its size in bytes.
async fn put(bot: &Bot, caller: &Caller, name: &str, content: impl Into<Bytes>) -> Result<u64, Failure> {
    let content = content.into();
    let size = content.len() as u64;
    let files = files_of(bot, caller).await?;
    make_parent(&files, name).await?;
    files.write(name, content).await?;
    Ok(size)
}

/// Makes the directories that are to hold `name`.
async fn make_parent(files: &Files, name: &str) -> Result<(), Failure> {
    if let Some((parent, _)) = name.trim_end_matches('/').rsplit_once('/')
        && !parent.is_empty()
    {
        files.make_directory(parent).await?;
    }
    Ok(())
}

/// Tells of what went wrong outside of the commands themselves.
pub(crate) async fn on_error(error: poise::FrameworkError<'_, Arc<Bot>, Failure>) {
    match error {
        poise::FrameworkError::Command { error, ctx, .. } => {
            // By then it may have been answered, and then this is refused.
            if let poise::Context::Application(context) = ctx {
                let (bot, _, interaction) = sender(context);
                bot.refuse(&interaction, &error).await;
            }
        }
        poise::FrameworkError::ArgumentParse { ctx, .. } => {
            if let poise::Context::Application(context) = ctx {
                let (bot, _, interaction) = sender(context);
                bot.refuse(&interaction, &Failure::told("That is not what the command takes."))
                    .await;
            }
        }
        poise::FrameworkError::EventHandler { error, .. } => {
            tracing::warn!(error = crate::bot::chain(&error), "an event was not handled");
        }
        poise::FrameworkError::UnknownInteraction {
            interaction, framework, ..
        } => {
            let (_, interaction) = caller::of_command(interaction);
            let told = Failure::told("The bot does not know this command any more: reload Discord.");
            framework.user_data.refuse(&interaction, &told).await;
        }
        poise::FrameworkError::CommandPanic { ctx, .. } => {
            tracing::error!("a command panicked");
            if let poise::Context::Application(asked) = ctx {
                let (bot, _, interaction) = sender(asked);
                bot.refuse(&interaction, &Failure::told("Something went wrong on the bot's side."))
                    .await;
            }
        }
        // Their words have what users have typed in them.
        _ => tracing::warn!("a command does not fit what was registered"),
    }
}

/// Returns what is registered with Discord.
pub(crate) fn registered() -> Vec<serenity::CreateCommand> {
    poise::builtins::create_application_commands(&all())
}
