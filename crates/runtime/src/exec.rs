//! A further process in a running container.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result, validate};

/// Describes a further process in a running container.
///
/// It runs under the container's own limits and restrictions. What is `None` is as in the container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExecSpec {
    /// The program and its arguments.
    pub cmd: Vec<String>,
    /// Variables on top of the container's.
    pub env: BTreeMap<String, String>,
    /// The absolute directory to start in.
    pub working_dir: Option<String>,
    /// `user`, `uid` or `uid:gid`.
    pub user: Option<String>,
    /// Whether standard input is open; otherwise the process reads end of file at once.
    pub stdin: bool,
}

impl ExecSpec {
    /// Creates a spec that runs `cmd` with closed standard input.
    pub fn new<I, S>(cmd: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self {
            cmd: cmd.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Adds a variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the directory to start in.
    #[must_use]
    pub fn with_working_dir(mut self, working_dir: impl Into<String>) -> Self {
        self.working_dir = Some(working_dir.into());
        self
    }

    /// Sets the user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets whether standard input is open.
    #[must_use]
    pub fn with_stdin(mut self, stdin: bool) -> Self {
        self.stdin = stdin;
        self
    }

    /// Checks the spec against itself; every driver calls this first.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidSpec`] if there is no program, or a value that no engine takes.
    pub fn validate(&self) -> Result<()> {
        if self.cmd.first().is_none_or(String::is_empty) {
            return Err(Error::new(ErrorKind::InvalidSpec, "`cmd` names no program"));
        }
        self.cmd
            .iter()
            .try_for_each(|argument| validate::no_nul("cmd", argument))?;
        validate::env(&self.env)?;
        self.working_dir
            .as_deref()
            .map_or(Ok(()), |path| validate::absolute_path("working_dir", path))?;
        self.user.as_deref().map_or(Ok(()), validate::user)
    }
}
