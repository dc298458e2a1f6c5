//! Whoever asks, and from where.

use inline_sandbox::{Owner, SandboxError};

/// The owners that this face speaks for.
const KIND: &str = "discord";

/// Describes whoever asks, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user: u64,
    pub(crate) guild: Option<u64>,
    pub(crate) channel: u64,
    /// The channel that a thread is in, or the category of a channel.
    pub(crate) parent: Option<u64>,
    pub(crate) roles: Vec<u64>,
    /// Whether messages of others may be removed there.
    pub(crate) is_moderator: bool,
    /// The most bytes of what is attached to one message there.
    pub(crate) upload_limit: u64,
}

impl Caller {
    /// Returns whose sandbox it is.
    pub(crate) fn owner(&self) -> Result<Owner, SandboxError> {
        Owner::new(KIND, &self.user.to_string())
    }

    /// Returns where it was asked for, for the audit.
    pub(crate) fn place(&self) -> String {
        match self.guild {
            Some(guild) => format!("discord guild {guild} channel {}", self.channel),
            None => format!("discord channel {}", self.channel),
        }
    }
}
