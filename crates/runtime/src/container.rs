//! Containers as an engine shows them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, ExitStatus, Result, validate};

/// Identifies a container on its engine; its name serves as well as its id.
///
/// Only letters, digits, `_`, `.` and `-` can be in it, so that it is safe in the path of a request.
///
/// ```
/// use inline_runtime::ContainerId;
///
/// let by_name: ContainerId = "inline-3f2a".parse()?;
/// assert_eq!(by_name.as_str(), "inline-3f2a");
/// assert!("../info".parse::<ContainerId>().is_err());
/// # Ok::<(), inline_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

/// Describes a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Container {
    /// The id.
    pub id: ContainerId,
    /// The name it was given.
    pub name: String,
    /// Its labels, see [`labels`](crate::labels).
    pub labels: BTreeMap<String, String>,
    /// What it does now.
    pub state: State,
}

/// Says what a container does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It was made and not yet started.
    Created,
    /// Its main process runs.
    Running,
    /// Its main process ended; the status is `None` where the engine lists containers without it.
    Exited(Option<ExitStatus>),
    /// Anything else: paused, being removed, dead.
    Other,
}

/// Chooses containers to list. An empty filter chooses all that the engine has, also those of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListFilter {
    /// Labels that must all be there with these values.
    pub labels: BTreeMap<String, String>,
}

/// Says what a container uses, or has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The CPU time that all its processes have used.
    pub cpu_time: Duration,
    /// The memory in use, bytes.
    pub memory: u64,
    /// The most memory that was in use at any time, bytes, where the kernel or the engine tells.
    pub memory_peak: Option<u64>,
    /// The processes and threads in it.
    pub pids: u64,
    /// How many of its processes the kernel has killed for lack of memory, where the kernel or the engine tells.
    pub oom_kills: Option<u64>,
}

impl ContainerId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContainerId {
    type Err = Error;

    /// Takes an id or name.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidSpec`](crate::ErrorKind::InvalidSpec) if it has other characters than names can have.
    fn from_str(text: &str) -> Result<Self> {
        validate::name(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ContainerId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        validate::name(&text)?;
        Ok(Self(text))
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> Self {
        id.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Container {
    /// Creates a description.
    pub fn new(id: ContainerId, name: impl Into<String>, labels: BTreeMap<String, String>, state: State) -> Self {
        Self {
            id,
            name: name.into(),
            labels,
            state,
        }
    }
}

impl State {
    /// Returns whether the main process runs.
    pub fn is_running(self) -> bool {
        self == Self::Running
    }
}

impl ListFilter {
    /// Chooses what carries the [`labels::INSTANCE`](crate::labels::INSTANCE) `instance`.
    pub fn instance(instance: impl Into<String>) -> Self {
        Self::default().with_label(crate::labels::INSTANCE, instance)
    }

    /// Adds a label that must be there with this value.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Returns whether a container with these labels is chosen.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}
