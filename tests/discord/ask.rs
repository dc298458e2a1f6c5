//! What a case asks of the bot, and what it waits for.

use std::time::Duration;

use inline_tests::environment::patient;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::server::{File, Input, Interaction, Message, Person, Place, State};
use crate::view::View;

/// How long an answer may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_secs(45);

impl Bench {
    /// Waits for something about the answer of an interaction.
    pub(crate) async fn shown(
        &self,
        interaction: u64,
        what: &str,
        holds: impl Fn(&View) -> bool,
    ) -> Result<View, Failed> {
        let probe = |state: &State| {
            let original = state.interactions.get(&interaction)?.original?;
            let view = View::of(state.messages.get(&original)?);
            holds(&view).then_some(view)
        };
        self.discord.until(what, patient(PATIENCE)?, probe).await
    }

    /// Waits for the end of an answer.
    pub(crate) async fn answer(&self, interaction: u64) -> Result<View, Failed> {
        self.shown(interaction, "an answer", View::is_final).await
    }

    /// Waits for a message of the bot that is no answer of an interaction.
    pub(crate) async fn message(
        &self,
        place: Place,
        what: &str,
        holds: impl Fn(&Message) -> bool,
    ) -> Result<View, Failed> {
        let is_it = |message: &&Message| {
            message.author.is_none() && message.interaction.is_none() && message.place == place && holds(message)
        };
        let probe = |state: &State| state.messages.values().find(is_it).map(View::of);
        self.discord.until(what, patient(PATIENCE)?, probe).await
    }

    /// Waits for the first answer of an interaction.
    pub(crate) async fn called_back(&self, interaction: u64) -> Result<Interaction, Failed> {
        let probe = |state: &State| {
            state
                .interactions
                .get(&interaction)
                .filter(|one| one.callback.is_some())
                .cloned()
        };
        self.discord.until("a first answer", patient(PATIENCE)?, probe).await
    }

    /// Sends a command and waits for the end of its answer.
    pub(crate) async fn ask(&self, person: Person, words: &str, options: &[(&str, Input<'_>)]) -> Result<View, Failed> {
        let interaction = self.discord.command(person, Place::GENERAL, words, options)?;
        self.answer(interaction).await
    }

    /// Runs a program in a language, and waits for the end of its answer.
    pub(crate) async fn run(&self, person: Person, language: &str, code: &str) -> Result<View, Failed> {
        let words = format!("il {language}");
        self.ask(person, &words, &[("code", Input::Text(code))]).await
    }

    /// Returns a file of a message.
    pub(crate) fn file(&self, message: u64, name: &str) -> Result<Vec<u8>, Failed> {
        self.discord
            .look(|state| {
                let body = &state.messages.get(&message)?.body;
                let mut all = body["attachments"].as_array()?.iter();
                let id = all.find(|one| one["filename"] == name)?["id"].as_str()?.parse().ok()?;
                state.files.get(&id).map(|file: &File| file.bytes.clone())
            })
            .ok_or_else(|| format!("the message has no file `{name}`").into())
    }
}
