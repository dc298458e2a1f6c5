//! What is offered while somebody types.

use std::collections::BTreeSet;

use inline_sandbox::EntryKind;
use poise::serenity_prelude::{AutocompleteChoice, CreateAutocompleteResponse, ResolvedValue};

use super::{Context, sender};
use crate::show::{length, line};

/// The most that Discord shows.
const MAX: usize = 25;
/// The longest of what is offered.
const MAX_LENGTH: usize = 100;
/// How many names of a directory are looked at.
const MAX_LOOKED_AT: usize = 1_000;

/// Offers the languages.
#[expect(clippy::unused_async, reason = "poise waits for it")]
pub(super) async fn language(asked: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let (bot, caller, _) = sender(asked);
    let typed = partial.to_ascii_lowercase();
    let rule = bot.rule(&caller).ok();
    let names = bot
        .service
        .languages()
        .values()
        .filter(|language| {
            rule.as_ref()
                .is_some_and(|rule| rule.check_language(&language.name).is_ok())
        })
        .filter(|language| {
            language.name.starts_with(&typed) || language.aliases.iter().any(|alias| alias.starts_with(&typed))
        })
        .map(|language| language.name.clone());
    choices(names)
}

/// Offers the images that the language before it can run in.
#[expect(clippy::unused_async, reason = "poise waits for it")]
pub(super) async fn image(asked: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let (bot, caller, _) = sender(asked);
    let language = asked.args.iter().find_map(|option| match option.value {
        ResolvedValue::String(name) if option.name == "language" => bot.language(name).ok(),
        _ => None,
    });
    let images = match (language, bot.rule(&caller)) {
        (Some(language), Ok(rule)) => super::image::images(&bot, &rule, language),
        _ => BTreeSet::new(),
    };
    choices(images.into_iter().filter(|image| image.contains(partial)))
}

/// Offers the files and directories that begin with what was typed.
pub(super) async fn path(asked: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let (bot, caller, _) = sender(asked);
    let (directory, start) = partial.rsplit_once('/').map_or(("", partial), |(directory, start)| {
        // What is typed as absolute stays so.
        (if directory.is_empty() { "/" } else { directory }, start)
    });
    let listed = async {
        let files = bot.service.files(&caller.owner().ok()?).await.ok()?;
        files.list(directory, 0, MAX_LOOKED_AT).await.ok()
    };
    let entries = match bot.rule(&caller) {
        Ok(_) => listed.await.map(|page| page.entries).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let prefix = match partial.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/"),
        None => String::new(),
    };
    let paths = entries.iter().filter_map(|entry| {
        let path = entry.path.to_string();
        let name = path.rsplit('/').next().unwrap_or(&path);
        let end = if entry.kind == EntryKind::Directory { "/" } else { "" };
        name.starts_with(start).then(|| format!("{prefix}{name}{end}"))
    });
    choices(paths)
}

fn choices(values: impl Iterator<Item = String>) -> CreateAutocompleteResponse {
    // Discord refuses all of them for one that it takes for empty or too long.
    let choices = values
        .filter(|value| !value.trim().is_empty() && length(value) <= MAX_LENGTH)
        .take(MAX)
        .map(|value| AutocompleteChoice::new(line(&value, MAX_LENGTH), value));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
