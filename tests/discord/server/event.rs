//! What the gateway tells the application.

use serde_json::{Value, json};

use super::Server;
use super::message::Message;
use super::people;
use super::session::{Down, Intents};
use super::state::State;

/// What can become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ends without a word.
    Drop,
    /// The gateway closes it with a code.
    Close(u16),
    /// The gateway asks for a new connection.
    Reconnect,
    /// The session has ended; `true` if it can be resumed nevertheless.
    InvalidSession(bool),
    /// The gateway falls silent: it sends nothing and acknowledges nothing.
    Silence,
}

impl super::Discord {
    /// Does this to all connections.
    pub(crate) fn fault(&self, fault: Fault) {
        self.change(|state| {
            for session in state.gateway.sessions.values() {
                session.send(Down::Fault(fault));
            }
        });
    }
}

/// Sends an event to the shard that it belongs to.
pub(super) fn dispatch(state: &mut State, name: &str, guild: Option<u64>, data: &Value) {
    for session in state.gateway.sessions.values_mut() {
        let (shard, shards) = session.shard;
        if guild.map_or(0, |guild| (guild >> 22) % shards.max(1)) == shard {
            session.dispatch(name, data);
            return;
        }
    }
}

/// Tells of a message, as far as the application may know of it.
pub(super) fn message(server: &Server, state: &mut State, name: &str, message: &Message) {
    if message.is_ephemeral() || !message.place.has_bot() {
        return;
    }
    let guild = message.place.guild;
    let wanted = if guild.is_some() {
        Intents::GUILD_MESSAGES
    } else {
        Intents::DIRECT_MESSAGES
    };
    let mut data = message.body.clone();
    if name == "MESSAGE_DELETE" {
        data = json!({"id": message.id.to_string(), "channel_id": message.place.channel.to_string()});
    }
    if let Some(guild) = guild {
        data["guild_id"] = json!(guild.to_string());
    }
    let may_have_content = guild.is_none()
        || message.author.is_none()
        || message.body["content"]
            .as_str()
            .is_some_and(|text| text.contains(&format!("<@{}>", people::BOT)));
    if let (Some(author), Some(_), true) = (message.author, guild, name != "MESSAGE_DELETE") {
        let mut member = author.member();
        if let Value::Object(member) = &mut member {
            member.remove("user");
        }
        data["member"] = member;
    }
    let has_intent = |session: &&mut super::session::Session| session.intents & wanted != 0;
    let content = server.settings.message_content;
    for session in state.gateway.sessions.values_mut().filter(has_intent) {
        let (shard, shards) = session.shard;
        if guild.map_or(0, |guild| (guild >> 22) % shards.max(1)) != shard {
            continue;
        }
        let mut data = data.clone();
        let is_granted = content && session.intents & Intents::MESSAGE_CONTENT != 0;
        if !may_have_content && !is_granted && name != "MESSAGE_DELETE" {
            data["content"] = json!("");
            data["attachments"] = json!([]);
            data["embeds"] = json!([]);
            data["components"] = json!([]);
        }
        session.dispatch(name, &data);
    }
}
