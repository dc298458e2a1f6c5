//! What the service refuses, in the words of the bot.

use inline_sandbox::{BusyReason, SandboxError};

use super::block::inline;
use super::quantity::{size, span};

/// Returns what a user is told of `error`; what only the operator can mend is not told in its details.
pub(crate) fn refusal(error: &SandboxError) -> String {
    let text = match error {
        SandboxError::NotFound { what: "sandbox", .. } => {
            return "📭 You have no sandbox yet: `/il create` makes one, and so does the first run.".to_owned();
        }
        SandboxError::AlreadyExists { what: "sandbox", .. } => return "📦 You have a sandbox already.".to_owned(),
        SandboxError::NotFound { what, name } => format!("There is no {what} {}.", inline(name)),
        SandboxError::AlreadyExists { what, name } => format!("The {what} {} is there already.", inline(name)),
        SandboxError::InvalidPath { path, why } => {
            format!("The path {} cannot be used: {why}.", inline(path))
        }
        SandboxError::QuotaExceeded {
            what: "bytes",
            used,
            limit,
        } => format!(
            "The sandbox would hold {}, and {} are allowed: remove something first.",
            size(*used),
            size(*limit)
        ),
        SandboxError::QuotaExceeded { what, used, limit } => {
            format!("The sandbox would hold {used} {what}, and {limit} are allowed: remove something first.")
        }
        SandboxError::Busy { reason, retry_after } => {
            let when = span(*retry_after);
            let why = match reason {
                BusyReason::QueueFull { .. } => "Too many programs are waiting".to_owned(),
                BusyReason::OwnerQueueFull { waiting, .. } => {
                    format!("{waiting} programs of yours are waiting already")
                }
                BusyReason::QueueTimeout { waited } => format!("No place came free within {}", span(*waited)),
                BusyReason::RateLimited { allowed, period, .. } => {
                    format!(
                        "That was too often: {allowed} programs in {} are allowed",
                        span(*period)
                    )
                }
                BusyReason::DailyCpu { allowed, .. } => {
                    format!("Today's computing time of {} is used up", span(*allowed))
                }
                BusyReason::TooManySessions { allowed } => {
                    format!("{allowed} sessions are open already (`/il session action:stop` ends one)")
                }
                BusyReason::ShuttingDown => return "🔄 The bot is being restarted: try again in a minute.".to_owned(),
                _ => "There is too much to do".to_owned(),
            };
            return format!("⏳ {why}: try again in {when}.");
        }
        SandboxError::UnknownLanguage { language, known } => format!(
            "The language {} is not known; there are {}.",
            inline(language),
            known.iter().map(|name| inline(name)).collect::<Vec<_>>().join(", ")
        ),
        SandboxError::NoSessions { language } => format!("There are no sessions of {}.", inline(language)),
        SandboxError::InvalidProgram { why } => format!("The program cannot be run: {why}."),
        SandboxError::SourceTooLarge { len, max } => {
            format!("The program has {}, and {} are allowed.", size(*len), size(*max))
        }
        SandboxError::TooLarge { what, size: len, max } => {
            format!("The {what} has {} or more, and {} are allowed.", size(*len), size(*max))
        }
        SandboxError::InvalidPackage { specifier, why } => {
            format!(
                "The package {} cannot be installed: {}.",
                inline(specifier),
                inline(why)
            )
        }
        SandboxError::ImageNotAllowed { image } => format!("The image {} may not be chosen.", inline(image)),
        SandboxError::InvalidLimit { limit, why, .. } => format!("The limit `{limit}` makes no sense: {why}."),
        _ => {
            return "⚠️ Something went wrong on the bot's side; its operator finds the cause in the log.".to_owned();
        }
    };
    format!("⚠️ {text}")
}

/// Returns whether only the operator can mend what is behind `error`.
pub(crate) fn is_ours(error: &SandboxError) -> bool {
    matches!(
        error,
        SandboxError::Runtime(_)
            | SandboxError::Io { .. }
            | SandboxError::Store { .. }
            | SandboxError::StoreUnusable { .. }
            | SandboxError::StoreValue { .. }
            | SandboxError::InvalidConfig { .. }
            | SandboxError::InUse { .. }
            | SandboxError::InvalidOwner { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_typed_stays_between_backticks() {
        let error = SandboxError::NotFound {
            what: "file",
            name: "@everyone `x".to_owned(),
        };
        let text = refusal(&error);
        assert!(text.contains("ˋx") && !text.contains("@everyone"), "{text}");
    }

    #[test]
    fn what_is_the_operators_is_not_told() {
        let error = SandboxError::Runtime(inline_runtime::Error::new(
            inline_runtime::ErrorKind::Unavailable,
            "no answer from /secret/path",
        ));
        assert!(is_ours(&error));
        assert!(!refusal(&error).contains("secret"));
    }
}
