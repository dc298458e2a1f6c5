//! `sandbox_exec`: one program, or one cell of a session.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use inline_sandbox::{CellRequest, LimitRequest, Program, RunRequest, RunResult, Verdict};
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::json;

use super::write::put;
use super::{Description, languages};
use crate::call::{Call, Followed, arguments};
use crate::client::Client;
use crate::refusal::Refusal;
use crate::report::{self, SessionState};
use crate::schema;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    label: Option<String>,
    language: String,
    code: String,
    #[serde(default)]
    timeout: Option<f64>,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default)]
    files: Vec<GivenFile>,
    #[serde(default)]
    session: bool,
}

/// A file that comes with a call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenFile {
    path: String,
    content: String,
    #[serde(default)]
    encoding: Encoding,
}

/// How the content of a file is written in JSON.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "base64")]
    Base64,
}

impl Encoding {
    /// Returns what `content` stands for.
    pub(super) fn decode(self, content: String) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Utf8 => Ok(content.into_bytes()),
            Self::Base64 => BASE64_STANDARD
                .decode(content)
                .map_err(|error| Refusal::arguments(format!("`content` is no base64: {error}"))),
        }
    }
}

pub(super) fn describe(client: &Client) -> Description {
    let (service, config) = (&client.service, &client.config);
    let limits = &service.config().limits;
    let (default, max) = (limits.timeout.as_secs_f64(), limits.max_timeout.as_secs_f64());
    let text = format!(
        "Runs a program in an isolated container that is thrown away, and returns what it printed, how it ended, what it \
         used and which files it made. Use it to compute, to test code, to work on data, to draw plots (images that the \
         program saves come back as images).\n\
         Files in /workspace, which is the current directory, stay from call to call; nothing else does, unless `session` \
         is set. There is no network and nothing of the host; packages come with `sandbox_install`.\n\
         Limits: {default} s unless `timeout` says otherwise, at most {max} s; {} MiB of memory; {} processes. Of the \
         output {} characters come back, of the error output {}: head and tail, with a link to all of it. A program that \
         fails is a result, not an error: read `verdict` and `exitCode`.",
        limits.memory >> 20,
        limits.pids_limit,
        config.output_chars,
        config.error_chars,
    );
    let with_sessions = languages(service, inline_sandbox::Language::has_sessions).join(", ");
    let file = json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "description": "from the current directory or as /workspace/…; directories above it are made" },
            "content": { "type": "string" },
            "encoding": { "type": "string", "enum": ["utf-8", "base64"], "default": "utf-8" },
        },
        "required": ["path", "content"],
        "additionalProperties": false,
    });
    let input = schema::object(
        &json!({
            "label": { "type": "string", "description": "what this run is for, in a few words, for people who read along" },
            "language": { "type": "string", "enum": languages(service, |_| true) },
            "code": { "type": "string", "description": "the source; the value of a last expression is printed" },
            "timeout": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": max,
                "default": default,
                "description": "seconds of wall time; more than the maximum is cut to it",
            },
            "stdin": { "type": "string", "description": "standard input; empty by default; not with `session`" },
            "files": { "type": "array", "items": file, "description": "files that are written before the program starts" },
            "session": {
                "type": "boolean",
                "default": false,
                "description": format!("runs the code in a persistent interpreter of the language, which keeps variables \
                                        and imports from call to call; for {with_sessions}"),
            },
        }),
        &["language", "code"],
    );
    ("Run code", text, input, report::output_schema())
}

pub(super) async fn call(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: Arguments = arguments(given)?;
    let timeout = given.timeout.map(seconds).transpose()?;
    let (language, place) = (given.language.clone(), call.place(given.label.as_deref()));
    let (id, result, session) = if given.session {
        let (followed, session) = cell(call, given, place, timeout).await?;
        (followed.id, followed.outcome, Some(session))
    } else {
        let followed = run(call, given, place, timeout).await?;
        (followed.id, followed.outcome, None)
    };
    call.look_at_files().await;
    let told = json!({
        "tool": "sandbox_exec",
        "run": id,
        "language": language,
        "verdict": result.verdict,
        "ms": report::millis(result.usage.wall),
    });
    call.log.info(call.context, told).await;
    Ok(report::of_run(call.client, &id, &result, session).await)
}

async fn run(
    call: &Call<'_>,
    given: Arguments,
    place: String,
    timeout: Option<Duration>,
) -> Result<Followed<RunResult>, Refusal> {
    let mut program = Program::new(given.language, given.code).with_limits(LimitRequest {
        timeout,
        ..LimitRequest::default()
    });
    if let Some(stdin) = given.stdin {
        program = program.with_stdin(stdin);
    }
    for file in given.files {
        program = program.with_file(file.path, file.encoding.decode(file.content)?);
    }
    let request = RunRequest::new(call.client.owner.clone(), program).with_place(place);
    call.follow(call.client.service.run(request), None).await
}

async fn cell(
    call: &Call<'_>,
    given: Arguments,
    place: String,
    timeout: Option<Duration>,
) -> Result<(Followed<RunResult>, SessionState), Refusal> {
    if given.stdin.is_some() {
        return Err(Refusal::arguments(
            "`stdin` cannot be given to a session: write the input to a file of `files`",
        ));
    }
    let client = call.client;
    if !given.files.is_empty() {
        let files = client.files().await?;
        for file in given.files {
            put(
                &files,
                &files.resolve(&file.path)?,
                file.encoding.decode(file.content)?,
                false,
            )
            .await?;
        }
    }
    let request = request(client, given.language, given.code).with_place(place);
    let limits = &client.service.config().limits;
    let time = timeout.unwrap_or(limits.timeout).min(limits.max_timeout);
    let followed = call.follow(client.service.run_cell(request), Some(time)).await?;
    let Followed { id, outcome, is_late } = followed;
    let state = SessionState {
        is_new: outcome.is_new,
        state_kept: outcome.state_kept,
    };
    let mut result = outcome.run;
    if is_late && result.verdict == Verdict::Cancelled {
        result.verdict = Verdict::Timeout;
    }
    let followed = Followed {
        id,
        outcome: result,
        is_late,
    };
    Ok((followed, state))
}

/// Asks for a cell of a session that, if this one opens it, gives each cell as much time as the operator allows: how much
/// one has is this server's to see to.
pub(super) fn request(client: &Client, language: impl Into<String>, code: impl Into<String>) -> CellRequest {
    CellRequest::new(client.owner.clone(), language, code).with_limits(LimitRequest {
        timeout: Some(client.service.config().limits.max_timeout),
        ..LimitRequest::default()
    })
}

/// Reads a number of seconds; the policy cuts it to what is allowed.
fn seconds(seconds: f64) -> Result<Duration, Refusal> {
    if seconds <= 0.0 {
        return Err(Refusal::arguments("`timeout` is a number of seconds above 0"));
    }
    // What cannot be expressed is cut as well.
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}
