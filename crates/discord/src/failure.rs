//! Why the bot did not do what a user asked, and how that one is told.

use inline_sandbox::SandboxError;

use crate::bot::chain;
use crate::policy::Refused;
use crate::rest::RestError;
use crate::show::{inline, is_ours, refusal, size};

/// Says why the bot did not do what a user asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Rest(#[from] RestError),
    #[error("refused by policy")]
    Refused(Refused),
    #[error("the bot is being restarted")]
    Restarting,
    /// What was asked makes no sense, in words for whoever asked.
    #[error("{0}")]
    Told(String),
}

impl Failure {
    pub(crate) fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }

    /// Returns what the user is told; what only the operator can mend goes to the log.
    pub(crate) fn tell(&self) -> String {
        match self {
            Self::Sandbox(error) => {
                if is_ours(error) {
                    tracing::error!(error = chain(error), "the sandbox service did not do its part");
                }
                refusal(error)
            }
            Self::Rest(RestError::TooLarge { max }) => {
                format!("⚠️ The attachment has more than {}, which are allowed.", size(*max))
            }
            Self::Rest(RestError::Attachment) => "⚠️ The attachment could not be fetched.".to_owned(),
            Self::Rest(error) => {
                tracing::warn!(error = chain(error), "discord did not do its part");
                "⚠️ Discord did not do its part: try again.".to_owned()
            }
            Self::Refused(refused) => refused.text(),
            Self::Restarting => "🔄 The bot is being restarted: try again in a minute.".to_owned(),
            Self::Told(text) => format!("⚠️ {text}"),
        }
    }

    /// Says that a file is not text.
    pub(crate) fn not_text(name: &str) -> Self {
        Self::told(format!("{} is not text in UTF-8.", inline(name)))
    }
}
