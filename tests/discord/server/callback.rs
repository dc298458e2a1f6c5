//! The first answer to an interaction.

use std::time::Instant;

use serde_json::{Value, json};

use super::answer::{self, Answer, Result};
use super::interaction::{Callback, Interaction, Kind};
use super::message::{EPHEMERAL, Origin};
use super::multipart::File;
use super::{Server, check};

const MAX_CHOICES: usize = 25;
const MAX_CHOICE_CHARACTERS: usize = 100;

/// Takes the answer.
///
/// # Errors
///
/// - Discord's refusal: of one that comes too late, twice, or is none for this kind.
pub(super) fn handle(
    server: &Server,
    id: &str,
    token: &str,
    payload: &Value,
    files: &[File],
    with_response: bool,
) -> Result<Answer> {
    let number: u64 = id.parse().map_err(|_| answer::unknown_interaction())?;
    let interaction = server
        .state()
        .interactions
        .get(&number)
        .filter(|one| one.token == token)
        .cloned();
    let interaction = interaction.ok_or_else(answer::unknown_interaction)?;
    if interaction.callback.is_some() {
        return Err(answer::already_acknowledged());
    }
    let waited = interaction.born.elapsed();
    if waited > server.settings.answer_within {
        server.complain(format!("an interaction was answered after {waited:?} only"));
        return Err(answer::unknown_interaction());
    }
    let kind = payload["type"].as_u64().unwrap_or(0);
    let data = &payload["data"];
    let original = answered(server, number, &interaction, kind, data, files)?;
    server.change(|state| {
        if let Some(interaction) = state.interactions.get_mut(&number) {
            interaction.original = original;
            interaction.callback = Some(Callback {
                at: Instant::now(),
                kind,
                data: data.clone(),
            });
        }
    });
    if !with_response {
        return Ok(Answer::Empty);
    }
    let message = original.and_then(|id| server.state().messages.get(&id).map(|message| message.body.clone()));
    Ok(Answer::Json(json!({
        "interaction": {"id": id, "type": interaction.kind as u8, "response_message_id": original.map(|id| id.to_string())},
        "resource": {"type": kind, "message": message},
    })))
}

/// Does what the answer says, and returns the message that is `@original` from now on.
fn answered(
    server: &Server,
    id: u64,
    interaction: &Interaction,
    kind: u64,
    data: &Value,
    files: &[File],
) -> Result<Option<u64>> {
    let origin = Origin {
        place: interaction.place,
        author: None,
        interaction: Some(id),
        is_promise: kind == 5,
    };
    let is_autocomplete = interaction.kind == Kind::Autocomplete;
    match kind {
        4 if !is_autocomplete => server.create(&origin, data, files).map(Some),
        5 if !is_autocomplete => {
            let flags = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL;
            server.create(&origin, &json!({"flags": flags}), &[]).map(Some)
        }
        6 if interaction.source.is_some() => Ok(interaction.source),
        7 if interaction.source.is_some() => {
            if let Some(source) = interaction.source {
                server.edit(source, data, files)?;
            }
            Ok(interaction.source)
        }
        8 if is_autocomplete => choices(data).map(|()| None),
        9 if matches!(interaction.kind, Kind::Command | Kind::Component) => {
            check::components(data)?;
            Ok(None)
        }
        _ => Err(answer::invalid_form(format!(
            "type: {kind} does not answer {:?}",
            interaction.kind
        ))),
    }
}

fn choices(data: &Value) -> Result<()> {
    let choices = data["choices"].as_array().map_or(&[][..], Vec::as_slice);
    if choices.len() > MAX_CHOICES {
        return Err(answer::invalid_form("choices: there are more than 25"));
    }
    let fits = |value: &Value| {
        value
            .as_str()
            .is_none_or(|text| !text.trim().is_empty() && text.chars().count() <= MAX_CHOICE_CHARACTERS)
    };
    if choices
        .iter()
        .any(|choice| !fits(&choice["name"]) || !fits(&choice["value"]))
    {
        return Err(answer::invalid_form(
            "choices: one is blank or longer than 100 characters",
        ));
    }
    Ok(())
}
