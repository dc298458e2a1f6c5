//! From what a command, a form or a button gives to a run.

use std::sync::Arc;

use poise::serenity_prelude as serenity;
use serde_json::{Value, json};

use super::attachment::Attachment;
use super::{Context, sender};
use crate::answer::Interaction;
use crate::bot::{Bot, present};
use crate::code;
use crate::config::Rule;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::Message;
use crate::policy::Caller;
use crate::run::Ask;
use crate::show::{inline, length};

/// The inputs of the editor.
const CODE: &str = "code";
const STDIN: &str = "stdin";
/// The longest text of an input.
const MAX_INPUT: usize = 4_000;

/// Holds what a command was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    code: Option<String>,
    stdin: Option<String>,
    source: Option<Attachment>,
    input: Option<Attachment>,
    private: bool,
}

impl Given {
    pub(super) fn new(
        code: Option<String>,
        stdin: Option<String>,
        source: Option<serenity::Attachment>,
        input: Option<serenity::Attachment>,
        private: Option<bool>,
    ) -> Self {
        Self {
            code,
            stdin,
            source: source.map(Attachment::from),
            input: input.map(Attachment::from),
            private: private.unwrap_or(false),
        }
    }
}

/// Runs what a command was given, or opens the editor if that is no program.
pub(super) async fn start(asked: Context<'_>, language: &str, given: Given) -> Result<(), Failure> {
    let (bot, caller, interaction) = sender(asked);
    let begun = begin(&bot, &caller, &interaction, language, given).await;
    if let Err(failure) = begun {
        bot.refuse(&interaction, &failure).await;
    }
    Ok(())
}

async fn begin(
    bot: &Arc<Bot>,
    caller: &Caller,
    interaction: &Interaction,
    language: &str,
    given: Given,
) -> Result<(), Failure> {
    let language = bot.language(language)?.name.clone();
    if let Some(input) = &given.input {
        input.check(bot)?;
    }
    if let (Some(source), Some(_)) = (&given.source, &given.code) {
        return Err(Failure::told(format!(
            "There are two programs, {} and `code`: give one of them.",
            inline(&source.name)
        )));
    }
    if given.code.is_none() && given.source.is_none() {
        bot.rule(caller)?.check_language(&language)?;
        let editor = editor(interaction.id, &language, &given)?;
        if let Some(input) = given.input {
            bot.beside.keep(interaction.id, input);
        }
        return Ok(interaction.open(&bot.rest, editor).await?);
    }
    let rule = bot.admit(caller, &language)?;
    let mut answer = interaction.clone().defer(&bot.rest, given.private).await?;
    let (bot, caller) = (Arc::clone(bot), caller.clone());
    drop(bot.tasks.clone().spawn(async move {
        match ask(&bot, caller, language, given).await {
            Ok(ask) => bot.run(ask, rule, &mut answer).await,
            Err(failure) => present(&mut answer, Message::new(failure.tell())).await,
        }
    }));
    Ok(())
}

/// Fetches what is attached.
async fn ask(bot: &Bot, caller: Caller, language: String, given: Given) -> Result<Ask, Failure> {
    let source = match &given.source {
        Some(attachment) => attachment.program(bot).await?,
        None => code::source(&given.code.unwrap_or_default()).source,
    };
    if let Some(input) = &given.input {
        input.store(bot, &caller, None).await?;
    }
    Ok(Ask {
        caller,
        language,
        source,
        stdin: given.stdin,
        is_private: given.private,
    })
}

/// Returns the form in which a program is written, in answer to the interaction `id`.
fn editor(id: u64, language: &str, given: &Given) -> Result<Value, Failure> {
    let stdin = given.stdin.as_deref().unwrap_or_default();
    if length(stdin) > MAX_INPUT {
        return Err(Failure::told(format!(
            "The editor has no room for more than {MAX_INPUT} characters of `stdin`: give the program with it."
        )));
    }
    let id = CustomId::Editor {
        language: language.to_owned(),
        private: given.private,
        input: given.input.as_ref().map(|_| id),
    };
    let input = |id: &str, label: &str, required: bool, value: &str| {
        let mut text = json!({
            "type": 4,
            "custom_id": id,
            "label": label,
            "style": 2,
            "required": required,
            "max_length": MAX_INPUT,
        });
        if !value.is_empty() {
            text["value"] = value.into();
        }
        json!({"type": 1, "components": [text]})
    };
    Ok(json!({
        "custom_id": id.text(),
        // A title has 45 characters at most.
        "title": format!("Run {}", language.chars().take(40).collect::<String>()),
        "components": [
            input(CODE, "Program", true, ""),
            input(STDIN, "Input (what the program reads)", false, stdin),
        ],
    }))
}

/// What an editor was opened for.
pub(crate) struct Editor {
    pub(crate) language: String,
    pub(crate) is_private: bool,
    /// The interaction that a file came with.
    pub(crate) input: Option<u64>,
}

/// Runs what was written in the editor; `inputs` are its texts by name.
pub(crate) async fn from_editor(
    bot: &Arc<Bot>,
    caller: Caller,
    interaction: &Interaction,
    editor: Editor,
    inputs: &[(String, String)],
) -> Result<(), Failure> {
    let value = |name: &str| {
        let found = inputs.iter().find(|(input, _)| input == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let input = match editor.input {
        Some(id) => Some(bot.beside.get(id).ok_or_else(|| {
            Failure::told("The file that came with the command is not kept any more: send it again with `/il upload`.")
        })?),
        None => None,
    };
    let language = bot.language(&editor.language)?.name.clone();
    let rule = bot.admit(&caller, &language)?;
    let ask = Ask {
        caller,
        language,
        source: code::source(&value(CODE).unwrap_or_default()).source,
        stdin: value(STDIN),
        is_private: editor.is_private,
    };
    let mut answer = interaction.clone().defer(&bot.rest, ask.is_private).await?;
    let bot = Arc::clone(bot);
    drop(bot.tasks.clone().spawn(async move {
        let stored = match &input {
            Some(input) => input.store(&bot, &ask.caller, None).await.map(drop),
            None => Ok(()),
        };
        match stored {
            Ok(()) => bot.run(ask, rule, &mut answer).await,
            Err(failure) => present(&mut answer, Message::new(failure.tell())).await,
        }
    }));
    Ok(())
}

/// Runs the program of an earlier run again, as the one whose it was.
pub(crate) async fn rerun(
    bot: &Arc<Bot>,
    presser: &Caller,
    interaction: &Interaction,
    run_id: &str,
) -> Result<(), Failure> {
    let kept = bot
        .recent
        .get(run_id)
        .ok_or_else(|| Failure::told("The program is not kept any more: send it again."))?;
    bot.rule(presser)?;
    let mut ask = kept.ask;
    if presser.user == ask.caller.user {
        ask.caller = presser.clone();
    }
    let rule = bot.admit(&ask.caller, &ask.language)?;
    run(bot, interaction, ask, rule).await
}

async fn run(bot: &Arc<Bot>, interaction: &Interaction, ask: Ask, rule: Rule) -> Result<(), Failure> {
    let mut answer = interaction.clone().defer(&bot.rest, ask.is_private).await?;
    let bot = Arc::clone(bot);
    drop(
        bot.tasks
            .clone()
            .spawn(async move { bot.run(ask, rule, &mut answer).await }),
    );
    Ok(())
}

/// Runs the code of a message.
pub(super) async fn of_message(
    bot: &Arc<Bot>,
    caller: Caller,
    interaction: &Interaction,
    content: &str,
) -> Result<(), Failure> {
    let (language, source) = bot.program_in(content)?;
    let rule = bot.admit(&caller, &language)?;
    let ask = Ask {
        caller,
        language,
        source,
        stdin: None,
        is_private: false,
    };
    run(bot, interaction, ask, rule).await
}

impl Bot {
    /// Finds the program of a message and its language, which is Python where nothing says otherwise.
    pub(crate) fn program_in(&self, content: &str) -> Result<(String, String), Failure> {
        const DEFAULT_LANGUAGE: &str = "python";
        let found = code::extract(content)
            .ok_or_else(|| Failure::told("There is no code in that message: put it between ``` and ```."))?;
        let language = self.language(found.language.as_deref().unwrap_or(DEFAULT_LANGUAGE))?;
        Ok((language.name.clone(), found.source))
    }
}
