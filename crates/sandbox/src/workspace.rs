//! An owner's files.
//!
//! The user's code has the same files mounted at [`WORKSPACE_TARGET`] and does with them what it likes, also while the
//! service works on them. So each operation here
//! - resolves its path below the workspace in one system call through `cap-std`, whatever links there are or come;
//! - opens regular files only and never waits for the other end of a FIFO;
//! - reads, lists and walks within bounds, and without recursion;
//! - runs on a thread for blocking work.
//!
//! Operations on the same workspace do not wait for each other. Two writers that come together may each find room within
//! the quota; whoever wants to rule that out has them take turns.

mod artifacts;
mod blank;
mod blocking;
mod directory;
mod directory_name;
mod escape;
mod export;
mod hold;
mod list;
mod path;
mod read;
mod root;
mod snapshot;
mod staged;
mod trash;
mod tree;
mod usage;
mod walk;
mod workspaces;
mod write;
mod zip_entry;

use std::fmt;
use std::sync::Arc;

use inline_runtime::Mount;

pub use self::artifacts::{Artifact, ArtifactLimits, Artifacts, LeftOut, MAX_LEFT_OUT};
pub use self::export::{Export, ExportLimits, MAX_SKIPPED, SkipReason};
pub use self::list::{Entry, EntryKind, MAX_LISTED, MAX_PAGE, Page};
pub use self::path::WorkspacePath;
pub use self::read::{Chunk, Download, MAX_READ_BYTES};
pub use self::snapshot::{MAX_SNAPSHOT_FILES, Snapshot};
pub use self::usage::{Quota, Usage};
pub use self::workspaces::{HostUser, Workspaces};

use self::root::Root;

pub(crate) use self::hold::Hold;

/// Where a workspace is mounted in a container.
pub const WORKSPACE_TARGET: &str = "/workspace";

/// Reaches the files of one owner; made by [`Workspaces::workspace`].
///
/// Clones are cheap and mean the same files.
#[derive(Clone)]
pub struct Workspace {
    root: Arc<Root>,
}

impl Workspace {
    fn new(root: Root) -> Self {
        Self { root: Arc::new(root) }
    }

    fn root(&self) -> Arc<Root> {
        Arc::clone(&self.root)
    }

    /// Returns what a container's spec must have so that its programs see these files at [`WORKSPACE_TARGET`].
    pub fn mount(&self) -> Mount {
        Mount::bind(&self.root.source, WORKSPACE_TARGET)
    }

    /// Returns what the operations of this workspace keep it within; programs in containers are not kept by it, see
    /// [`exceeds`](Self::exceeds).
    pub fn quota(&self) -> Quota {
        self.root.quota
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace")
            .field("source", &self.root.source)
            .field("quota", &self.root.quota)
            .finish()
    }
}
