//! What ends a command, and how a person is told.

use std::error::Error as _;
use std::io;

use inline::ErrorKind;
use inline_sandbox::SandboxError;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Says why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Engine(#[from] inline::Error),
    #[error(transparent)]
    Mcp(#[from] inline_mcp::Error),
    #[error(transparent)]
    Discord(#[from] inline_discord::Error),
    #[error("{what} was refused by the operating system")]
    Os { what: String, source: io::Error },
    #[error("{message}")]
    Told {
        message: String,
        hint: Option<&'static str>,
    },
    /// A signal came; whoever sent it knows.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    pub(crate) fn os(what: impl Into<String>, source: io::Error) -> Self {
        Self::Os {
            what: what.into(),
            source,
        }
    }

    pub(crate) fn told(message: impl Into<String>) -> Self {
        Self::Told {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn told_with_hint(message: impl Into<String>, hint: &'static str) -> Self {
        Self::Told {
            message: message.into(),
            hint: Some(hint),
        }
    }

    /// Returns whether the same would come of it again until the operator changes something.
    pub(crate) fn is_for_the_operator(&self) -> bool {
        match self {
            Self::Engine(error) => error.kind() == ErrorKind::InvalidConfig,
            Self::Sandbox(error) => matches!(error, SandboxError::InvalidConfig { .. }),
            Self::Discord(error) => matches!(
                error,
                inline_discord::Error::Unauthorized | inline_discord::Error::Config(_)
            ),
            Self::Told { .. } => true,
            _ => false,
        }
    }

    /// Tells a person: what, why, and what to do about it.
    pub(crate) fn report(&self) {
        eprintln!("error: {}", self.text());
    }

    /// Returns the error, each of its causes and the cure on lines of their own.
    pub(crate) fn text(&self) -> String {
        let mut text = match self {
            Self::Engine(error) => without_hint(error),
            other => other.to_string(),
        };
        let mut last = text.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let line = error.downcast_ref().map_or_else(|| error.to_string(), without_hint);
            // An error that several were told is below the copy of each.
            if line != last {
                text.push_str("\n  caused by: ");
                text.push_str(&line);
            }
            last = line;
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text.push_str("\nhint: ");
            text.push_str(&hint);
        }
        text
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Sandbox(error) => error.hint(),
            Self::Engine(error) => error.hint().map(ToOwned::to_owned),
            Self::Mcp(error) => error.hint().map(ToOwned::to_owned),
            Self::Discord(error) => error.hint().map(ToOwned::to_owned),
            Self::Told { hint, .. } => hint.map(ToOwned::to_owned),
            Self::Os { .. } | Self::Interrupted => None,
        }
    }
}

/// The hint comes last, whatever is below the error that has it.
fn without_hint(error: &inline::Error) -> String {
    let text = error.to_string();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    text.strip_suffix(&hint).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use inline::{Error, ErrorKind};

    use super::*;

    #[test]
    fn causes_are_told_once_and_the_hint_last() {
        let engine = || {
            Error::new(ErrorKind::Unavailable, "no answer")
                .with_driver("docker")
                .with_operation("info")
                .with_hint("start it")
                .with_source(io::Error::other("refused"))
        };
        assert_eq!(
            Failure::from(engine()).text(),
            "docker info: no answer\n  caused by: refused\nhint: start it"
        );
        assert_eq!(
            Failure::from(SandboxError::from(engine())).text(),
            "the container engine did not do its part\n  caused by: docker info: no answer\n  caused by: refused\nhint: \
             start it"
        );
    }
}
