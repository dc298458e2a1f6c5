//! What a run has made: the files that are new or changed, as a face wants to show them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::blank::is_blank_png;
use super::blocking::blocking;
use super::hold::{Hold, Source};
use super::root::Root;
use super::snapshot::Snapshot;
use super::{Download, Workspace, WorkspacePath};
use crate::{Result, SandboxError};

/// The most files that are named as left out; the others are counted.
pub const MAX_LEFT_OUT: usize = 100;
/// The most images that are looked into for whether they are blank.
const MAX_DECODED: usize = 100;

/// Is a file that a run has made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// Where it is.
    pub path: WorkspacePath,
    /// Its size in bytes.
    pub size: u64,
    /// Whether its name is that of an image that people can be shown.
    pub is_image: bool,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Bounds what is told, and can be read, of the files that a run has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArtifactLimits {
    /// The most files. Default 50.
    pub files: usize,
    /// The most bytes of one file. Default 25 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub file_bytes: u64,
    /// The most bytes of all files. Default 100 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub total_bytes: u64,
}

impl Default for ArtifactLimits {
    fn default() -> Self {
        Self {
            files: 50,
            file_bytes: 25 << 20,
            total_bytes: 100 << 20,
        }
    }
}

/// Says why a changed file is not among the artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftOut {
    /// It alone is larger than allowed.
    TooLarge,
    /// There were enough files, or enough bytes, before it.
    TooMany,
    /// It is an image of one colour, such as a figure on which nothing was drawn.
    Blank,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "too large",
            Self::TooMany => "there are too many",
            Self::Blank => "a blank image",
        })
    }
}

/// Holds what a run has made.
///
/// The files themselves are in the workspace. Where that is gone after the run, it stays for as long as these artifacts or a
/// clone of them, so that [`open`](Self::open) reads from it, but no longer than the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifacts {
    /// The files to show: images first, then by path.
    pub files: Vec<Artifact>,
    /// The files that are left out, in the same order, at most [`MAX_LEFT_OUT`].
    pub left_out: Vec<(Artifact, LeftOut)>,
    /// How many more are left out.
    pub left_out_more: usize,
    source: Source,
}

impl Artifacts {
    /// Opens one of the files as a stream.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if it is gone, by a later run or with the workspace.
    /// - [`SandboxError::TooLarge`] if it has grown since.
    /// - [`SandboxError::InvalidPath`] if it is no regular file any more.
    pub async fn open(&self, artifact: &Artifact) -> Result<Download> {
        match &self.source.workspace {
            Some(workspace) => workspace.download(&artifact.path, artifact.size).await,
            None => Err(SandboxError::NotFound {
                what: "file",
                name: artifact.path.to_string(),
            }),
        }
    }

    /// Keeps the workspace, which is to be deleted.
    pub(crate) fn keep(&mut self, hold: Hold) {
        self.source.hold = Some(hold);
    }
}

impl Workspace {
    /// Returns the regular files that are new or changed since `before`, within `limits`.
    ///
    /// A file counts as changed if its size, its times or its inode differ; one that was moved is new.
    ///
    /// # Errors
    ///
    /// - As for [`snapshot`](Self::snapshot).
    pub async fn changes_since(&self, before: Snapshot, limits: ArtifactLimits) -> Result<Artifacts> {
        let root = self.root();
        let mut artifacts = blocking(move || {
            let after = root.snapshot()?;
            Ok(root.choose(changes(&before, &after), limits))
        })
        .await?;
        // Where there is nothing to read, nothing is kept open.
        artifacts.source.workspace = (!artifacts.files.is_empty()).then(|| self.clone());
        Ok(artifacts)
    }
}

fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Artifact> {
    let changed = after.files.iter().filter_map(|(name, fingerprint)| {
        let known = before.files.get(name);
        if known == Some(fingerprint) {
            return None;
        }
        let path = WorkspacePath::root().descendant(name)?;
        let is_image = has_image_name(name);
        Some(Artifact {
            path,
            size: fingerprint.size,
            is_image,
            is_new: known.is_none(),
        })
    });
    let mut changed: Vec<_> = changed.collect();
    changed.sort_unstable_by(|a, b| b.is_image.cmp(&a.is_image).then_with(|| a.path.cmp(&b.path)));
    changed
}

/// Returns whether a name ends as those of the images do that chats and clients show.
fn has_image_name(name: &[u8]) -> bool {
    let extension = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    [b"png".as_slice(), b"jpg", b"jpeg", b"gif", b"webp"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

impl Root {
    fn choose(&self, changed: Vec<Artifact>, limits: ArtifactLimits) -> Artifacts {
        let mut artifacts = Artifacts::default();
        let mut total = 0_u64;
        let mut decoded = 0;
        for artifact in changed {
            let why = if artifact.size > limits.file_bytes {
                Some(LeftOut::TooLarge)
            } else if artifacts.files.len() >= limits.files || total.saturating_add(artifact.size) > limits.total_bytes
            {
                Some(LeftOut::TooMany)
            } else if artifact.is_image && decoded < MAX_DECODED {
                decoded += 1;
                self.is_blank(&artifact.path).then_some(LeftOut::Blank)
            } else {
                None
            };
            match why {
                None => {
                    total += artifact.size;
                    artifacts.files.push(artifact);
                }
                Some(why) if artifacts.left_out.len() < MAX_LEFT_OUT => artifacts.left_out.push((artifact, why)),
                Some(_) => artifacts.left_out_more += 1,
            }
        }
        artifacts
    }

    /// Returns whether the file is a blank PNG; one that cannot be read is shown for what it is.
    fn is_blank(&self, path: &WorkspacePath) -> bool {
        self.open_to_read(path).is_ok_and(|(file, _)| is_blank_png(file))
    }
}
