//! `sandbox_session_start`, `sandbox_session_reset`, `sandbox_session_stop`: persistent interpreters.

use inline_sandbox::Language;
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Description, exec, languages};
use crate::call::{Call, arguments};
use crate::client::Client;
use crate::refusal::Refusal;
use crate::report::structured;
use crate::schema;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    language: String,
}

fn described(client: &Client, title: &'static str, text: String) -> Description {
    let with_sessions = languages(&client.service, Language::has_sessions);
    let input = schema::object(
        &json!({ "language": { "type": "string", "enum": with_sessions } }),
        &["language"],
    );
    let output = schema::object(
        &json!({
            "language": { "type": "string" },
            "open": { "type": "boolean", "description": "whether there is an interpreter now" },
            "existed": { "type": "boolean", "description": "whether there was one before" },
        }),
        &["language", "open", "existed"],
    );
    (title, text, input, output)
}

pub(super) fn describe_start(client: &Client) -> Description {
    let config = &client.service.config().sessions;
    let text = format!(
        "Starts a persistent interpreter, which keeps variables and imports between calls of `sandbox_exec` with \
         `session` set; those start one too, if there is none. There is one for each language, {} at once. One that is not \
         used for {} min ends.",
        config.max_sessions_per_owner,
        config.idle_timeout.as_secs() / 60,
    );
    described(client, "Start a session", text)
}

pub(super) fn describe_reset(client: &Client) -> Description {
    let text = "Ends the persistent interpreter of a language with all that was defined in it, stopping what runs there, \
                and starts a new one. Files stay.";
    described(client, "Reset a session", text.to_owned())
}

pub(super) fn describe_stop(client: &Client) -> Description {
    let text = "Ends the persistent interpreter of a language with all that was defined in it, stopping what runs there, \
                and frees its memory. Files stay.";
    described(client, "Stop a session", text.to_owned())
}

pub(super) async fn start(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: Arguments = arguments(given)?;
    let existed = !open(call, &given.language).await?;
    let text = if existed { "it is open already" } else { "it is open" };
    Ok(told(&given.language, true, existed, text))
}

pub(super) async fn reset(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: Arguments = arguments(given)?;
    let existed = end(call, &given.language).await?;
    open(call, &given.language).await?;
    Ok(told(
        &given.language,
        true,
        existed,
        "a new one is open, with nothing defined",
    ))
}

pub(super) async fn stop(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: Arguments = arguments(given)?;
    let existed = end(call, &given.language).await?;
    let text = if existed { "it has ended" } else { "there was none" };
    Ok(told(&given.language, false, existed, text))
}

/// Opens the session with a cell that does nothing; says whether it was not open.
async fn open(call: &Call<'_>, language: &str) -> Result<bool, Refusal> {
    let request = exec::request(call.client, language, "").with_place(call.place(None));
    let followed = call.follow(call.client.service.run_cell(request), None).await?;
    let opening = followed.outcome;
    if !opening.run.verdict.is_ok() {
        return Err(Refusal::arguments(format!(
            "no session was started: {}",
            opening.run.verdict
        )));
    }
    Ok(opening.is_new)
}

async fn end(call: &Call<'_>, language: &str) -> Result<bool, Refusal> {
    let known = call.client.service.languages();
    let lower = language.to_ascii_lowercase();
    if !known.values().any(|known| known.answers_to(&lower)) {
        let known: Vec<_> = known.keys().map(String::as_str).collect();
        return Err(Refusal::arguments(format!(
            "`language` is one of: {}",
            known.join(", ")
        )));
    }
    Ok(call.client.service.end_session(&call.client.owner, language).await)
}

fn told(language: &str, open: bool, existed: bool, text: &str) -> CallToolResult {
    let value: Value = json!({ "language": language, "open": open, "existed": existed });
    structured(value, format!("session of {language}: {text}"))
}
