//! The last state of an answer.

use std::sync::Arc;

use inline_sandbox::{RunResult, SandboxError};

use super::ask::refused;
use super::attach::{Attached, attach};
use super::{Ask, Kept, audit};
use crate::answer::Answer;
use crate::bot::{Bot, present};
use crate::config::Rule;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::{Message, Style};
use crate::show::{Card, hint};

/// The name of the file that has all of the output.
pub(crate) const OUTPUT_FILE: &str = "output.txt";

/// Holds how a run ended.
pub(super) struct Finished {
    pub(super) result: RunResult,
    /// Whether the session is new, if it ran in one.
    pub(super) is_new_session: Option<bool>,
}

impl Bot {
    /// Shows how the run `id` ended, and keeps what the buttons need.
    pub(super) async fn finish(
        self: &Arc<Self>,
        id: &str,
        ask: Ask,
        rule: &Rule,
        outcome: Result<Finished, SandboxError>,
        answer: &mut Answer,
    ) {
        let user = ask.caller.user;
        let message = match outcome {
            Ok(finished) => {
                audit::tell(self, rule, &ask.caller, &ask.language, (id, &finished.result));
                match self.card(&ask, rule, &finished) {
                    Ok(card) => self.last(id, ask, &finished.result, card).await,
                    Err(failure) => refused(&failure, user),
                }
            }
            Err(error) => refused(&Failure::Sandbox(error), user),
        };
        present(answer, message).await;
    }

    fn card(&self, ask: &Ask, rule: &Rule, finished: &Finished) -> Result<Card, Failure> {
        let mut card = Card::new(&ask.language, &finished.result, &self.limits(rule)?);
        let (verdict, errors) = (finished.result.verdict, &finished.result.stderr.bytes);
        if let Some(hint) = hint(&ask.language, verdict, errors, rule.check_install().is_ok()) {
            card.note(hint);
        }
        match finished.is_new_session {
            Some(true) => card.note("a new session: what this defines, the next programs see"),
            Some(false) => card.note("in your session"),
            None => {}
        }
        if self.closing.is_cancelled() {
            card.note("the bot is being restarted");
        }
        Ok(card)
    }

    async fn last(&self, id: &str, ask: Ask, result: &RunResult, mut card: Card) -> Message {
        let full = card.show().full;
        let output = card.full();
        // Where it may not be attached, the button still sends it to whoever asks.
        let attachable = full
            .as_ref()
            .filter(|full| full.len() as u64 <= ask.caller.upload_limit);
        let taken = attachable.map(|full| full.len() as u64);
        let attached = self.attached(&ask, result, taken).await;
        for note in attached.notes {
            card.note(note);
        }
        let mut message = Message::new(card.show().content);
        message.files = attached.files;
        let user = ask.caller.user;
        let run = id.to_owned();
        message = message.with_button("Rerun", Style::Primary, &CustomId::Rerun { run: run.clone(), user });
        if let Some(attachable) = attachable {
            message = message.with_file(OUTPUT_FILE, attachable.clone());
        }
        if full.is_some() {
            message = message.with_button("Full output", Style::Secondary, &CustomId::Full { run, user });
        }
        self.recent.keep(id, Kept { ask, output });
        message.with_button("Delete", Style::Secondary, &CustomId::Delete { user })
    }

    async fn attached(&self, ask: &Ask, result: &RunResult, taken: Option<u64>) -> Attached {
        let artifacts = &result.artifacts;
        if artifacts.files.is_empty() && artifacts.left_out.is_empty() {
            return Attached::default();
        }
        let files = match ask.caller.owner() {
            Ok(owner) => self.service.files(&owner).await,
            Err(error) => Err(error),
        };
        match files {
            Ok(files) => {
                let blocked = &self.current.get().blocked_extensions;
                attach(&files, artifacts, blocked, (taken, ask.caller.upload_limit)).await
            }
            // The sandbox was deleted meanwhile.
            Err(_) => Attached::default(),
        }
    }
}
