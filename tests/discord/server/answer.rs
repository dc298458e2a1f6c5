//! What the API answers: a value, nothing, or a refusal with Discord's own code.

use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Json(Value),
    Empty,
    /// The status, the code and the message of Discord.
    Refused(u16, u64, String),
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Json(_) => 200,
            Self::Empty => 204,
            Self::Refused(status, ..) => *status,
        }
    }

    pub(super) fn body(&self) -> Option<Value> {
        match self {
            Self::Json(value) => Some(value.clone()),
            Self::Empty => None,
            Self::Refused(_, code, message) => Some(json!({"code": code, "message": message})),
        }
    }
}

pub(super) type Result<T> = std::result::Result<T, Answer>;

fn refused(status: u16, code: u64, message: &str) -> Answer {
    Answer::Refused(status, code, message.to_owned())
}

pub(super) fn unauthorized() -> Answer {
    refused(401, 0, "401: Unauthorized")
}

pub(super) fn unknown_route() -> Answer {
    refused(404, 0, "404: Not Found")
}

pub(super) fn unknown_channel() -> Answer {
    refused(404, 10_003, "Unknown Channel")
}

pub(super) fn unknown_guild() -> Answer {
    refused(404, 10_004, "Unknown Guild")
}

pub(super) fn unknown_member() -> Answer {
    refused(404, 10_007, "Unknown Member")
}

pub(super) fn unknown_message() -> Answer {
    refused(404, 10_008, "Unknown Message")
}

pub(super) fn unknown_webhook() -> Answer {
    refused(404, 10_015, "Unknown Webhook")
}

pub(super) fn unknown_interaction() -> Answer {
    refused(404, 10_062, "Unknown interaction")
}

pub(super) fn too_large() -> Answer {
    refused(413, 40_005, "Request entity too large")
}

pub(super) fn already_acknowledged() -> Answer {
    refused(400, 40_060, "Interaction has already been acknowledged.")
}

pub(super) fn not_the_author() -> Answer {
    refused(403, 50_005, "Cannot edit a message authored by another user")
}

pub(super) fn empty_message() -> Answer {
    refused(400, 50_006, "Cannot send an empty message")
}

pub(super) fn missing_permissions() -> Answer {
    refused(403, 50_013, "Missing Permissions")
}

pub(super) fn invalid_token() -> Answer {
    refused(401, 50_027, "Invalid Webhook Token")
}

pub(super) fn unavailable() -> Answer {
    refused(503, 0, "503: Service Unavailable")
}

pub(super) fn missing_access() -> Answer {
    refused(403, 50_001, "Missing Access")
}

/// Refuses a body, and says why in the message.
pub(super) fn invalid_form(why: impl AsRef<str>) -> Answer {
    refused(400, 50_035, &format!("Invalid Form Body: {}", why.as_ref()))
}

pub(super) fn not_json(why: &str) -> Answer {
    refused(400, 50_109, &format!("The request body contains invalid JSON: {why}"))
}
