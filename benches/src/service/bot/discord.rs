//! A Discord that is nothing but what a bot needs to be connected and to answer.

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::Result;
use super::{gateway, http};

/// Looks like Discord's, and was never one.
pub(super) const TOKEN: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4.AAAAAA.aW5saW5lLWJlbmNoLWhhcy1ub3QtYS10b2tlbg";
const APPLICATION: u64 = 302 << 22;
const BOT: u64 = 301 << 22;
const FIRST_USER: u64 = 400;
const FIRST_INTERACTION: u64 = 500_000;

/// What a bot does.
pub(super) enum Seen {
    /// It is connected to the gateway.
    Connected,
    /// It sent or changed a message.
    Message(String),
}

/// Stops with the program.
pub(super) struct Discord {
    address: String,
    seen: UnboundedReceiver<Seen>,
    dispatch: UnboundedSender<Value>,
    asked: u64,
}

impl Discord {
    pub(super) async fn start() -> Result<Self> {
        let (requests, sockets) = (
            TcpListener::bind("127.0.0.1:0").await?,
            TcpListener::bind("127.0.0.1:0").await?,
        );
        let address = format!("http://{}", requests.local_addr()?);
        let gateway = format!("ws://{}", sockets.local_addr()?);
        let (teller, seen) = unbounded_channel();
        let (dispatch, dispatched) = unbounded_channel();
        drop(tokio::spawn(http::serve(requests, gateway, teller.clone())));
        drop(tokio::spawn(gateway::serve(sockets, teller, dispatched)));
        Ok(Self {
            address,
            seen,
            dispatch,
            asked: 0,
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until the bot is there, which first tells what its commands are.
    pub(super) async fn connected(&mut self) -> Result<()> {
        while !matches!(self.seen.recv().await.ok_or("Discord is gone")?, Seen::Connected) {}
        Ok(())
    }

    /// Lets a user ask for `source` in a direct message, and waits until a message tells `expected`.
    pub(super) async fn ask(&mut self, user: u32, source: &str, expected: &str) -> Result<()> {
        self.asked += 1;
        let id = (FIRST_INTERACTION + self.asked) << 22;
        let user = (FIRST_USER + u64::from(user)) << 22;
        let options = json!([{"name": "code", "type": 3, "value": source}]);
        let word = json!([{"name": "py", "type": 1, "options": options}]);
        let interaction = json!({
            "id": id.to_string(), "application_id": APPLICATION.to_string(), "type": 2, "token": format!("bench{id}"),
            "version": 1, "app_permissions": "2251800098995265", "locale": "en-US", "entitlements": [], "context": 1,
            "data": {"id": "1", "name": "il", "type": 1, "options": word},
            "channel_id": (user + 1).to_string(), "authorizing_integration_owners": {"1": user.to_string()},
            "channel": {
                "id": (user + 1).to_string(), "type": 1, "recipients": [person(user, false)], "last_message_id": null,
                "flags": 0,
            },
            "user": person(user, false), "attachment_size_limit": 1 << 20,
        });
        self.dispatch
            .send(json!({"t": "INTERACTION_CREATE", "d": interaction}))?;
        loop {
            if let Seen::Message(text) = self.seen.recv().await.ok_or("Discord is gone")?
                && text.contains(expected)
            {
                return Ok(());
            }
        }
    }
}

pub(super) fn application() -> Value {
    json!({"id": APPLICATION.to_string(), "name": "inline", "description": "", "flags": 1 << 19, "bot": person(BOT, true)})
}

pub(super) fn ready(gateway: &str) -> Value {
    json!({
        "v": 10, "user": person(BOT, true), "guilds": [], "session_id": "bench", "resume_gateway_url": gateway,
        "shard": [0, 1], "application": {"id": APPLICATION.to_string(), "flags": 1 << 19},
    })
}

/// Returns a message of the bot.
pub(super) fn message() -> Value {
    json!({
        "id": (1u64 << 40).to_string(), "channel_id": "1", "author": person(BOT, true), "content": "", "flags": 0,
        "timestamp": "2026-01-01T00:00:00.000000+00:00", "edited_timestamp": null, "tts": false, "type": 20,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
        "pinned": false, "components": [],
    })
}

fn person(id: u64, is_bot: bool) -> Value {
    json!({
        "id": id.to_string(), "username": format!("user{id}"), "discriminator": "0", "global_name": null,
        "avatar": null, "bot": is_bot, "public_flags": 0, "flags": 0,
    })
}
