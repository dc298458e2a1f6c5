//! The calls of a program that only wants to run something.

use std::time::Duration;

use super::{RunRequest, SandboxService};
use crate::{LimitRequest, Owner, Program, Result, RunResult};

impl SandboxService {
    /// Runs `source` as Python, in an empty workspace that is gone afterwards, for at most `timeout`.
    ///
    /// Files that it makes are the result's [`artifacts`](RunResult::artifacts), which can be
    /// [opened](crate::Artifacts::open) for as long as the result is kept.
    ///
    /// The run counts for the owner `local:direct`, whose limits are those of any other; [`run`](Self::run) offers the rest.
    ///
    /// # Errors
    ///
    /// - As [`Run::outcome`](super::Run::outcome). A program that fails is a [`Verdict`](crate::Verdict), not an error.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the run.
    pub async fn run_python(&self, source: impl Into<String>, timeout: Duration) -> Result<RunResult> {
        self.run_directly("python", source.into(), timeout).await
    }

    /// Runs `source` as JavaScript on Node.js, as [`run_python`](Self::run_python) runs Python.
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn run_node(&self, source: impl Into<String>, timeout: Duration) -> Result<RunResult> {
        self.run_directly("node", source.into(), timeout).await
    }

    /// Runs `source` as a Bash script, as [`run_python`](Self::run_python) runs Python.
    ///
    /// # Errors
    ///
    /// - As there.
    pub async fn run_bash(&self, source: impl Into<String>, timeout: Duration) -> Result<RunResult> {
        self.run_directly("bash", source.into(), timeout).await
    }

    async fn run_directly(&self, language: &str, source: String, timeout: Duration) -> Result<RunResult> {
        let limits = LimitRequest {
            timeout: Some(timeout),
            ..LimitRequest::default()
        };
        let program = Program::new(language, source).with_limits(limits);
        let request = RunRequest::new(Owner::new("local", "direct")?, program).with_one_shot(true);
        self.run(request).outcome().await
    }
}
