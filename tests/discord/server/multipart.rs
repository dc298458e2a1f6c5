//! Bodies of requests: JSON alone, or JSON with files.

use serde_json::Value;

/// A file in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The number in `files[0]`.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
}

/// Reads a body.
///
/// # Errors
///
/// - In words, if it is not what its type says.
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<(Value, Vec<File>), String> {
    if body.is_empty() {
        return Ok((Value::Null, Vec::new()));
    }
    if content_type.starts_with("application/json") {
        let json = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        return Ok((json, Vec::new()));
    }
    let boundary = content_type
        .strip_prefix("multipart/form-data")
        .and_then(|rest| rest.split_once("boundary="))
        .map(|(_, boundary)| boundary.trim_matches('"'))
        .ok_or_else(|| format!("the content type is `{content_type}`"))?;
    let (mut payload, mut files) = (Value::Null, Vec::new());
    for part in parts(body, boundary)? {
        let (head, content) = split_at(part, b"\r\n\r\n").ok_or("a part has no end of its head")?;
        let head = String::from_utf8_lossy(head);
        let name = parameter(&head, "name").ok_or_else(|| format!("a part has no name: {head}"))?;
        if name == "payload_json" {
            payload = serde_json::from_slice(content).map_err(|error| format!("`payload_json`: {error}"))?;
        } else if let Some(number) = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']')) {
            files.push(File {
                number: number.parse().map_err(|_| format!("`{name}` has no number"))?,
                name: parameter(&head, "filename").ok_or_else(|| format!("`{name}` has no file name"))?,
                kind: header(&head, "content-type").unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes: content.to_vec(),
            });
        } else {
            return Err(format!("there is no part `{name}` in Discord's forms"));
        }
    }
    Ok((payload, files))
}

fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, String> {
    let (first, delimiter) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let mut rest = body
        .strip_prefix(first.as_bytes())
        .ok_or("the body does not begin with its boundary")?;
    let mut parts = Vec::new();
    loop {
        let (part, after) = split_at(rest, delimiter.as_bytes()).ok_or("the last part has no end")?;
        parts.push(part);
        if after.starts_with(b"--") {
            return Ok(parts);
        }
        rest = after.strip_prefix(b"\r\n").ok_or("a boundary goes on in its line")?;
    }
}

fn split_at<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(delimiter.len()).position(|window| window == delimiter)?;
    Some((&bytes[..at], &bytes[at + delimiter.len()..]))
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.trim().to_owned())
}

fn parameter(head: &str, name: &str) -> Option<String> {
    let disposition = header(head, "content-disposition")?;
    let start = format!("{name}=\"");
    let mut fields = disposition.split("; ").filter_map(|field| field.strip_prefix(&start));
    Some(fields.next()?.trim_end_matches('"').to_owned())
}
