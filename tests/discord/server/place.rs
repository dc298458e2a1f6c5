//! The channels that there are, with a guild and without.

use serde_json::{Value, json};

use super::people::{EVERYONE, GUILD, JOINED, OTHER_GUILD, OWNER, Person};

const GENERAL: u64 = 101 << 22;
pub(crate) const SECRET: u64 = 102 << 22;
const OTHER_GENERAL: u64 = 103 << 22;
/// A guild in which the bot is not.
const FOREIGN_GUILD: u64 = 4 << 22;
const FOREIGN_GENERAL: u64 = 104 << 22;
const THREAD: u64 = 105 << 22;
const GROUP: u64 = 106 << 22;

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Is none in a direct message.
    pub(crate) guild: Option<u64>,
    pub(crate) channel: u64,
}

impl Place {
    pub(crate) const GENERAL: Self = Self {
        guild: Some(GUILD),
        channel: GENERAL,
    };
    pub(crate) const SECRET: Self = Self {
        guild: Some(GUILD),
        channel: SECRET,
    };
    /// Is a thread of the secret channel.
    pub(crate) const THREAD: Self = Self {
        guild: Some(GUILD),
        channel: THREAD,
    };
    pub(crate) const ELSEWHERE: Self = Self {
        guild: Some(OTHER_GUILD),
        channel: OTHER_GENERAL,
    };

    /// Is where the bot is not: users have it with them.
    pub(crate) const AWAY: Self = Self {
        guild: Some(FOREIGN_GUILD),
        channel: FOREIGN_GENERAL,
    };

    /// Is where some people are without a guild, one of whom has the bot with them.
    pub(crate) const GROUP: Self = Self {
        guild: None,
        channel: GROUP,
    };

    /// Returns where somebody and the bot are alone.
    pub(crate) fn direct(person: Person) -> Self {
        Self {
            guild: None,
            channel: person.id() + 1,
        }
    }

    /// Returns the place of a channel.
    pub(super) fn of(channel: u64) -> Option<Self> {
        let known = [
            Self::GENERAL,
            Self::SECRET,
            Self::THREAD,
            Self::ELSEWHERE,
            Self::AWAY,
            Self::GROUP,
        ];
        let direct = || Person::by_id(channel.checked_sub(1)?).map(Self::direct);
        known.into_iter().find(|place| place.channel == channel).or_else(direct)
    }

    /// Returns whether the bot itself is there.
    pub(super) fn has_bot(self) -> bool {
        ![Self::AWAY, Self::GROUP].contains(&self)
    }

    /// Returns the number of the kind of place, as interactions have it.
    pub(super) fn context(self) -> u64 {
        match self.guild {
            Some(_) => 0,
            None if self == Self::GROUP => 2,
            None => 1,
        }
    }

    pub(super) fn channel(self) -> Value {
        let name = if self.channel == SECRET { "secret" } else { "general" };
        if self == Self::GROUP {
            let recipients = [Person::ALICE.user(), Person::BOB.user()];
            let (id, owner) = (self.channel.to_string(), Person::BOB.id().to_string());
            return json!({
                "id": id, "type": 3, "recipients": recipients, "name": "group", "icon": null, "owner_id": owner,
                "last_message_id": null, "flags": 0,
            });
        }
        let Some(guild) = self.guild else {
            let person = Person::by_id(self.channel - 1).map(Person::user);
            let id = self.channel.to_string();
            return json!({"id": id, "type": 1, "recipients": [person], "last_message_id": null, "flags": 0});
        };
        if self == Self::THREAD {
            return json!({
                "id": self.channel.to_string(), "type": 11, "guild_id": guild.to_string(), "name": "thread",
                "parent_id": SECRET.to_string(), "owner_id": OWNER.to_string(), "message_count": 0, "member_count": 1,
                "rate_limit_per_user": 0, "flags": 0, "last_message_id": null, "permissions": EVERYONE.to_string(),
                "thread_metadata": {
                    "archived": false, "auto_archive_duration": 1440, "archive_timestamp": JOINED, "locked": false,
                },
            });
        }
        json!({
            "id": self.channel.to_string(), "type": 0, "guild_id": guild.to_string(), "name": name, "position": 0,
            "permission_overwrites": [], "nsfw": false, "topic": null, "last_message_id": null, "parent_id": null,
            "rate_limit_per_user": 0, "flags": 0, "permissions": EVERYONE.to_string(),
        })
    }
}
