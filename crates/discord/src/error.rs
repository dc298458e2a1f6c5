//! Why the bot does not start, or does not go on.

use std::error::Error as StdError;

use crate::rest::RestError;

type Source = Box<dyn StdError + Send + Sync>;

/// Says why the bot does not start, or does not go on. Nothing of it holds the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] crate::config::InvalidConfig),
    /// Discord does not take the token.
    #[error("discord does not take the token")]
    Unauthorized,
    /// Discord was not reached, or refused something.
    #[error("{operation} was not possible")]
    Discord {
        /// What was being done.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
    /// The address of metrics and health cannot be listened on.
    #[error("the address `{address}` cannot be listened on")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The refusal.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Returns the cure, if one is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => {
                Some("copy the token of the bot from the Discord developer portal into `DISCORD_TOKEN`")
            }
            Self::Listen { .. } => Some("set `discord.http` to another address, as in `http = \"127.0.0.1:9465\"`"),
            Self::Config(_) | Self::Discord { .. } => None,
        }
    }

    pub(crate) fn discord(operation: &'static str) -> impl Fn(RestError) -> Self {
        move |error| match error {
            RestError::Refused { status: 401, .. } => Self::Unauthorized,
            source => Self::Discord {
                operation,
                source: source.into(),
            },
        }
    }
}
