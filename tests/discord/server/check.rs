//! What Discord refuses in messages and says in no schema.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::{self, Result};
use super::multipart::File;
use super::state::Settings;

const MAX_CONTENT: usize = 2000;
const MAX_EMBEDS_TEXT: usize = 6000;
const MAX_FILES: usize = 10;
const MAX_ROWS: usize = 5;
/// Suppressed embeds, ephemeral, suppressed notifications.
const KNOWN_FLAGS: u64 = 1 << 2 | 1 << 6 | 1 << 12;

/// Checks a message that is sent, or what of one is changed.
///
/// # Errors
///
/// - Discord's refusal.
pub(super) fn message(settings: &Settings, payload: &Value, files: &[File], is_new: bool) -> Result<()> {
    let content = payload["content"].as_str().unwrap_or_default();
    let length = content.chars().count();
    if length > MAX_CONTENT {
        return Err(answer::invalid_form(format!(
            "content: {length} characters are more than 2000"
        )));
    }
    if content.chars().any(|letter| letter == '\0') {
        return Err(answer::invalid_form("content: it has a character of no text"));
    }
    let flags = payload["flags"].as_u64().unwrap_or(0);
    if flags & !KNOWN_FLAGS != 0 {
        return Err(answer::invalid_form(format!(
            "flags: {flags} has more than is known here"
        )));
    }
    embeds(payload)?;
    components(payload)?;
    let named = payload["attachments"].as_array();
    if files.len().max(named.map_or(0, Vec::len)) > MAX_FILES {
        return Err(answer::invalid_form("attachments: there are more than 10"));
    }
    if files.iter().any(|file| file.bytes.len() > settings.upload_limit) {
        return Err(answer::too_large());
    }
    for file in files {
        let number = |one: &Value| one["id"].as_u64().or_else(|| one["id"].as_str()?.parse().ok());
        if named.is_some_and(|named| !named.iter().any(|one| number(one) == Some(file.number))) {
            return Err(answer::invalid_form(format!(
                "attachments: `files[{}]` is not among them",
                file.number
            )));
        }
    }
    if is_new {
        let has = |name: &str| payload[name].as_array().is_some_and(|all| !all.is_empty());
        if length == 0 && !has("embeds") && !has("components") && files.is_empty() {
            return Err(answer::empty_message());
        }
    }
    Ok(())
}

/// Checks that there is something to see.
///
/// # Errors
///
/// - Discord's refusal.
pub(super) fn not_empty(body: &Value) -> Result<()> {
    let has = |name: &str| body[name].as_array().is_some_and(|all| !all.is_empty());
    let has_content = body["content"]
        .as_str()
        .is_some_and(|content| !content.trim().is_empty());
    if has_content || has("embeds") || has("attachments") || has("components") {
        return Ok(());
    }
    Err(answer::empty_message())
}

fn embeds(payload: &Value) -> Result<()> {
    let text = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let mut total = 0;
    for embed in payload["embeds"].as_array().into_iter().flatten() {
        total += text(&embed["title"]) + text(&embed["description"]) + text(&embed["footer"]["text"]);
        total += text(&embed["author"]["name"]);
        for field in embed["fields"].as_array().into_iter().flatten() {
            let (name, value) = (text(&field["name"]), text(&field["value"]));
            if name == 0 || value == 0 {
                return Err(answer::invalid_form("embeds: a field has no name or no value"));
            }
            total += name + value;
        }
    }
    if total > MAX_EMBEDS_TEXT {
        return Err(answer::invalid_form(format!(
            "embeds: {total} characters are more than 6000"
        )));
    }
    Ok(())
}

/// Checks rows of buttons.
pub(super) fn components(payload: &Value) -> Result<()> {
    let rows = payload["components"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.len() > MAX_ROWS {
        return Err(answer::invalid_form("components: there are more than 5 rows"));
    }
    let mut names = BTreeSet::new();
    for component in rows
        .iter()
        .flat_map(|row| row["components"].as_array().into_iter().flatten())
    {
        let is_button = component["type"] == 2;
        let has_face =
            component["label"].as_str().is_some_and(|label| !label.is_empty()) || !component["emoji"].is_null();
        if is_button && !has_face {
            return Err(answer::invalid_form(
                "components: a button has neither a label nor an emoji",
            ));
        }
        let is_link = component["style"] == 5;
        match component["custom_id"].as_str() {
            Some(name) if !names.insert(name) => {
                return Err(answer::invalid_form(format!("components: `{name}` is the id of two")));
            }
            None if !is_link => return Err(answer::invalid_form("components: one has no id")),
            _ => {}
        }
    }
    Ok(())
}
