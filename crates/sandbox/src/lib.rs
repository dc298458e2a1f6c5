//! The sandbox service.

mod admission;
pub mod config;
mod error;
mod language;
pub mod metric;
mod owner;
pub mod packages;
mod policy;
mod program;
mod run;
mod service;
mod session;
pub mod store;
#[cfg(test)]
mod testing;
mod verdict;
mod warm;
mod workspace;

pub use admission::{Admission, CpuUsage, Load, Permit, Waiting};
pub use config::{
    AdmissionConfig, AuditConfig, Language, LanguageConfig, PackageConfig, RateLimit, Retention, SandboxConfig,
    SecretUrl, SessionConfig, WarmConfig,
};
pub use error::{BusyReason, Result, SandboxError};
pub use owner::Owner;
pub use packages::{PackageManager, Specifier, SpecifierPolicy, parse_specifiers};
pub use policy::{LimitRequest, Limits};
pub use program::{Program, ProgramFile};
pub use run::{Blueprint, Captured, Containers, Frame, Prepared, Purpose, RunControl, RunEvent, RunResult, execute};
pub use service::{
    CellRequest, Files, InstallRequest, Installation, OpenSession, Progress, Run, RunRequest, RunningJob,
    SandboxService, Swept,
};
pub use session::{CellResult, Session, SessionOptions};
pub use store::Store;
/// Ends what it is given to, from anywhere.
pub use tokio_util::sync::CancellationToken;
pub use verdict::{RunUsage, Verdict};
pub use warm::{Order, WarmPool};
pub use workspace::{
    Artifact, ArtifactLimits, Artifacts, Chunk, Download, Entry, EntryKind, Export, ExportLimits, HostUser, LeftOut,
    MAX_LEFT_OUT, MAX_LISTED, MAX_PAGE, MAX_READ_BYTES, MAX_SKIPPED, MAX_SNAPSHOT_FILES, Page, Quota, SkipReason,
    Snapshot, Usage, WORKSPACE_TARGET, Workspace, WorkspacePath, Workspaces,
};
