//! From what a command, a form or a button gives to a run.

use std::sync::Arc;

use bytes::Bytes;
use poise::serenity_prelude::Attachment;
use serde_json::{Value, json};

use super::{Context, sender};
use crate::answer::Interaction;
use crate::bot::{Bot, present};
use crate::code;
use crate::config::Rule;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::Message;
use crate::policy::Caller;
use crate::run::{Ask, file_name};

/// The inputs of the editor.
const CODE: &str = "code";
const STDIN: &str = "stdin";
/// The longest text of an input.
const MAX_INPUT: u16 = 4_000;

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
        source: Option<Attachment>,
        input: Option<Attachment>,
        private: Option<bool>,
    ) -> Self {
        Self {
            code,
            stdin,
            source,
            input,
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
    if given.code.is_none() && given.source.is_none() {
        bot.rule(caller)?.check_language(&language)?;
        interaction.open(&bot.rest, editor(&language, given.private)).await?;
        if let Some(input) = given.input {
            let (bot, caller) = (Arc::clone(bot), caller.clone());
            // Beside the editor, which cannot wait for it; by the time that it is sent the file is there.
            drop(bot.tasks.clone().spawn(async move {
                let stored = store(&bot, &caller, &input).await;
                if let Err(failure) = stored {
                    tracing::debug!(%failure, "a file beside the editor was not stored");
                }
            }));
        }
        return Ok(());
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
    let limits = &bot.service.config().limits;
    let is_fetched = given.input.is_some() || given.source.is_some();
    let _transfer = if is_fetched {
        bot.transfers.acquire().await.ok()
    } else {
        None
    };
    let mut files = Vec::new();
    if let Some(input) = &given.input {
        let content = bot
            .rest
            .fetch(&input.url, limits.workspace_bytes.min(MAX_FETCHED))
            .await?;
        files.push((file_name(&input.filename), content));
    }
    let source = match (given.source, given.code) {
        (Some(attachment), code) => {
            let content = bot.rest.fetch(&attachment.url, limits.source_bytes).await?;
            if let Some(code) = code {
                return Err(Failure::told(format!(
                    "There are two programs, {} and `code` with {} characters: give one of them.",
                    crate::show::inline(&attachment.filename),
                    code.chars().count()
                )));
            }
            text(&attachment.filename, content)?
        }
        (None, code) => code::source(&code.unwrap_or_default()).source,
    };
    Ok(Ask {
        caller,
        language,
        source,
        stdin: given.stdin,
        files,
        is_private: given.private,
    })
}

/// The most of an attachment that is held in memory.
pub(super) const MAX_FETCHED: u64 = 25 << 20;

async fn store(bot: &Bot, caller: &Caller, attachment: &Attachment) -> Result<(), Failure> {
    let _transfer = bot.transfers.acquire().await;
    let max = bot.service.config().limits.workspace_bytes.min(MAX_FETCHED);
    let content = bot.rest.fetch(&attachment.url, max).await?;
    let files = super::files_of(bot, caller).await?;
    Ok(files.write(&file_name(&attachment.filename), content).await?)
}

fn text(name: &str, content: Bytes) -> Result<String, Failure> {
    String::from_utf8(content.into()).map_err(|_| Failure::not_text(name))
}

/// Returns the form in which a program is written.
fn editor(language: &str, private: bool) -> Value {
    let id = CustomId::Editor {
        language: language.to_owned(),
        private,
    };
    let input = |id: &str, label: &str, required: bool| {
        json!({"type": 1, "components": [{
            "type": 4,
            "custom_id": id,
            "label": label,
            "style": 2,
            "required": required,
            "max_length": MAX_INPUT,
        }]})
    };
    json!({
        "custom_id": id.text(),
        // A title has 45 characters at most.
        "title": format!("Run {}", language.chars().take(40).collect::<String>()),
        "components": [input(CODE, "Program", true), input(STDIN, "Input (what the program reads)", false)],
    })
}

/// Runs what was written in the editor; `inputs` are its texts by name.
pub(crate) async fn from_editor(
    bot: &Arc<Bot>,
    caller: Caller,
    interaction: &Interaction,
    (language, private): (&str, bool),
    inputs: &[(String, String)],
) -> Result<(), Failure> {
    let value = |name: &str| {
        let found = inputs.iter().find(|(input, _)| input == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let language = bot.language(language)?.name.clone();
    let rule = bot.admit(&caller, &language)?;
    let ask = Ask {
        caller,
        language,
        source: code::source(&value(CODE).unwrap_or_default()).source,
        stdin: value(STDIN),
        files: Vec::new(),
        is_private: private,
    };
    run(bot, interaction, ask, rule).await
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
        files: Vec::new(),
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
