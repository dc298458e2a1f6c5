//! The files of a sandbox as a list: those near the root first, and not what tools and packages put there.

use std::collections::VecDeque;

use inline_sandbox::{Entry, EntryKind, Files, MAX_PAGE, Result, SandboxError, WorkspacePath};

/// The most files of a list.
pub(crate) const MAX_FILES: usize = 1_000;
/// The most directories that are looked into.
const MAX_DIRECTORIES: usize = 500;
/// Directories that nobody wants to see in a list; so are those whose name begins with a dot.
const IGNORED: [&str; 2] = ["node_modules", "__pycache__"];

/// Lists the regular files of a sandbox.
pub(crate) async fn files(files: &Files) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut directories = VecDeque::from([WorkspacePath::root()]);
    for _ in 0..MAX_DIRECTORIES {
        let Some(directory) = directories.pop_front() else {
            break;
        };
        let page = match files.workspace().list(&directory, 0, MAX_PAGE).await {
            Ok(page) => page,
            // It is gone since, or a link now.
            Err(SandboxError::NotFound { .. } | SandboxError::InvalidPath { .. }) => continue,
            Err(error) => return Err(error),
        };
        for entry in page.entries {
            match entry.kind {
                EntryKind::File => found.push(entry),
                EntryKind::Directory if !is_ignored(&entry.path) => directories.push_back(entry.path),
                _ => {}
            }
        }
        if found.len() >= MAX_FILES {
            found.truncate(MAX_FILES);
            break;
        }
    }
    Ok(found)
}

fn is_ignored(path: &WorkspacePath) -> bool {
    path.file_name()
        .is_none_or(|name| name.starts_with('.') || IGNORED.contains(&name.as_str()))
}
