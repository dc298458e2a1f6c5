//! `/il session`: programs that keep what they define.

use inline_sandbox::SandboxError;

use super::{Context, answer, complete};
use crate::failure::Failure;
use crate::message::Message;
use crate::show::inline;

/// Says what is done with a session.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
pub(super) enum Action {
    /// From now on programs keep what they define.
    #[name = "start"]
    Start,
    /// All that was defined is forgotten.
    #[name = "reset"]
    Reset,
    /// From now on each program starts anew.
    #[name = "stop"]
    Stop,
}

/// Lets programs keep what they define, forgets it, or ends that
#[poise::command(slash_command)]
pub(super) async fn session(
    asked: Context<'_>,
    #[description = "start: keep what is defined; reset: forget it; stop: each program starts anew"] action: Action,
    #[description = "The language; without it Python"]
    #[autocomplete = "complete::language"]
    language: Option<String>,
) -> Result<(), Failure> {
    answer(asked, move |bot, caller| async move {
        let language = bot.language(language.as_deref().unwrap_or("python"))?;
        let owner = caller.owner()?;
        let name = &language.name;
        bot.rule(&caller)?.check_language(name)?;
        if !language.has_sessions() {
            return Err(SandboxError::NoSessions { language: name.clone() }.into());
        }
        let shown = inline(name);
        let text = match action {
            Action::Start => {
                bot.modes.start(&owner, name);
                format!(
                    "▶️ From now on your programs in {shown} keep what they define, until `/il session action:stop`."
                )
            }
            Action::Reset => {
                let existed = bot.service.end_session(&owner, name).await;
                if existed {
                    format!("🔄 What your programs in {shown} had defined is forgotten.")
                } else {
                    format!("🔄 Your programs in {shown} had defined nothing.")
                }
            }
            Action::Stop => {
                let was_on = bot.modes.stop(&owner, name);
                let existed = bot.service.end_session(&owner, name).await;
                if was_on || existed {
                    format!("⏹️ From now on each of your programs in {shown} starts anew.")
                } else {
                    format!("⏹️ Your programs in {shown} keep nothing already.")
                }
            }
        };
        Ok(Message::new(text))
    })
    .await
}
