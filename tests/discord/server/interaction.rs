//! Interactions: what users do with commands, buttons, menus and forms.

use std::time::Instant;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::multipart::File;
use super::people::{self, Person};
use super::place::Place;
use super::state::State;
use super::{Discord, Server, event};

/// What an interaction began with, by the number that Discord gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Command = 2,
    Component = 3,
    Autocomplete = 4,
    Modal = 5,
}

/// The first answer to an interaction.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) at: Instant,
    pub(crate) kind: u64,
    pub(crate) data: Value,
}

/// An interaction with all that became of it.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) token: String,
    pub(crate) kind: Kind,
    pub(crate) person: Person,
    pub(crate) place: Place,
    pub(crate) born: Instant,
    pub(crate) callback: Option<Callback>,
    /// The message that `@original` means.
    pub(crate) original: Option<u64>,
    /// The message whose button was pressed, or had been for this form.
    pub(crate) source: Option<u64>,
    pub(crate) followups: Vec<u64>,
}

/// The value of an option.
#[derive(Clone, Debug)]
pub(crate) enum Input<'a> {
    Text(&'a str),
    Flag(bool),
    /// A file's name and content.
    File(&'a str, &'a [u8]),
}

impl Discord {
    /// Sends a command by its words, as `il py`.
    pub(crate) fn command(
        &self,
        person: Person,
        place: Place,
        words: &str,
        options: &[(&str, Input<'_>)],
    ) -> Result<u64, Failed> {
        let data = self.chat_input(place, words, options, None)?;
        Ok(self.interact(Kind::Command, person, place, &data, None))
    }

    /// Asks what could be in an option, of which `typed` is there already.
    pub(crate) fn autocomplete(
        &self,
        person: Person,
        place: Place,
        words: &str,
        (option, typed): (&str, &str),
    ) -> Result<u64, Failed> {
        let data = self.chat_input(place, words, &[(option, Input::Text(typed))], Some(option))?;
        Ok(self.interact(Kind::Autocomplete, person, place, &data, None))
    }

    /// Chooses a command of the menu of a message.
    pub(crate) fn menu(&self, person: Person, name: &str, message: u64) -> Result<u64, Failed> {
        let (place, body) = self
            .look(|state| {
                state
                    .messages
                    .get(&message)
                    .map(|message| (message.place, message.body.clone()))
            })
            .ok_or("there is no such message")?;
        let command = self.registered(place, name, 3)?;
        let data = json!({
            "id": command["id"], "name": name, "type": 3, "target_id": message.to_string(),
            "resolved": {"messages": {message.to_string(): body}},
        });
        Ok(self.interact(Kind::Command, person, place, &data, None))
    }

    /// Presses the button of a message that has a label.
    pub(crate) fn press(&self, person: Person, message: u64, label: &str) -> Result<u64, Failed> {
        let message = self
            .look(|state| state.messages.get(&message).cloned())
            .ok_or("there is no such message")?;
        let rows = message.body["components"].as_array().into_iter().flatten();
        let mut buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
        let button = buttons.find(|button| button["label"] == label && button["disabled"] != true);
        let button =
            button.ok_or_else(|| format!("no button `{label}` can be pressed: {}", message.body["components"]))?;
        let data = json!({"custom_id": button["custom_id"], "component_type": button["type"], "id": 1});
        Ok(self.interact(Kind::Component, person, message.place, &data, Some(message.id)))
    }

    /// Sends the form that an interaction was answered with; fields that are not named keep what they show.
    pub(crate) fn submit(&self, interaction: u64, fields: &[(&str, &str)]) -> Result<u64, Failed> {
        let asked = self
            .look(|state| state.interactions.get(&interaction).cloned())
            .ok_or("no such interaction")?;
        let form = asked
            .callback
            .filter(|callback| callback.kind == 9)
            .ok_or("the answer is no form")?
            .data;
        let mut rows = Vec::new();
        let mut left: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        for row in form["components"].as_array().into_iter().flatten() {
            let input = &row["components"][0];
            let id = input["custom_id"].as_str().unwrap_or_default();
            left.retain(|name| *name != id);
            let typed = fields.iter().find(|(name, _)| *name == id).map(|(_, value)| *value);
            let value = typed.or(input["value"].as_str()).unwrap_or_default();
            if value.is_empty() && input["required"] != false {
                return Err(format!("the field `{id}` has to be filled").into());
            }
            let max = input["max_length"]
                .as_u64()
                .map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
            if value.chars().count() > max {
                return Err(format!("the field `{id}` has no room for {} characters", value.chars().count()).into());
            }
            rows.push(json!({"type": 1, "components": [{"type": 4, "custom_id": id, "value": value}]}));
        }
        if !left.is_empty() {
            return Err(format!("the form has no fields {left:?}: {form}").into());
        }
        let data = json!({"custom_id": form["custom_id"], "components": rows});
        Ok(self.interact(Kind::Modal, asked.person, asked.place, &data, asked.source))
    }

    fn interact(&self, kind: Kind, person: Person, place: Place, data: &Value, source: Option<u64>) -> u64 {
        let server: &Server = self.server();
        self.change(|state| {
            let id = state.snowflake();
            let token = format!("aW50ZXJhY3Rpb24{id}{:032x}", id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut payload = json!({
                "id": id.to_string(), "application_id": people::APPLICATION.to_string(), "type": kind as u8,
                "data": data, "channel_id": place.channel.to_string(), "channel": place.channel(), "token": token,
                "version": 1, "app_permissions": "2251800098995265", "locale": "en-US", "entitlements": [],
                "authorizing_integration_owners": {"1": person.id().to_string()},
                "context": place.context(), "attachment_size_limit": server.settings.upload_limit,
            });
            if let Some(guild) = place.guild {
                let mut member = person.member();
                member["permissions"] = json!(person.permissions().to_string());
                payload["member"] = member;
                payload["guild_id"] = json!(guild.to_string());
                payload["guild_locale"] = json!("en-US");
                payload["guild"] = json!({"id": guild.to_string(), "locale": "en-US", "features": []});
                if place.has_bot() {
                    payload["authorizing_integration_owners"]["0"] = json!(guild.to_string());
                }
            } else {
                payload["user"] = person.user();
            }
            if let Some(message) = source.and_then(|source| state.messages.get(&source)) {
                payload["message"] = message.body.clone();
            }
            let interaction = Interaction {
                token,
                kind,
                person,
                place,
                born: Instant::now(),
                callback: None,
                original: None,
                source,
                followups: Vec::new(),
            };
            state.interactions.insert(id, interaction);
            event::dispatch(state, "INTERACTION_CREATE", place.guild, &payload);
            id
        })
    }

    /// Returns the registered command of a name and type.
    fn registered(&self, place: Place, name: &str, kind: u64) -> Result<Value, Failed> {
        let is_it = |command: &&Value| command["name"] == name && command["type"] == kind;
        let in_context = |command: &&Value| {
            let context = place.context();
            command["contexts"]
                .as_array()
                .is_none_or(|all| all.iter().any(|one| *one == context))
        };
        self.look(|state| {
            let of = |guild| state.commands.get(&guild).into_iter().flatten();
            let mut all = of(place.guild).chain(of(None));
            all.find(|command| is_it(command) && in_context(command)).cloned()
        })
        .ok_or_else(|| format!("no command `{name}` is registered for {place:?}").into())
    }

    /// Returns the data of a command, with the options in their places.
    fn chat_input(
        &self,
        place: Place,
        words: &str,
        options: &[(&str, Input<'_>)],
        focused: Option<&str>,
    ) -> Result<Value, Failed> {
        let mut words = words.split(' ');
        let first = words.next().unwrap_or_default();
        let command = self.registered(place, first, 1)?;
        let mut level = &command;
        let mut path = Vec::new();
        for word in words {
            let below = level["options"].as_array().into_iter().flatten();
            let mut below = below.filter(|option| option["type"] == 1 || option["type"] == 2);
            level = below
                .find(|option| option["name"] == word)
                .ok_or_else(|| format!("no `{word}` below `{first}`"))?;
            path.push((word, level["type"].clone()));
        }
        let known = level["options"].as_array().map_or(&[][..], Vec::as_slice);
        let mut resolved = json!({});
        let mut values = Vec::new();
        for (name, input) in options {
            let option = known.iter().find(|option| option["name"] == *name);
            let option = option.ok_or_else(|| format!("`{first}` has no option `{name}`"))?;
            let value = match (input, option["choices"].as_array()) {
                (Input::Text(text), Some(choices)) if !choices.is_empty() => {
                    let choice = choices.iter().find(|choice| choice["name"] == *text);
                    choice.ok_or_else(|| format!("`{name}` has no choice `{text}`"))?["value"].clone()
                }
                _ => self.change(|state| value(state, input, &mut resolved, &self.base())),
            };
            let is_right = match input {
                Input::Text(_) => option["type"] == 3 || value.is_number(),
                Input::Flag(_) => option["type"] == 5,
                Input::File(..) => option["type"] == 11,
            };
            if !is_right {
                return Err(format!("`{name}` is of type {}", option["type"]).into());
            }
            let mut value = json!({"name": name, "type": option["type"], "value": value});
            if focused == Some(name) {
                if option["autocomplete"] != true {
                    return Err(format!("`{name}` completes nothing").into());
                }
                value["focused"] = json!(true);
            }
            values.push(value);
        }
        let is_given = |option: &Value| options.iter().any(|(name, _)| option["name"] == *name);
        if let Some(missing) = known
            .iter()
            .find(|option| option["required"] == true && !is_given(option))
            && focused.is_none()
        {
            return Err(format!("`{first}` needs {missing}").into());
        }
        for (word, kind) in path.into_iter().rev() {
            values = vec![json!({"name": word, "type": kind, "options": values})];
        }
        let mut data = json!({"id": command["id"], "name": first, "type": 1, "options": values});
        if resolved != json!({}) {
            data["resolved"] = resolved;
        }
        Ok(data)
    }
}

fn value(state: &mut State, input: &Input<'_>, resolved: &mut Value, base: &str) -> Value {
    match input {
        Input::Text(text) => json!(text),
        Input::Flag(flag) => json!(flag),
        Input::File(name, bytes) => {
            let id = state.snowflake();
            let url = format!("{base}/attachments/1/{id}/{name}");
            resolved["attachments"][id.to_string()] = json!({
                "id": id.to_string(), "filename": name, "size": bytes.len(), "url": url, "proxy_url": url,
                "content_type": "text/plain; charset=utf-8", "ephemeral": true,
            });
            let file = File {
                number: 0,
                name: (*name).to_owned(),
                kind: "text/plain; charset=utf-8".to_owned(),
                bytes: bytes.to_vec(),
            };
            state.files.insert(id, file);
            json!(id.to_string())
        }
    }
}
