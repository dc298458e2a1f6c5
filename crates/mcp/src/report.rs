//! The result of a run, for clients that read structure, and for those that read text.

use inline_sandbox::{Artifact, LeftOut, RunResult, Verdict};
use rmcp::model::{CallToolResult, ContentBlock, Resource};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::excerpt::Excerpt;
use crate::outputs::OutputStream;
use crate::uri::ResourceUri;
use crate::{images, mime, schema};

/// The most files that a result links to; the structured content names them all.
const MAX_LINKS: usize = 20;

/// The structured content.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    output: String,
    error: String,
    exit_code: Option<u8>,
    execution_time: u64,
    verdict: Verdict,
    truncated: bool,
    cpu_time_ms: Option<u64>,
    peak_memory_bytes: Option<u64>,
    artifacts: Vec<File>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionState>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    path: String,
    uri: String,
    size: u64,
    mime_type: Option<&'static str>,
    is_new: bool,
}

/// Says what became of the interpreter of a session.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionState {
    pub(crate) is_new: bool,
    pub(crate) state_kept: bool,
}

/// Returns the schema of the structured content.
pub(crate) fn output_schema() -> std::sync::Arc<rmcp::model::JsonObject> {
    let file = json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "description": "path below /workspace" },
            "uri": { "type": "string", "description": "name of the resource that holds it" },
            "size": { "type": "integer", "description": "bytes" },
            "mimeType": { "type": ["string", "null"] },
            "isNew": { "type": "boolean", "description": "false if it was there before and has changed" },
        },
        "required": ["path", "uri", "size", "mimeType", "isNew"],
        "additionalProperties": false,
    });
    let session = json!({
        "type": "object",
        "description": "only for a call with `session`",
        "properties": {
            "isNew": { "type": "boolean", "description": "a new interpreter was started: nothing of before is defined" },
            "stateKept": { "type": "boolean", "description": "false if the interpreter ended and all that was defined is lost" },
        },
        "required": ["isNew", "stateKept"],
        "additionalProperties": false,
    });
    schema::object(
        &json!({
            "output": { "type": "string", "description": "standard output, head and tail if it is long" },
            "error": { "type": "string", "description": "standard error, head and tail if it is long, and why the program was stopped if it was" },
            "exitCode": schema::nullable("integer", "exit code; null if the program did not end by itself"),
            "executionTime": { "type": "integer", "description": "wall time in milliseconds" },
            "verdict": {
                "type": "string",
                "enum": [
                    "ok", "non_zero", "signal", "timeout", "cpu_time", "out_of_memory", "output_limit", "disk_full",
                    "cancelled", "lost",
                ],
                "description": "how it ended",
            },
            "truncated": { "type": "boolean", "description": "whether output or error is not all that was printed" },
            "cpuTimeMs": schema::nullable("integer", "CPU time in milliseconds, where it is known"),
            "peakMemoryBytes": schema::nullable("integer", "most memory in use, in bytes, where it is known"),
            "artifacts": { "type": "array", "items": file, "description": "files that the program made or changed" },
            "session": session,
        }),
        &[
            "output",
            "error",
            "exitCode",
            "executionTime",
            "verdict",
            "truncated",
            "cpuTimeMs",
            "peakMemoryBytes",
            "artifacts",
        ],
    )
}

/// Words the result of the run `id`.
pub(crate) async fn of_run(
    client: &Client,
    id: &str,
    result: &RunResult,
    session: Option<SessionState>,
) -> CallToolResult {
    let config = &client.config;
    let output = Excerpt::of_stream(&result.stdout, id, OutputStream::Stdout, config.output_chars);
    let error = Excerpt::of_stream(&result.stderr, id, OutputStream::Stderr, config.error_chars);
    let mut links = Vec::new();
    for (excerpt, captured, stream) in [
        (&output, &result.stdout, OutputStream::Stdout),
        (&error, &result.stderr, OutputStream::Stderr),
    ] {
        if excerpt.is_cut {
            let text = captured.to_text();
            client.outputs.keep(id, stream, &text);
            let link = Resource::new(ResourceUri::output(id, stream), stream.name())
                .with_description("what the program printed, kept for a while")
                .with_mime_type("text/plain")
                .with_size(text.len() as u64);
            links.push(link);
        }
    }
    let truncated = output.is_cut || error.is_cut || result.is_truncated();
    let made: Vec<&Artifact> = made(result).collect();
    let mut attached = images::attach(client, images(result)).await;
    let linked = made.iter().filter(|file| !attached.has(file)).take(MAX_LINKS);
    links.extend(linked.map(|file| link(file)));
    if result.artifacts.left_out_more > 0 {
        let note = format!("{} more files were made or changed", result.artifacts.left_out_more);
        attached.notes.push(note);
    }
    let report = Report {
        error: with_reason(error.text, result.verdict),
        output: output.text,
        exit_code: result.exit_code(),
        execution_time: millis(result.usage.wall),
        verdict: result.verdict,
        truncated,
        cpu_time_ms: result.usage.cpu.map(millis),
        peak_memory_bytes: result.usage.peak_memory,
        artifacts: made.iter().map(|file| File::of(file)).collect(),
        session,
    };
    let mut content = vec![ContentBlock::text(report.to_text(result.verdict, &attached.notes))];
    content.extend(attached.blocks);
    content.extend(links.into_iter().map(ContentBlock::resource_link));
    let mut told = CallToolResult::success(content);
    told.structured_content = serde_json::to_value(&report).ok();
    told
}

/// Returns what a run has made, the files included that are too large or too many to be shown.
fn made(result: &RunResult) -> impl Iterator<Item = &Artifact> {
    let left_out = result.artifacts.left_out.iter().map(|(file, _)| file);
    result.artifacts.files.iter().chain(left_out)
}

/// Returns the images among them, however many, but those that show nothing.
fn images(result: &RunResult) -> impl Iterator<Item = &Artifact> {
    let left_out = result.artifacts.left_out.iter();
    let shown = left_out.filter(|(_, why)| *why != LeftOut::Blank).map(|(file, _)| file);
    let all = result.artifacts.files.iter().chain(shown);
    all.filter(|file| file.is_image)
}

/// Adds why the program was stopped, if that was not its own doing.
fn with_reason(error: String, verdict: Verdict) -> String {
    match verdict {
        Verdict::Ok | Verdict::NonZero(_) => error,
        _ if error.is_empty() => verdict.to_string(),
        _ => format!("{}\n{verdict}", error.trim_end_matches('\n')),
    }
}

impl Report {
    fn to_text(&self, verdict: Verdict, notes: &[String]) -> String {
        let mut text = self.output.clone();
        let mut line = |line: &str| {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(line);
        };
        if !self.error.is_empty() {
            line(&format!("[stderr]\n{}", self.error));
        }
        let mut summary = format!("[{verdict}; {} ms", self.execution_time);
        match self.session {
            Some(SessionState { state_kept: false, .. }) => {
                summary += "; the interpreter ended, all that was defined is lost";
            }
            Some(SessionState { is_new: true, .. }) => summary += "; in a new interpreter",
            _ => {}
        }
        line(&(summary + "]"));
        if !self.artifacts.is_empty() {
            // What does not fit on a page is in the structured content.
            let (shown, more) = self.artifacts.split_at(self.artifacts.len().min(MAX_LINKS));
            let shown: Vec<String> = shown
                .iter()
                .map(|file| format!("{} ({} bytes)", file.path, file.size))
                .collect();
            let more = if more.is_empty() {
                String::new()
            } else {
                format!(" and {} more", more.len())
            };
            line(&format!("[files made or changed: {}{more}]", shown.join(", ")));
        }
        for note in notes {
            line(&format!("[{note}]"));
        }
        text
    }
}

impl File {
    fn of(artifact: &Artifact) -> Self {
        Self {
            path: artifact.path.to_string(),
            uri: ResourceUri::file(&artifact.path),
            size: artifact.size,
            mime_type: mime::of(&artifact.path),
            is_new: artifact.is_new,
        }
    }
}

fn link(artifact: &Artifact) -> Resource {
    let link = Resource::new(ResourceUri::file(&artifact.path), artifact.path.to_string()).with_size(artifact.size);
    match mime::of(&artifact.path) {
        Some(of) => link.with_mime_type(of),
        None => link,
    }
}

pub(crate) fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a value as structured content, with the same as text.
pub(crate) fn structured(value: Value, text: String) -> CallToolResult {
    let mut told = CallToolResult::success(vec![ContentBlock::text(text)]);
    told.structured_content = Some(value);
    told
}
