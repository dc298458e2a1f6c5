//! `sandbox_files_write` and `sandbox_files_remove`: changing the files of the sandbox.

use inline_sandbox::{Files, WORKSPACE_TARGET, WorkspacePath};
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::json;

use super::Description;
use super::exec::Encoding;
use crate::call::{Call, arguments};
use crate::client::Client;
use crate::refusal::Refusal;
use crate::report::structured;
use crate::schema;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteArguments {
    path: String,
    content: String,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    append: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveArguments {
    path: String,
    #[serde(default)]
    recursive: bool,
}

pub(super) fn describe_write(client: &Client) -> Description {
    let text = format!(
        "Writes a file of the sandbox, in place of what is there or, with `append`, at its end. Directories above it are \
         made. The sandbox holds {} MiB.",
        client.service.config().limits.workspace_bytes >> 20
    );
    let input = schema::object(
        &json!({
            "path": { "type": "string", "description": "a file, from the current directory or as /workspace/…" },
            "content": { "type": "string" },
            "encoding": { "type": "string", "enum": ["utf-8", "base64"], "default": "utf-8" },
            "append": { "type": "boolean", "default": false },
        }),
        &["path", "content"],
    );
    let output = schema::object(
        &json!({
            "path": { "type": "string", "description": "path below /workspace" },
            "size": { "type": "integer", "description": "bytes of the file now" },
        }),
        &["path", "size"],
    );
    ("Write a file", text, input, output)
}

pub(super) fn describe_remove() -> Description {
    let text = "Removes a file of the sandbox, or with `recursive` a directory with all that is in it.";
    let input = schema::object(
        &json!({
            "path": { "type": "string", "description": "from the current directory or as /workspace/…" },
            "recursive": { "type": "boolean", "default": false },
        }),
        &["path"],
    );
    let output = schema::object(
        &json!({ "path": { "type": "string", "description": "path below /workspace that is gone" } }),
        &["path"],
    );
    ("Remove a file", text.to_owned(), input, output)
}

pub(super) async fn write(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: WriteArguments = arguments(given)?;
    let content = given.encoding.decode(given.content)?;
    let files = call.client.files().await?;
    let path = files.resolve(&given.path)?;
    put(&files, &path, content, given.append).await?;
    let size = files.entry(&given.path).await?.size;
    call.look_at_files().await;
    let text = format!("{path} has {size} bytes");
    Ok(structured(json!({ "path": path.to_string(), "size": size }), text))
}

pub(super) async fn remove(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: RemoveArguments = arguments(given)?;
    let files = call.client.files().await?;
    let path = files.resolve(&given.path)?;
    files.remove(&given.path, given.recursive).await?;
    call.look_at_files().await;
    Ok(structured(
        json!({ "path": path.to_string() }),
        format!("{path} is gone"),
    ))
}

/// Writes a file, and the directories above it that are not there.
pub(super) async fn put(
    files: &Files,
    path: &WorkspacePath,
    content: Vec<u8>,
    append: bool,
) -> Result<(), inline_sandbox::SandboxError> {
    let typed = |path: &WorkspacePath| format!("{WORKSPACE_TARGET}/{path}");
    if let Some(parent) = path.parent().filter(|parent| !parent.is_root()) {
        files.make_directory(&typed(&parent)).await?;
    }
    if append {
        files.append(&typed(path), content).await
    } else {
        files.write(&typed(path), content).await
    }
}
