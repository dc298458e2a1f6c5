//! The calls that the bot makes.

use reqwest::Method;

/// Names a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route<'a> {
    Application,
    GlobalCommands { application: u64 },
    GuildCommands { application: u64, guild: u64 },
    Callback { interaction: u64, token: &'a str },
    EditAnswer { application: u64, token: &'a str },
    DeleteAnswer { application: u64, token: &'a str },
    CreateMessage { channel: u64 },
    EditMessage { channel: u64, message: u64 },
    DeleteMessage { channel: u64, message: u64 },
    Channel { channel: u64 },
    DirectChannel,
}

impl Route<'_> {
    pub(super) fn method(self) -> Method {
        match self {
            Self::Application | Self::Channel { .. } => Method::GET,
            Self::GlobalCommands { .. } | Self::GuildCommands { .. } => Method::PUT,
            Self::Callback { .. } | Self::CreateMessage { .. } | Self::DirectChannel => Method::POST,
            Self::EditAnswer { .. } | Self::EditMessage { .. } => Method::PATCH,
            Self::DeleteAnswer { .. } | Self::DeleteMessage { .. } => Method::DELETE,
        }
    }

    pub(super) fn path(self) -> String {
        match self {
            Self::Application => "/applications/@me".to_owned(),
            Self::GlobalCommands { application } => format!("/applications/{application}/commands"),
            Self::GuildCommands { application, guild } => {
                format!("/applications/{application}/guilds/{guild}/commands")
            }
            Self::Callback { interaction, token } => format!("/interactions/{interaction}/{token}/callback"),
            Self::EditAnswer { application, token } | Self::DeleteAnswer { application, token } => {
                format!("/webhooks/{application}/{token}/messages/@original")
            }
            Self::CreateMessage { channel } => format!("/channels/{channel}/messages"),
            Self::EditMessage { channel, message } | Self::DeleteMessage { channel, message } => {
                format!("/channels/{channel}/messages/{message}")
            }
            Self::Channel { channel } => format!("/channels/{channel}"),
            Self::DirectChannel => "/users/@me/channels".to_owned(),
        }
    }

    /// Returns the name of what Discord limits together: the method, and the path without what is of one message.
    pub(super) fn bucket(self) -> String {
        match self {
            Self::EditMessage { channel, .. } => format!("PATCH {channel}"),
            Self::DeleteMessage { channel, .. } => format!("DELETE {channel}"),
            other => format!("{} {}", other.method(), other.path()),
        }
    }

    /// Returns whether the address itself says who speaks, so that the bot's token has no business there.
    pub(super) fn has_own_token(self) -> bool {
        matches!(
            self,
            Self::Callback { .. } | Self::EditAnswer { .. } | Self::DeleteAnswer { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_of_different_users_are_limited_apart() {
        let edit = |token| Route::EditAnswer { application: 1, token };
        assert_ne!(edit("a").bucket(), edit("b").bucket());
        let message = |message| Route::EditMessage { channel: 1, message };
        assert_eq!(message(2).bucket(), message(3).bucket());
        assert_ne!(
            message(2).bucket(),
            Route::DeleteMessage { channel: 1, message: 2 }.bucket()
        );
    }
}
