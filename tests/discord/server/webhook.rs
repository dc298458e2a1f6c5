//! What comes after the first answer to an interaction, by its token.

use serde_json::Value;

use super::answer::{self, Answer, Result};
use super::message::Origin;
use super::multipart::File;
use super::{Server, people};

pub(super) fn handle(
    server: &Server,
    method: &str,
    application: &str,
    token: &str,
    rest: &[&str],
    payload: &Value,
    files: &[File],
) -> Result<Answer> {
    if application != people::APPLICATION.to_string() {
        return Err(answer::unknown_webhook());
    }
    let found = server.change(|state| {
        let id = state
            .interactions
            .iter()
            .find(|(_, one)| one.token == token)
            .map(|(id, _)| *id)?;
        state.interactions.get(&id).cloned().map(|one| (id, one))
    });
    let (id, interaction) = found.ok_or_else(answer::unknown_webhook)?;
    if interaction.born.elapsed() > server.settings.token_lifetime {
        return Err(answer::invalid_token());
    }
    if interaction.callback.is_none() {
        return Err(answer::unknown_webhook());
    }
    let known = |name: &str| -> Result<u64> {
        let named = if name == "@original" {
            interaction.original
        } else {
            name.parse().ok()
        };
        let own = interaction.original.iter().chain(&interaction.followups);
        let found = own
            .copied()
            .find(|id| Some(*id) == named)
            .ok_or_else(answer::unknown_message)?;
        let is_there = server
            .state()
            .messages
            .get(&found)
            .is_some_and(|message| message.deleted.is_none());
        if is_there {
            Ok(found)
        } else {
            Err(answer::unknown_message())
        }
    };
    let body = |id: u64| {
        server
            .state()
            .messages
            .get(&id)
            .map(|message| message.body.clone())
            .unwrap_or_default()
    };
    match (method, rest) {
        ("POST", []) => {
            // The first one takes the place of the promise of an answer.
            let promised = interaction.original.filter(|id| {
                server
                    .state()
                    .messages
                    .get(id)
                    .is_some_and(super::message::Message::is_loading)
            });
            if let Some(promised) = promised {
                return server.edit(promised, payload, files).map(Answer::Json);
            }
            let origin = Origin {
                place: interaction.place,
                author: None,
                interaction: Some(id),
                is_promise: false,
            };
            let message = server.create(&origin, payload, files)?;
            server.change(|state| {
                if let Some(interaction) = state.interactions.get_mut(&id) {
                    interaction.followups.push(message);
                }
            });
            Ok(Answer::Json(body(message)))
        }
        ("GET", ["messages", name]) => Ok(Answer::Json(body(known(name)?))),
        ("PATCH", ["messages", name]) => server.edit(known(name)?, payload, files).map(Answer::Json),
        ("DELETE", ["messages", name]) => server.delete(known(name)?).map(|()| Answer::Empty),
        _ => Err(answer::unknown_route()),
    }
}
