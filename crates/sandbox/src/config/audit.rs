//! What is recorded of each run.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Retention;

/// Says what is recorded of each run, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AuditConfig {
    /// Whether the source itself is kept beside its hash. Default `false`.
    pub keep_source: bool,
    /// How long a record is kept. Default 30 days.
    pub retention: Retention,
    /// The file to which every record is also appended as a line of JSON. Default none.
    pub json_lines: Option<PathBuf>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            keep_source: false,
            retention: Retention::After(Duration::from_hours(30 * 24)),
            json_lines: None,
        }
    }
}
