//! Messages: those of users, those of the bot, and what the bot asks for about them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::answer::{self, Answer, Result};
use super::check;
use super::multipart::File;
use super::people::{self, Person};
use super::place::Place;
use super::state::State;
use super::{Server, event};

pub(crate) const LOADING: u64 = 1 << 7;
pub(crate) const EPHEMERAL: u64 = 1 << 6;
const HAS_REFERENCE: u64 = 19;
const APPLICATION_COMMAND: u64 = 20;

/// A message with all that became of it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) place: Place,
    /// Is none of a message of the bot.
    pub(crate) author: Option<Person>,
    /// The interaction that it answers.
    pub(crate) interaction: Option<u64>,
    /// As Discord has it.
    pub(crate) body: Value,
    /// What it was, at each time that it was sent or changed.
    pub(crate) versions: Vec<(Instant, Value)>,
    pub(crate) deleted: Option<Instant>,
}

impl Message {
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.body["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0
    }

    /// Returns whether it is the bot's promise of an answer.
    pub(crate) fn is_loading(&self) -> bool {
        self.body["flags"].as_u64().unwrap_or(0) & LOADING != 0
    }
}

/// Who sends a message, and in answer to what.
pub(super) struct Origin {
    pub(super) place: Place,
    pub(super) author: Option<Person>,
    pub(super) interaction: Option<u64>,
    /// Whether it only promises an answer.
    pub(super) is_promise: bool,
}

impl Server {
    /// Makes a message of what was sent.
    ///
    /// # Errors
    ///
    /// - As [`check::message`].
    pub(super) fn create(&self, origin: &Origin, payload: &Value, files: &[File]) -> Result<u64> {
        check::message(&self.settings, payload, files, !origin.is_promise)?;
        if origin.author.is_none() {
            self.check_mentions(payload);
        }
        self.change(|state| {
            let id = state.snowflake();
            let attachments = self.attach(state, origin.place.channel, payload, files, &[]);
            let author = origin.author.map_or_else(people::bot, Person::user);
            let kind = match (origin.interaction, payload.get("message_reference")) {
                (Some(_), _) => APPLICATION_COMMAND,
                (None, Some(_)) => HAS_REFERENCE,
                (None, None) => 0,
            };
            let content = payload["content"].as_str().unwrap_or_default();
            let promised = if origin.is_promise { LOADING } else { 0 };
            let mentioned: Vec<Value> = mentions(content).into_iter().collect();
            let body = json!({
                "id": id.to_string(), "channel_id": origin.place.channel.to_string(), "author": author, "content": content,
                "timestamp": now(), "edited_timestamp": null, "tts": false, "mention_everyone": false,
                "mentions": mentioned, "mention_roles": [], "attachments": attachments,
                "embeds": embeds(payload), "pinned": false, "type": kind,
                "flags": payload["flags"].as_u64().unwrap_or(0) | promised,
                "components": payload.get("components").filter(|all| !all.is_null()).cloned().unwrap_or(json!([])),
                "message_reference": reference(origin.place, payload),
                "application_id": origin.author.is_none().then(|| people::APPLICATION.to_string()),
            });
            let message = Message {
                id,
                place: origin.place,
                author: origin.author,
                interaction: origin.interaction,
                versions: vec![(Instant::now(), body.clone())],
                body,
                deleted: None,
            };
            event::message(self, state, "MESSAGE_CREATE", &message);
            state.messages.insert(id, message);
            Ok(id)
        })
    }

    /// Changes what of a message is named.
    ///
    /// # Errors
    ///
    /// - As [`check::message`], or because there is no such message.
    pub(super) fn edit(&self, id: u64, payload: &Value, files: &[File]) -> Result<Value> {
        check::message(&self.settings, payload, files, false)?;
        self.check_mentions(payload);
        self.change(|state| {
            let message = state.messages.get(&id).filter(|message| message.deleted.is_none());
            let mut message = message.ok_or_else(answer::unknown_message)?.clone();
            let body = &mut message.body;
            if let Some(content) = payload.get("content") {
                body["content"] = json!(content.as_str().unwrap_or_default());
            }
            if payload.get("embeds").is_some() {
                body["embeds"] = embeds(payload);
            }
            if let Some(components) = payload.get("components") {
                body["components"] = components.as_array().map_or(json!([]), |all| json!(all));
            }
            if payload.get("attachments").is_some() || !files.is_empty() {
                let kept = body["attachments"].as_array().cloned().unwrap_or_default();
                body["attachments"] = self.attach(state, message.place.channel, payload, files, &kept);
            }
            let flags = body["flags"].as_u64().unwrap_or(0) & !LOADING;
            body["flags"] = json!(flags);
            body["edited_timestamp"] = json!(now());
            check::not_empty(body)?;
            let body = body.clone();
            message.versions.push((Instant::now(), body.clone()));
            event::message(self, state, "MESSAGE_UPDATE", &message);
            state.messages.insert(id, message);
            Ok(body)
        })
    }

    /// Deletes a message.
    ///
    /// # Errors
    ///
    /// - A refusal, if there is none.
    pub(super) fn delete(&self, id: u64) -> Result<()> {
        self.change(|state| {
            let message = state.messages.get_mut(&id).filter(|message| message.deleted.is_none());
            let message = message.ok_or_else(answer::unknown_message)?;
            message.deleted = Some(Instant::now());
            let message = message.clone();
            event::message(self, state, "MESSAGE_DELETE", &message);
            Ok(())
        })
    }

    /// Returns the attachments that a message has with those of a request.
    fn attach(&self, state: &mut State, channel: u64, payload: &Value, files: &[File], before: &[Value]) -> Value {
        let named = payload["attachments"].as_array();
        let number = |one: &Value| one["id"].as_u64().or_else(|| one["id"].as_str()?.parse().ok());
        let is_kept = |one: &&Value| named.is_none_or(|named| named.iter().any(|name| number(name) == number(one)));
        let mut all: Vec<Value> = before.iter().filter(is_kept).cloned().collect();
        for file in files {
            let id = state.snowflake();
            let (kind, size) = (file.kind.clone(), file.bytes.len());
            let url = format!("http://{}/attachments/{channel}/{id}/{}", self.address, file.name);
            let description = named.into_iter().flatten().find(|one| number(one) == Some(file.number));
            all.push(json!({
                "id": id.to_string(), "filename": file.name, "size": size, "url": url, "proxy_url": url,
                "content_type": kind, "description": description.and_then(|one| one.get("description")),
            }));
            state.files.insert(id, file.clone());
        }
        json!(all)
    }

    /// Complains of what could ping anybody.
    fn check_mentions(&self, payload: &Value) {
        let has_text = payload["content"].as_str().is_some_and(|content| !content.is_empty());
        let allowed = &payload["allowed_mentions"];
        let is_empty = |name: &str| allowed[name].as_array().is_none_or(Vec::is_empty);
        let is_none = allowed["parse"].as_array().is_some_and(Vec::is_empty)
            && is_empty("users")
            && is_empty("roles")
            && allowed["replied_user"] != true;
        if has_text && !is_none {
            self.complain(format!("a message could ping: {payload}"));
        }
    }
}

fn embeds(payload: &Value) -> Value {
    let mut embeds = payload["embeds"].as_array().cloned().unwrap_or_default();
    for embed in &mut embeds {
        embed["type"] = json!("rich");
    }
    json!(embeds)
}

/// Returns what a message answers, with all that Discord adds.
fn reference(place: Place, payload: &Value) -> Value {
    let Some(id) = payload["message_reference"]["message_id"].as_str() else {
        return Value::Null;
    };
    let mut reference = json!({"type": 0, "message_id": id, "channel_id": place.channel.to_string()});
    if let Some(guild) = place.guild {
        reference["guild_id"] = json!(guild.to_string());
    }
    reference
}

/// Returns the users that a text mentions.
fn mentions(content: &str) -> Option<Value> {
    content.contains(&format!("<@{}>", people::BOT)).then(people::bot)
}

/// Returns the time as Discord writes it.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (mut days, of_day) = (now.as_secs() / 86_400, now.as_secs() % 86_400);
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (day, hour, minute, second) = (days + 1, of_day / 3600, of_day / 60 % 60, of_day % 60);
    let micros = now.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// Answers what is asked about a channel.
pub(super) fn handle(
    server: &Server,
    method: &str,
    channel: &str,
    rest: &[&str],
    payload: &Value,
    files: &[File],
) -> Result<Answer> {
    let place = channel
        .parse()
        .ok()
        .and_then(Place::of)
        .ok_or_else(answer::unknown_channel)?;
    if !place.has_bot() {
        return Err(answer::missing_access());
    }
    let known = |id: &str| -> Result<Message> {
        let id: u64 = id.parse().map_err(|_| answer::unknown_message())?;
        let message = server.state().messages.get(&id).cloned();
        message
            .filter(|message| message.deleted.is_none() && message.place == place && !message.is_ephemeral())
            .ok_or_else(answer::unknown_message)
    };
    match (method, rest) {
        ("GET", []) => Ok(Answer::Json(place.channel())),
        ("POST", ["typing"]) => Ok(Answer::Empty),
        ("POST", ["messages"]) => {
            let origin = Origin {
                place,
                author: None,
                interaction: None,
                is_promise: false,
            };
            let flags = payload["flags"].as_u64().unwrap_or(0);
            if flags & EPHEMERAL != 0 {
                return Err(answer::invalid_form("flags: a message of a channel is for all"));
            }
            let id = server.create(&origin, payload, files)?;
            let body = server.state().messages.get(&id).map(|message| message.body.clone());
            Ok(Answer::Json(body.unwrap_or_default()))
        }
        ("GET", ["messages", id]) => Ok(Answer::Json(known(id)?.body)),
        ("PATCH", ["messages", id]) => {
            let message = known(id)?;
            if message.author.is_some() {
                return Err(answer::not_the_author());
            }
            server.edit(message.id, payload, files).map(Answer::Json)
        }
        ("DELETE", ["messages", id]) => {
            let message = known(id)?;
            if message.author.is_some() {
                return Err(answer::missing_permissions());
            }
            server.delete(message.id).map(|()| Answer::Empty)
        }
        _ => Err(answer::unknown_route()),
    }
}
