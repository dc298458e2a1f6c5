//! The files that a run has made, as attachments.

use inline_sandbox::{Artifacts, Files, LeftOut, WorkspacePath};
use tokio::io::AsyncReadExt;

use crate::message::{File, MAX_FILES};
use crate::show::{inline, size};

/// What Discord takes with one message, with room for all that is no file, and what is held in memory for an answer.
const MAX_BYTES: u64 = 24 << 20;
/// The most names that are listed as left out.
const MAX_NAMED: usize = 5;
/// The longest name of an attachment.
const MAX_NAME: usize = 100;

/// Holds what is attached, and what is said of the rest.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) files: Vec<File>,
    pub(super) notes: Vec<String>,
}

/// Chooses and reads what is attached of `artifacts`, each of at most `max_bytes`, beside another file of `taken` bytes.
pub(super) async fn attach(
    files: &Files,
    artifacts: &Artifacts,
    blocked: &[String],
    (taken, max_bytes): (Option<u64>, u64),
) -> Attached {
    let mut attached = Attached::default();
    let mut left_out: Vec<(String, String)> = Vec::new();
    let max_files = MAX_FILES - usize::from(taken.is_some());
    let mut room = MAX_BYTES.saturating_sub(taken.unwrap_or(0));
    for artifact in &artifacts.files {
        let path = artifact.path.to_string();
        let why = if is_blocked(&path, blocked) {
            "of a kind that is not sent".to_owned()
        } else if attached.files.len() >= max_files {
            format!("more than {MAX_FILES} files")
        } else if artifact.size > room.min(max_bytes) {
            format!("{}, too large", size(artifact.size))
        } else {
            match read(files, &artifact.path, room.min(max_bytes)).await {
                Some(content) => {
                    room -= content.len() as u64;
                    let name = unique(&attached.files, &path);
                    attached.files.push(File {
                        name,
                        content: content.into(),
                    });
                    continue;
                }
                None => "not readable".to_owned(),
            }
        };
        left_out.push((path, why));
    }
    let why_left = |why| match why {
        LeftOut::TooLarge => "too large",
        LeftOut::Blank => "blank",
        _ => "too many files",
    };
    let of_service = artifacts.left_out.iter();
    left_out.extend(of_service.map(|(artifact, why)| (artifact.path.to_string(), why_left(*why).to_owned())));
    let more = left_out.len().saturating_sub(MAX_NAMED) + artifacts.left_out_more;
    for (path, why) in left_out.iter().take(MAX_NAMED) {
        attached.notes.push(format!("not attached: {} ({why})", inline(path)));
    }
    if more > 0 {
        attached.notes.push(format!("not attached: {more} more"));
    }
    attached
}

async fn read(files: &Files, path: &WorkspacePath, max_bytes: u64) -> Option<Vec<u8>> {
    let mut download = files.workspace().download(path, max_bytes).await.ok()?;
    let mut content = Vec::new();
    download.read_to_end(&mut content).await.ok()?;
    Some(content)
}

/// Returns whether the operator does not want files of such a name to be sent.
pub(crate) fn is_blocked(path: &str, blocked: &[String]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(['.', ' ']);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| blocked.contains(&ending))
}

/// Returns the name under which the file at `path` is sent.
pub(crate) fn file_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut name: String = name
        .chars()
        .map(|character| match character {
            '.' | '-' | '_' => character,
            _ if character.is_alphanumeric() => character,
            _ => '_',
        })
        .collect();
    // The end tells the kind.
    while name.chars().count() > MAX_NAME {
        name.remove(0);
    }
    if name.trim_matches(['.', '_']).is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

/// Returns a name that no other file of the message has.
fn unique(files: &[File], path: &str) -> String {
    let name = file_name(path);
    let is_taken = |name: &str| files.iter().any(|file| file.name == name);
    let mut candidate = name.clone();
    let mut number = 2;
    while is_taken(&candidate) {
        candidate = format!("{number}_{name}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_blocked_however_they_are_written() {
        let blocked = ["exe".to_owned()];
        for (path, is) in [
            ("a/b.exe", true),
            ("b.EXE", true),
            ("b.exe.", true),
            ("b.txt", false),
            ("exe", false),
            ("a.exe/b", false),
        ] {
            assert_eq!(is_blocked(path, &blocked), is, "{path}");
        }
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(file_name("plots/a b\u{202e}.png"), "a_b_.png");
        assert_eq!(file_name("..."), "file");
        assert_eq!(file_name(&format!("{}.png", "x".repeat(300))).len(), MAX_NAME);
        let files = [File {
            name: "a.png".to_owned(),
            content: bytes::Bytes::new(),
        }];
        assert_eq!(unique(&files, "d/a.png"), "2_a.png");
    }
}
