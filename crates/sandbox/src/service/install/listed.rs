//! What is installed, as the package managers have left it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::packages::normal;
use crate::store::PackageRecord;
use crate::{EntryKind, MAX_PAGE, PackageManager, Result, SandboxError, Workspace, WorkspacePath};

/// How many packages of one manager are recorded.
const MAX_RECORDED: usize = 2_000;
/// The most of a lock file that is read.
const MAX_LOCK_BYTES: usize = 16 << 20;
const MAX_WORD_BYTES: usize = 256;

/// What npm wrote about the tree that it made.
#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, Locked>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    version: String,
    dependencies: BTreeMap<String, String>,
}

/// Returns what a package manager is told to install the same again.
pub(super) fn exactly(package: &PackageRecord) -> String {
    let between = match package.manager {
        PackageManager::Pip => "==",
        PackageManager::Npm => "@",
    };
    format!("{}{between}{}", package.name, package.version)
}

/// Returns the packages of pip in a workspace: the names and versions of their `.dist-info` directories.
pub(super) async fn of_pip(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let directory: WorkspacePath = ".site-packages".parse()?;
    let mut installed = BTreeMap::new();
    let mut offset = 0;
    loop {
        let page = match workspace.list(&directory, offset, MAX_PAGE).await {
            Err(SandboxError::NotFound { .. }) => return Ok(Vec::new()),
            page => page?,
        };
        offset += page.entries.len();
        for entry in &page.entries {
            let name = entry.path.file_name().unwrap_or_default();
            let parts = name.strip_suffix(".dist-info").and_then(|name| name.split_once('-'));
            if let Some((name, version)) = parts
                && entry.kind == EntryKind::Directory
                && is_plain(name)
                && is_plain(version)
            {
                installed.insert(normal(name), version.to_owned());
            }
        }
        if page.entries.is_empty() || offset >= page.total || installed.len() >= MAX_RECORDED {
            return Ok(installed.into_iter().take(MAX_RECORDED).collect());
        }
    }
}

/// Returns the packages that npm was asked for, and their versions in the tree that it made in a workspace.
pub(super) async fn of_npm(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let path: WorkspacePath = "package-lock.json".parse()?;
    let mut text = Vec::new();
    loop {
        let chunk = workspace.read(&path, text.len() as u64, crate::MAX_READ_BYTES).await?;
        let is_last = chunk.is_last() || chunk.bytes.is_empty();
        text.extend_from_slice(&chunk.bytes);
        if text.len() > MAX_LOCK_BYTES {
            return Err(SandboxError::TooLarge {
                what: "lock file of npm",
                size: text.len() as u64,
                max: MAX_LOCK_BYTES as u64,
            });
        }
        if is_last {
            break;
        }
    }
    Ok(named(&text))
}

fn named(lock: &[u8]) -> Vec<(String, String)> {
    let Ok(mut lock) = serde_json::from_slice::<Lock>(lock) else {
        return Vec::new();
    };
    let asked = lock.packages.remove("").unwrap_or_default().dependencies;
    let version = |name: &str| Some(lock.packages.get(&format!("node_modules/{name}"))?.version.clone());
    asked
        .into_keys()
        .filter_map(|name| version(&name).map(|version| (name, version)))
        .filter(|(name, version)| is_plain(name) && is_plain(version))
        .take(MAX_RECORDED)
        .collect()
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_WORD_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-+!@/~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_was_asked_for_is_told_with_its_version() {
        let lock = r#"{"name": "packages", "lockfileVersion": 3, "packages": {
            "": {"dependencies": {"@types/node": "^20", "left-pad": "^1.3.0", "gone": "1"}},
            "node_modules/left-pad": {"version": "1.3.0"},
            "node_modules/undici-types": {"version": "6.21.0"},
            "node_modules/@types/node": {"version": "20.1.0", "dependencies": {"undici-types": "~6"}}}}"#;
        let named = named(lock.as_bytes());
        assert_eq!(
            named,
            [
                ("@types/node".to_owned(), "20.1.0".to_owned()),
                ("left-pad".to_owned(), "1.3.0".to_owned())
            ]
        );
        assert_eq!(super::named(b"{}"), []);
    }
}
