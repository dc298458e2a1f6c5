//! `sandbox_files_list` and `sandbox_files_read`: looking at the files of the sandbox.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use inline_sandbox::{Chunk, Entry, EntryKind};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Description;
use crate::call::{Call, arguments};
use crate::refusal::Refusal;
use crate::report::structured;
use crate::uri::ResourceUri;
use crate::{mime, schema};

const DEFAULT_LISTED: usize = 200;
const MAX_LISTED: usize = 1_000;
const DEFAULT_READ: usize = 16 << 10;
const MAX_READ: usize = 256 << 10;
/// The largest image that is shown whole, whatever part was asked for.
const MAX_IMAGE: usize = 4 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListArguments {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadArguments {
    path: String,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    limit: Option<usize>,
}

pub(super) fn describe_list() -> Description {
    let text = format!(
        "Lists a directory of the sandbox, /workspace by default, sorted by name, {DEFAULT_LISTED} names at a time. \
         `total` tells how many there are."
    );
    let input = schema::object(
        &json!({
            "path": { "type": "string", "description": "a directory, from the current directory or as /workspace/…" },
            "offset": { "type": "integer", "minimum": 0, "default": 0 },
            "limit": { "type": "integer", "minimum": 1, "maximum": MAX_LISTED, "default": DEFAULT_LISTED },
        }),
        &[],
    );
    let entry = json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "description": "path below /workspace" },
            "kind": { "type": "string", "enum": ["file", "directory", "symlink", "special"] },
            "size": { "type": "integer", "description": "bytes" },
        },
        "required": ["path", "kind", "size"],
        "additionalProperties": false,
    });
    let output = schema::object(
        &json!({
            "entries": { "type": "array", "items": entry },
            "total": { "type": "integer", "description": "how many names the directory has" },
        }),
        &["entries", "total"],
    );
    ("List files", text, input, output)
}

pub(super) fn describe_read() -> Description {
    let text = format!(
        "Reads a file of the sandbox: text as text, an image as an image, anything else as base64. {} KiB at a time unless \
         `limit` says otherwise, at most {} KiB; go on at `nextOffset` while that is a number.",
        DEFAULT_READ >> 10,
        MAX_READ >> 10
    );
    let input = schema::object(
        &json!({
            "path": { "type": "string", "description": "a file, from the current directory or as /workspace/…" },
            "offset": { "type": "integer", "minimum": 0, "default": 0, "description": "first byte" },
            "limit": { "type": "integer", "minimum": 1, "maximum": MAX_READ, "default": DEFAULT_READ, "description": "bytes" },
        }),
        &["path"],
    );
    let output = schema::object(
        &json!({
            "path": { "type": "string", "description": "path below /workspace" },
            "size": { "type": "integer", "description": "bytes of the whole file" },
            "content": { "type": "string", "description": "empty for an image, which is in the content of the result" },
            "encoding": { "type": "string", "enum": ["utf-8", "base64", "image"] },
            "nextOffset": schema::nullable("integer", "where the rest begins; null at the end"),
        }),
        &["path", "size", "content", "encoding", "nextOffset"],
    );
    ("Read a file", text, input, output)
}

pub(super) async fn list(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: ListArguments = arguments(given)?;
    let files = call.client.files().await?;
    let limit = given.limit.unwrap_or(DEFAULT_LISTED).clamp(1, MAX_LISTED);
    let page = files
        .list(given.path.as_deref().unwrap_or("."), given.offset, limit)
        .await?;
    let lines: Vec<String> = page.entries.iter().map(line).collect();
    let text = match lines.len() {
        0 => format!("nothing from {} on; {} names in all", given.offset, page.total),
        shown if shown < page.total => format!("{}\n[{shown} of {}]", lines.join("\n"), page.total),
        _ => lines.join("\n"),
    };
    let entries: Vec<Value> = page.entries.iter().map(of_entry).collect();
    Ok(structured(json!({ "entries": entries, "total": page.total }), text))
}

pub(super) async fn read(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: ReadArguments = arguments(given)?;
    let files = call.client.files().await?;
    let path = files.resolve(&given.path)?;
    if mime::of(&path).is_some_and(|of| of.starts_with("image/")) {
        let chunk = files.read(&given.path, 0, MAX_IMAGE).await?;
        if let Some(of) = mime::sniff_image(&chunk.bytes).filter(|_| chunk.is_last()) {
            let value = json!({
                "path": path.to_string(), "size": chunk.size, "content": "", "encoding": "image", "nextOffset": null,
            });
            let mut told = structured(value, format!("{path} ({} bytes):", chunk.size));
            told.content
                .push(ContentBlock::image(BASE64_STANDARD.encode(&chunk.bytes), of));
            return Ok(told);
        }
    }
    let limit = given.limit.unwrap_or(DEFAULT_READ).clamp(1, MAX_READ);
    let mut chunk = files.read(&given.path, given.offset, limit).await?;
    let (content, encoding) = if cut_to_text(&mut chunk) {
        (String::from_utf8_lossy(&chunk.bytes).into_owned(), "utf-8")
    } else {
        (BASE64_STANDARD.encode(&chunk.bytes), "base64")
    };
    let next = (!chunk.is_last()).then(|| chunk.offset + chunk.bytes.len() as u64);
    let value = json!({
        "path": path.to_string(), "size": chunk.size, "content": content, "encoding": encoding, "nextOffset": next,
    });
    let rest = match next {
        Some(next) => format!("\n[{next} of {} bytes; {}]", chunk.size, ResourceUri::file(&path)),
        None => String::new(),
    };
    Ok(structured(value, content + &rest))
}

/// Leaves a character at the end that is not whole to the next part; says whether this is text.
fn cut_to_text(chunk: &mut Chunk) -> bool {
    if chunk.bytes.contains(&0) {
        return false;
    }
    match std::str::from_utf8(&chunk.bytes) {
        Ok(_) => true,
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 && !chunk.is_last() => {
            chunk.bytes.truncate(error.valid_up_to());
            true
        }
        Err(_) => false,
    }
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symlink",
        _ => "special",
    }
}

fn of_entry(entry: &Entry) -> Value {
    json!({ "path": entry.path.to_string(), "kind": kind(entry.kind), "size": entry.size })
}

fn line(entry: &Entry) -> String {
    match entry.kind {
        EntryKind::File => format!("{} ({} bytes)", entry.path, entry.size),
        EntryKind::Directory => format!("{}/", entry.path),
        other => format!("{} ({})", entry.path, kind(other)),
    }
}
