//! Why a call to Discord did not do what it was to.

use std::time::Duration;

use serde_json::Value;

/// The interaction, or what was answered to it, is no longer known: 15 minutes are over.
const EXPIRED: [u64; 3] = [10_015, 10_062, 50_027];
const UNKNOWN_MESSAGE: u64 = 10_008;
/// The most of Discord's own words that are passed on.
const MAX_MESSAGE: usize = 200;

/// Says why a call did not do what it was to. No variant holds the token, nor an address that has one in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestError {
    #[error("the base of the interface is no `http` or `https` address")]
    Origin,
    #[error("discord was not reached")]
    Unreachable {
        is_passing: bool,
        #[source]
        source: reqwest::Error,
    },
    #[error("discord wants fewer calls")]
    TooMany { after: Duration },
    #[error("the time to answer is over")]
    Expired,
    #[error("the message is gone")]
    Gone,
    #[error("discord refused with status {status}, code {code}: {message}")]
    Refused { status: u16, code: u64, message: String },
    #[error("an attachment cannot be fetched")]
    Attachment,
    #[error("it has more than {max} bytes")]
    TooLarge { max: u64 },
}

impl RestError {
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        // The address of an answer has the interaction's own token in it.
        let source = error.without_url();
        Self::Unreachable {
            // What may have arrived is not sent twice.
            is_passing: source.is_connect(),
            source,
        }
    }

    pub(super) fn refused(status: u16, answer: &Value) -> Self {
        let code = answer["code"].as_u64().unwrap_or(0);
        if EXPIRED.contains(&code) {
            return Self::Expired;
        }
        if code == UNKNOWN_MESSAGE {
            return Self::Gone;
        }
        let message = answer["message"].as_str().unwrap_or("no reason given");
        let errors = answer
            .get("errors")
            .map(|errors| format!(" {errors}"))
            .unwrap_or_default();
        let message = format!("{message}{errors}");
        Self::Refused {
            status,
            code,
            message: message.escape_debug().take(MAX_MESSAGE).collect(),
        }
    }

    /// Returns whether the same call may do better in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { is_passing, .. } => *is_passing,
            Self::Refused { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let refused = |status, code| RestError::refused(status, &json!({"code": code, "message": "no"}));
        assert!(matches!(refused(401, 50_027), RestError::Expired));
        assert!(matches!(refused(404, 10_015), RestError::Expired));
        assert!(matches!(refused(404, 10_008), RestError::Gone));
        assert!(matches!(refused(403, 50_013), RestError::Refused { .. }));
        assert!(refused(502, 0).is_passing());
        assert!(!refused(400, 0).is_passing());
        let long = RestError::refused(400, &json!({"message": "x".repeat(5_000)}));
        assert!(long.to_string().len() < 400);
    }
}
