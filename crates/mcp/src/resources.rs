//! Files and outputs as resources.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use inline_sandbox::{Entry, SandboxError};
use rmcp::ErrorData;
use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

use crate::client::Client;
use crate::refusal::Refusal;
use crate::uri::{FILE_TEMPLATE, ResourceUri};
use crate::{listing, mime};

/// The largest file that is read at once; larger ones are read in parts, by a tool.
const MAX_RESOURCE_BYTES: usize = 8 << 20;

/// What a client has sent is not sent back at greater length.
const MAX_TOLD: usize = 300;

/// Lists the files of the client, if it has a sandbox.
pub(crate) async fn list(client: &Client) -> Result<Vec<Resource>, ErrorData> {
    let listed = async {
        let files = match client.service.files(&client.owner).await {
            Ok(files) => files,
            Err(SandboxError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        listing::files(&files).await
    };
    let entries = listed.await.map_err(not_served)?;
    client.changes.see(&entries);
    Ok(entries.iter().map(of_entry).collect())
}

/// Returns what a file is called, the parts of the list that cannot be listed included.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let file = ResourceTemplate::new(FILE_TEMPLATE, "file")
        .with_title("File of the sandbox")
        .with_description("A file by its path below `/workspace`, percent-encoded.");
    vec![file]
}

/// Reads a resource whole.
pub(crate) async fn read(client: &Client, uri: &str) -> Result<ResourceContents, ErrorData> {
    let shown: String = uri.chars().take(MAX_TOLD).collect();
    let missing = || ErrorData::resource_not_found("there is no such resource", Some(json!({ "uri": shown })));
    match ResourceUri::parse(uri).ok_or_else(missing)? {
        ResourceUri::Output => {
            let text = client.outputs.find(uri).ok_or_else(missing)?;
            Ok(ResourceContents::text(&*text, uri))
        }
        ResourceUri::File(path) => {
            let read = async {
                let files = client.service.files(&client.owner).await?;
                Ok((files.read(&path, 0, MAX_RESOURCE_BYTES).await?, files.resolve(&path)?))
            };
            let (chunk, path) = match read.await {
                Ok(read) => read,
                Err(SandboxError::NotFound { .. } | SandboxError::InvalidPath { .. }) => return Err(missing()),
                Err(error) => return Err(not_served(error)),
            };
            if !chunk.is_last() {
                let why = format!(
                    "the file has {} bytes: read it in parts with `sandbox_files_read`",
                    chunk.size
                );
                return Err(ErrorData::invalid_params(why, Some(json!({ "uri": shown }))));
            }
            let contents = match String::from_utf8(chunk.bytes) {
                Ok(text) if !text.contains('\0') => ResourceContents::text(text, uri),
                Ok(text) => ResourceContents::blob(BASE64_STANDARD.encode(text), uri),
                Err(error) => ResourceContents::blob(BASE64_STANDARD.encode(error.into_bytes()), uri),
            };
            Ok(match mime::of(&path) {
                Some(of) => contents.with_mime_type(of),
                None => contents,
            })
        }
    }
}

fn of_entry(entry: &Entry) -> Resource {
    let resource = Resource::new(ResourceUri::file(&entry.path), entry.path.to_string()).with_size(entry.size);
    match mime::of(&entry.path) {
        Some(of) => resource.with_mime_type(of),
        None => resource,
    }
}

fn not_served(error: SandboxError) -> ErrorData {
    let told = Refusal::from(error).tell();
    if told.is_ours {
        ErrorData::internal_error(told.text, None)
    } else {
        ErrorData::invalid_params(told.text, None)
    }
}
