//! The workspace from outside: what it does for a user, and what a user's code can do to it.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

#[path = "workspace/artifacts.rs"]
mod artifacts;
#[path = "workspace/attacks.rs"]
mod attacks;
#[path = "workspace/export.rs"]
mod export;
#[path = "workspace/files.rs"]
mod files;
#[path = "workspace/permissions.rs"]
mod permissions;
#[path = "workspace/quota.rs"]
mod quota;
#[path = "workspace/removal.rs"]
mod removal;
#[path = "workspace/transfer.rs"]
mod transfer;

use std::ops::Deref;
use std::path::PathBuf;

use inline_sandbox::{HostUser, Owner, Quota, Workspace, WorkspacePath, Workspaces};
use tempfile::TempDir;

/// Is enough for every test that is not about the quota.
const PLENTY: Quota = Quota {
    bytes: 1 << 30,
    files: 1 << 20,
};

/// Holds a workspace, and its directory as the user's code sees it.
struct Place {
    workspace: Workspace,
    workspaces: Workspaces,
    owner: Owner,
    /// What the user's code has as `/workspace`.
    inside: PathBuf,
    /// The base directory, and beside it what nobody may reach.
    outside: TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::with_quota(PLENTY).await
    }

    async fn with_quota(quota: Quota) -> Self {
        Self::within(TempDir::new().unwrap(), quota).await
    }

    /// Makes one in memory where there is such a directory: for tests of so many files that a disk takes minutes.
    async fn in_memory() -> Self {
        let outside = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self::within(outside.unwrap(), PLENTY).await
    }

    async fn within(outside: TempDir, quota: Quota) -> Self {
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let workspaces = Workspaces::open(outside.path().join("base"), HostUser::current())
            .await
            .unwrap();
        let owner: Owner = "local:alice".parse().unwrap();
        let workspace = workspaces.workspace(&owner, quota).await.unwrap();
        let inside = PathBuf::from(workspace.mount().source);
        Self {
            workspace,
            workspaces,
            owner,
            inside,
            outside,
        }
    }

    /// Returns how many things are in the trash.
    fn trash(&self) -> usize {
        std::fs::read_dir(self.outside.path().join("base/trash"))
            .unwrap()
            .count()
    }
}

impl Deref for Place {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

fn path(text: &str) -> WorkspacePath {
    text.parse().unwrap()
}
