//! What is offered while somebody types.

use inline_sandbox::EntryKind;
use poise::serenity_prelude::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, sender};

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
    let choices = values
        .filter(|value| (1..=MAX_LENGTH).contains(&value.encode_utf16().count()))
        .take(MAX)
        .map(|value| AutocompleteChoice::new(value.clone(), value));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
