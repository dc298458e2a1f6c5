//! One client: its sandbox, and what is kept for it from call to call, whatever connections it has.

use std::sync::Arc;

use inline_sandbox::{Files, Owner, SandboxService};
use tokio::sync::Semaphore;

use crate::McpConfig;
use crate::changes::Changes;
use crate::outputs::Outputs;

/// What all connections of one client share.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) service: SandboxService,
    pub(crate) owner: Owner,
    pub(crate) config: Arc<McpConfig>,
    /// What did not fit into results.
    pub(crate) outputs: Outputs,
    /// Tells of files that come and go.
    pub(crate) changes: Changes,
    /// Bounds the calls that go on at once.
    pub(crate) calls: Semaphore,
}

impl Client {
    pub(crate) fn new(service: SandboxService, config: Arc<McpConfig>, owner: Owner) -> Self {
        Self {
            calls: Semaphore::new(config.max_calls.get()),
            outputs: Outputs::default(),
            changes: Changes::default(),
            service,
            owner,
            config,
        }
    }

    /// Returns the client's files; the sandbox is made if there is none.
    pub(crate) async fn files(&self) -> inline_sandbox::Result<Files> {
        self.service.ensure_sandbox(&self.owner).await?;
        self.service.files(&self.owner).await
    }
}
