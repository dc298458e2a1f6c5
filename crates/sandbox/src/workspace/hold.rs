//! Where the bytes of artifacts are, and what keeps them there.

use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::Workspace;

/// Keeps a workspace that is to be deleted until the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    _released: Arc<DropGuard>,
}

impl Hold {
    /// Creates one that cancels `released` when its last clone is dropped.
    pub(crate) fn new(released: CancellationToken) -> Self {
        Self {
            _released: Arc::new(released.drop_guard()),
        }
    }
}

/// The workspace that artifacts are in.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) workspace: Option<Workspace>,
    pub(super) hold: Option<Hold>,
}

impl PartialEq for Source {
    /// What artifacts are does not depend on how they are reached.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Source {}
