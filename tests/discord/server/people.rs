//! The guilds, roles and users that there are.

use serde_json::{Value, json};

use super::answer::{self, Result};
use super::place::Place;

pub(crate) const GUILD: u64 = 2 << 22;
/// Has an odd number before its low bits: of two shards it is the second's.
pub(crate) const OTHER_GUILD: u64 = 3 << 22;
pub(crate) const MODERATOR: u64 = 201 << 22;
pub(crate) const BOT: u64 = 301 << 22;
pub(crate) const APPLICATION: u64 = 302 << 22;
pub(super) const OWNER: u64 = 303 << 22;
const FIRST_USER: u64 = 400;

const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const MANAGE_MESSAGES: u64 = 1 << 13;
const EMBED_LINKS: u64 = 1 << 14;
const ATTACH_FILES: u64 = 1 << 15;
const READ_MESSAGE_HISTORY: u64 = 1 << 16;
const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub(super) const EVERYONE: u64 =
    VIEW_CHANNEL | SEND_MESSAGES | EMBED_LINKS | ATTACH_FILES | READ_MESSAGE_HISTORY | USE_APPLICATION_COMMANDS;

const GATEWAY_MESSAGE_CONTENT_LIMITED: u64 = 1 << 19;
pub(super) const JOINED: &str = "2020-01-01T00:00:00.000000+00:00";

/// A user who is a member of both guilds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    number: u64,
}

impl Person {
    pub(crate) const ALICE: Self = Self { number: 0 };
    pub(crate) const BOB: Self = Self { number: 1 };
    /// Is a moderator.
    pub(crate) const MONA: Self = Self { number: 2 };

    /// Returns one of many others.
    pub(crate) fn other(number: u64) -> Self {
        Self { number: 3 + number }
    }

    pub(crate) fn id(self) -> u64 {
        (FIRST_USER + self.number) << 22
    }

    pub(crate) fn name(self) -> String {
        match self.number {
            0 => "alice".to_owned(),
            1 => "bob".to_owned(),
            2 => "mona".to_owned(),
            number => format!("user{}", number - 3),
        }
    }

    /// Returns the person with an id.
    pub(super) fn by_id(id: u64) -> Option<Self> {
        let number = (id >> 22).checked_sub(FIRST_USER)?;
        (number < 1000).then_some(Self { number })
    }

    pub(super) fn user(self) -> Value {
        user(self.id(), &self.name(), false)
    }

    pub(super) fn permissions(self) -> u64 {
        if self == Self::MONA {
            EVERYONE | MANAGE_MESSAGES
        } else {
            EVERYONE
        }
    }

    pub(super) fn member(self) -> Value {
        let roles = if self == Self::MONA {
            vec![MODERATOR.to_string()]
        } else {
            Vec::new()
        };
        member(&self.user(), &roles)
    }
}

pub(super) fn bot() -> Value {
    user(BOT, "inline", true)
}

fn user(id: u64, name: &str, bot: bool) -> Value {
    json!({
        "id": id.to_string(), "username": name, "discriminator": "0", "global_name": name, "avatar": null, "bot": bot,
        "public_flags": 0, "flags": 0,
    })
}

fn member(user: &Value, roles: &[String]) -> Value {
    json!({
        "user": user, "nick": null, "avatar": null, "roles": roles, "joined_at": JOINED, "premium_since": null,
        "deaf": false, "mute": false, "flags": 0, "pending": false, "communication_disabled_until": null,
    })
}

pub(super) fn bot_member() -> Value {
    member(&bot(), &[])
}

/// Returns the application; its flags tell whether it may have the content of messages.
pub(super) fn application(message_content: bool) -> Value {
    let flags = if message_content {
        GATEWAY_MESSAGE_CONTENT_LIMITED
    } else {
        0
    };
    json!({
        "id": APPLICATION.to_string(), "name": "inline", "icon": null, "description": "", "bot_public": true,
        "bot_require_code_grant": false, "verify_key": "0".repeat(64), "team": null, "flags": flags, "hook": true,
        "owner": user(OWNER, "owner", false), "rpc_origins": [], "summary": "", "bot": bot(),
    })
}

fn role(id: u64, name: &str, permissions: u64) -> Value {
    json!({
        "id": id.to_string(), "name": name, "permissions": permissions.to_string(), "position": 0, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null}, "hoist": false,
        "managed": false, "mentionable": false, "icon": null, "unicode_emoji": null, "flags": 0,
    })
}

pub(super) fn roles(guild: u64) -> Value {
    json!([
        role(guild, "@everyone", EVERYONE),
        role(MODERATOR, "moderator", EVERYONE | MANAGE_MESSAGES),
    ])
}

/// Returns a guild as the HTTP API has it.
pub(super) fn guild(id: u64) -> Option<Value> {
    let name = match id {
        GUILD => "first",
        OTHER_GUILD => "second",
        _ => return None,
    };
    Some(json!({
        "id": id.to_string(), "name": name, "icon": null, "splash": null, "discovery_splash": null, "banner": null,
        "owner_id": OWNER.to_string(), "afk_channel_id": null, "afk_timeout": 300, "widget_enabled": false,
        "widget_channel_id": null, "verification_level": 0, "default_message_notifications": 0,
        "explicit_content_filter": 0, "roles": roles(id), "emojis": [], "stickers": [], "features": [], "mfa_level": 0,
        "application_id": null, "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null,
        "max_presences": null, "max_members": 500_000, "vanity_url_code": null, "description": null,
        "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US", "nsfw": false,
        "public_updates_channel_id": null, "max_video_channel_users": 25, "nsfw_level": 0, "region": "deprecated",
        "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null, "incidents_data": null,
    }))
}

pub(super) fn channels(guild: u64) -> Vec<Value> {
    [Place::GENERAL, Place::SECRET, Place::ELSEWHERE]
        .into_iter()
        .filter(|place| place.guild == Some(guild))
        .map(Place::channel)
        .collect()
}

/// Returns a guild as the gateway's `GUILD_CREATE` has it.
pub(super) fn guild_create(id: u64) -> Option<Value> {
    let mut guild = guild(id)?;
    let more = json!({
        "joined_at": JOINED, "large": false, "unavailable": false, "member_count": 2, "voice_states": [],
        "members": [bot_member()], "channels": channels(id), "threads": [], "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "soundboard_sounds": [],
    });
    if let (Value::Object(guild), Value::Object(more)) = (&mut guild, more) {
        guild.extend(more);
    }
    Some(guild)
}

/// Opens the channel of direct messages with somebody.
pub(super) fn direct(payload: &Value) -> Result<Value> {
    let recipient = payload["recipient_id"].as_str().and_then(|id| id.parse().ok());
    let person = recipient
        .and_then(Person::by_id)
        .ok_or_else(|| answer::invalid_form("recipient_id"))?;
    Ok(Place::direct(person).channel())
}

/// Answers what is asked about a guild.
pub(super) fn of_guild(id: &str, rest: &[&str]) -> Result<Value> {
    let id: u64 = id.parse().map_err(|_| answer::unknown_guild())?;
    let guild = guild(id).ok_or_else(answer::unknown_guild)?;
    match rest {
        [] => Ok(guild),
        ["roles"] => Ok(roles(id)),
        ["channels"] => Ok(json!(channels(id))),
        ["members", member] => match member.parse() {
            Ok(BOT) => Ok(bot_member()),
            Ok(member) => Person::by_id(member)
                .map(Person::member)
                .ok_or_else(answer::unknown_member),
            Err(_) => Err(answer::unknown_member()),
        },
        _ => Err(answer::unknown_route()),
    }
}
