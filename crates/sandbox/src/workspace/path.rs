//! Paths as people type them and as the workspace is asked for them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::WORKSPACE_TARGET;
use super::escape::{escape, unescape};
use crate::{Result, SandboxError};

/// The longest name of a file that Linux takes.
const MAX_NAME_BYTES: usize = 255;
/// The longest path that Linux takes in one call, without the closing NUL.
pub(super) const MAX_PATH_BYTES: usize = 4_095;

/// Names a place in a workspace, relative to its root, without `.`, `..` or a leading slash.
///
/// It is the text alone: whether links on the way lead out of the workspace is checked when the path is used. `..` takes
/// away the name before it, whatever that is, so that a path means the same whether it is a link or not.
///
/// [`Display`](fmt::Display) and [`FromStr`] are each other's inverse for every name that a file can have: bytes that are
/// not UTF-8, control characters and characters that reorder text are written `\xHH`, a backslash is written `\\`. The
/// root is `.`.
///
/// ```
/// use inline_sandbox::WorkspacePath;
///
/// let current: WorkspacePath = "project/data".parse()?;
/// assert_eq!(current.join("../plot.png")?.to_string(), "project/plot.png");
/// assert_eq!(current.join("/workspace/a.txt")?.to_string(), "a.txt");
/// assert!(current.join("../../../etc/passwd").is_err());
/// # Ok::<(), inline_sandbox::SandboxError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkspacePath(PathBuf);

impl WorkspacePath {
    /// Returns the root of the workspace.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }

    /// Resolves what a person typed, with `self` as the current directory.
    ///
    /// An absolute path is one inside the container and begins with `/workspace`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidPath`] for a path that leads out of the workspace, holds a NUL or is too long.
    pub fn join(&self, typed: &str) -> Result<Self> {
        let invalid = |why: &str| SandboxError::InvalidPath {
            path: typed.chars().take(MAX_NAME_BYTES).collect(),
            why: why.to_owned(),
        };
        let bytes = unescape(typed);
        if bytes.contains(&0) {
            return Err(invalid("it holds a NUL"));
        }
        let (mut path, rest) = match bytes.strip_prefix(WORKSPACE_TARGET.as_bytes()) {
            Some(rest) if rest.is_empty() || rest.starts_with(b"/") => (PathBuf::new(), rest),
            _ if bytes.starts_with(b"/") => return Err(invalid("an absolute path begins with `/workspace`")),
            _ => (self.0.clone(), bytes.as_ref()),
        };
        for name in rest.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => {
                    if !path.pop() {
                        return Err(invalid("it leads out of the workspace"));
                    }
                }
                name if name.len() > MAX_NAME_BYTES => return Err(invalid("a name is longer than 255 bytes")),
                name => path.push(OsStr::from_bytes(name)),
            }
        }
        if path.as_os_str().len() > MAX_PATH_BYTES {
            return Err(invalid("it is longer than 4095 bytes"));
        }
        Ok(Self(path))
    }

    /// Returns the directory that holds it; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self(parent.to_owned()))
    }

    /// Returns the last name, escaped as in [`Display`](fmt::Display); `None` for the root.
    pub fn file_name(&self) -> Option<String> {
        self.0.file_name().map(|name| escape(name.as_bytes()))
    }

    /// Returns the absolute path in the container; `None` if it is not UTF-8 and so cannot stand in a container's spec.
    pub fn in_container(&self) -> Option<String> {
        match self.0.to_str()? {
            "" => Some(WORKSPACE_TARGET.to_owned()),
            path => Some(format!("{WORKSPACE_TARGET}/{path}")),
        }
    }

    /// Returns what the operating system is asked for, relative to the root.
    pub(super) fn as_path(&self) -> &Path {
        if self.is_root() { Path::new(".") } else { &self.0 }
    }

    /// Returns the last name as the operating system has it.
    pub(super) fn name(&self) -> Option<&OsStr> {
        self.0.file_name()
    }

    /// Makes a path of names that a walk from `self` found; `None` if it is too long to be asked for.
    pub(super) fn descendant(&self, relative: &[u8]) -> Option<Self> {
        let path = self.0.join(OsString::from_vec(relative.to_vec()));
        (path.as_os_str().len() <= MAX_PATH_BYTES).then_some(Self(path))
    }

    /// Returns every path on the way from the root to `self`, the shortest first, without the root.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = Self> {
        let mut path = PathBuf::new();
        self.0.iter().map(move |name| {
            path.push(name);
            Self(path.clone())
        })
    }

    /// Returns whether `self` is `other` or inside it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl FromStr for WorkspacePath {
    type Err = SandboxError;

    /// Resolves `text` from the root; see [`WorkspacePath::join`].
    fn from_str(text: &str) -> Result<Self> {
        Self::root().join(text)
    }
}

impl TryFrom<String> for WorkspacePath {
    type Error = SandboxError;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<WorkspacePath> for String {
    fn from(path: WorkspacePath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(self.as_path().as_os_str().as_bytes()))
    }
}

impl fmt::Debug for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkspacePath({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> WorkspacePath {
        text.parse().unwrap()
    }

    #[test]
    fn dots_and_slashes_are_resolved() {
        for (current, typed, expected) in [
            (".", "", "."),
            (".", "./a//b/", "a/b"),
            ("a/b", "..", "a"),
            ("a/b", "../..", "."),
            ("a/b", "/workspace", "."),
            ("a/b", "/workspace/../workspace", ""),
            ("a", "/workspace/c", "c"),
            ("a", "workspace", "a/workspace"),
            ("a", "...", "a/..."),
        ] {
            let joined = path(current).join(typed);
            match expected {
                "" => assert!(joined.is_err(), "{current} {typed}"),
                _ => assert_eq!(joined.unwrap().to_string(), expected, "{current} {typed}"),
            }
        }
    }

    #[test]
    fn what_leads_out_or_cannot_be_a_path_is_refused() {
        let long_name = "n".repeat(256);
        let long_path = "d/".repeat(2_100);
        for typed in [
            "..",
            "a/../..",
            "/",
            "/etc/passwd",
            "/workspaces",
            "a\0b",
            r"a\x00b",
            r"\x2e\x2e",
            r"a\x2f..\x2f..",
        ]
        .into_iter()
        .chain([long_name.as_str(), long_path.as_str()])
        {
            assert!(
                matches!(typed.parse::<WorkspacePath>(), Err(SandboxError::InvalidPath { .. })),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn a_shown_path_neither_breaks_a_line_nor_turns_it() {
        let shown = WorkspacePath::root()
            .descendant(b"a\n\x1b[2J\xff\xe2\x80\xaetxt\\")
            .unwrap()
            .to_string();
        assert_eq!(shown, r"a\x0a\x1b[2J\xff\xe2\x80\xaetxt\\");
    }

    #[test]
    fn the_path_in_the_container_is_absolute() {
        assert_eq!(path(".").in_container().as_deref(), Some("/workspace"));
        assert_eq!(path("a/b").in_container().as_deref(), Some("/workspace/a/b"));
        assert_eq!(path(r"a\xff").in_container(), None);
    }

    proptest! {
        #[test]
        fn every_name_is_read_back(name in proptest::collection::vec(1_u8..=255, 1..40)) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let found = WorkspacePath::root().descendant(&name).unwrap();
            prop_assert_eq!(found.to_string().parse::<WorkspacePath>().unwrap(), found.clone());
            let json = serde_json::to_string(&found).unwrap();
            prop_assert_eq!(serde_json::from_str::<WorkspacePath>(&json).unwrap(), found);
        }

        #[test]
        fn no_text_leads_out(text in ".{0,60}") {
            if let Ok(found) = text.parse::<WorkspacePath>() {
                prop_assert!(found.as_path().is_relative());
                prop_assert!(found.0.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }
    }
}
