//! Why a call does nothing, in words for a model that tell nothing of the host.

use std::hash::{BuildHasher, Hasher, RandomState};

use inline_sandbox::SandboxError;
use rmcp::model::{CallToolResult, ContentBlock};

/// Says why a call does nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The arguments make no sense.
    Arguments(String),
    /// The service does not do it.
    Sandbox(SandboxError),
}

/// What a client is told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) text: String,
    /// Whether it is the operator who has to do something.
    pub(crate) is_ours: bool,
}

impl Refusal {
    pub(crate) fn arguments(why: impl Into<String>) -> Self {
        Self::Arguments(why.into())
    }

    /// Words it, and logs what only the operator may read under a number that the client is told.
    pub(crate) fn tell(self) -> Told {
        let error = match self {
            Self::Arguments(text) => return Told { text, is_ours: false },
            Self::Sandbox(error) => error,
        };
        if !is_ours(&error) {
            let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            return Told {
                text: format!("{error}{hint}"),
                is_ours: false,
            };
        }
        let incident = format!("{:016x}", RandomState::new().build_hasher().finish());
        let causes = causes(&error);
        tracing::error!(incident, %error, causes, "a call was not served");
        Told {
            text: format!("the sandbox cannot do this now; its operator finds the cause in the log, as `{incident}`"),
            is_ours: true,
        }
    }
}

/// Returns whether the error is one of the operator's host, of which a client is told nothing.
fn is_ours(error: &SandboxError) -> bool {
    matches!(
        error,
        SandboxError::InUse { .. }
            | SandboxError::InvalidConfig { .. }
            | SandboxError::Io { .. }
            | SandboxError::Store { .. }
            | SandboxError::StoreUnusable { .. }
            | SandboxError::StoreValue { .. }
            | SandboxError::Runtime(_)
    )
}

fn causes(error: &SandboxError) -> String {
    let first = std::error::Error::source(error);
    let causes = std::iter::successors(first, |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl From<SandboxError> for Refusal {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}

impl From<Told> for CallToolResult {
    fn from(told: Told) -> Self {
        Self::error(vec![ContentBlock::text(told.text)])
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use inline::{Error, ErrorKind};

    use super::*;

    #[test]
    fn nothing_of_the_host_is_told() {
        let engine =
            Error::new(ErrorKind::Unavailable, "no answer from `/run/secret.sock`").with_hint("start `/usr/bin/x`");
        for error in [
            SandboxError::Runtime(engine),
            SandboxError::Io {
                operation: "opening /srv/secret",
                source: io::Error::other("secret"),
            },
        ] {
            let told = Refusal::from(error).tell();
            assert!(
                told.is_ours && !told.text.contains("secret") && !told.text.contains("/usr"),
                "{told:?}"
            );
        }
    }

    #[test]
    fn what_the_client_can_mend_is_told_with_its_cure() {
        let told = Refusal::from(SandboxError::SourceTooLarge { len: 3, max: 2 }).tell();
        assert!(!told.is_ours && told.text.starts_with("the source has 3 bytes, 2 are allowed\nhint: "));
    }
}
