//! A user's own sandbox: made, measured, looked back at, stopped, deleted.

use std::time::SystemTime;

use inline_sandbox::{Limits, Retention};

use super::{Context, answer};
use crate::bot::Bot;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::{Message, Style};
use crate::policy::Caller;
use crate::show::{inline, size, span};

/// How many runs are looked back at.
const HISTORY: u32 = 15;

/// Makes your sandbox; the first run does so as well
#[poise::command(slash_command)]
pub(super) async fn create(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        bot.service.create_sandbox(&caller.owner()?).await?;
        let kept = match bot.service.config().retention {
            Retention::After(after) => format!("It is kept for {} after its last use.", span(after)),
            Retention::Never => "It is kept until you delete it.".to_owned(),
        };
        Ok(Message::new(format!(
            "📦 Your sandbox is there. {kept}\n-# `/il py` runs Python in it, `/il look` shows its files, `/il help` all else"
        )))
    })
    .await
}

/// Shows what you have used and what you may use
#[poise::command(slash_command)]
pub(super) async fn quota(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let owner = caller.owner()?;
        let rule = bot.rule(&caller)?;
        let limits = bot.limits(&rule)?;
        let held = match bot.service.files(&owner).await {
            Ok(files) => Some(files.workspace().usage().await?),
            Err(inline_sandbox::SandboxError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let used = bot.service.usage_today(&owner).await?;
        let daily = [rule.daily_cpu, bot.service.config().admission.daily_cpu];
        let allowed = daily.into_iter().flatten().min();
        let (bytes, files) = held.map_or((0, 0), |held| (held.bytes, held.files));
        let mut text = format!(
            "📊 **Your sandbox**\n- files: {files} of {}, {} of {}\n- today: {} runs, {} of computing time",
            limits.workspace_files,
            size(bytes),
            size(limits.workspace_bytes),
            used.runs,
            span(used.cpu),
        );
        if let Some(allowed) = allowed {
            text = text + " of " + &span(allowed);
        }
        text.push_str(&of_a_run(&limits));
        Ok(Message::new(text))
    })
    .await
}

fn of_a_run(limits: &Limits) -> String {
    let cpus = limits.nano_cpus / 10_000_000;
    format!(
        "\n- each run: {}, {} of memory, {}.{:02} CPU, {} processes",
        span(limits.timeout),
        size(limits.memory),
        cpus / 100,
        cpus % 100,
        limits.pids_limit
    )
}

/// Shows your latest runs
#[poise::command(slash_command)]
pub(super) async fn history(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let owner = caller.owner()?;
        let runs = bot
            .service
            .store()
            .runs(Some(&owner), SystemTime::now(), HISTORY)
            .await?;
        if runs.is_empty() {
            return Ok(Message::new("🕘 You have run nothing yet."));
        }
        let mut lines = vec!["🕘 **Your latest runs**".to_owned()];
        for run in runs {
            let when = run
                .started
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            let how = match run.outcome {
                Some(outcome) => format!("{} · {}", outcome.verdict.name(), span(outcome.usage.wall)),
                None => "running".to_owned(),
            };
            lines.push(format!("- <t:{when}:R> {} · {how}", inline(&run.language)));
        }
        Ok(Message::new(lines.join("\n")))
    })
    .await
}

/// Stops everything of yours that runs
#[poise::command(slash_command)]
pub(super) async fn stop(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let owner = caller.owner()?;
        let running = bot.service.running(Some(&owner));
        let stopped = running.iter().filter(|job| bot.service.cancel(&job.id)).count();
        Ok(Message::new(match stopped {
            0 => "🛑 Nothing of yours is running.".to_owned(),
            1 => "🛑 One run is being stopped.".to_owned(),
            _ => format!("🛑 {stopped} runs are being stopped."),
        }))
    })
    .await
}

/// Deletes your sandbox with all its files; you are asked first
#[poise::command(slash_command)]
pub(super) async fn delete(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        bot.service.sandbox(&caller.owner()?).await?;
        let user = caller.user;
        let question = "🗑️ **Delete your sandbox with all its files and packages?** There is no way back.";
        Ok(Message::new(question)
            .with_button("Delete everything", Style::Danger, &CustomId::Wipe { user })
            .with_button("Keep it", Style::Secondary, &CustomId::Keep { user }))
    })
    .await
}

/// Deletes the sandbox of whoever has confirmed it.
pub(crate) async fn confirmed(bot: &Bot, caller: &Caller) -> Result<Message, Failure> {
    let owner = caller.owner()?;
    bot.modes.stop_all(&owner);
    let existed = bot.service.delete_sandbox(&owner).await?;
    Ok(Message::new(if existed {
        "🗑️ Your sandbox was deleted with everything in it."
    } else {
        "📭 You had no sandbox any more."
    }))
}

/// Says that nothing was deleted.
pub(crate) fn kept() -> Message {
    Message::new("📦 Your sandbox is kept.")
}
