//! The records of a run, from its beginning to its end, whatever happens in between.

use std::time::SystemTime;

use metrics::{counter, histogram};
use sha2::{Digest, Sha256};

use super::Inner;
use super::audit;
use super::base::hexadecimal;
use super::job::Job;
use crate::store::{NewRun, RunOutcome};
use crate::{Limits, Result, RunUsage, SandboxError, Verdict, metric};

/// A run whose beginning is on record.
pub(super) struct Recorded {
    run: NewRun,
}

impl Recorded {
    /// Records that a run begins.
    pub(super) async fn begin(
        inner: &Inner,
        job: &Job,
        place: &str,
        language: &str,
        source: &str,
        limits: &Limits,
    ) -> Result<Self> {
        let run = NewRun {
            id: job.id.clone(),
            owner: job.owner.clone(),
            place: place.to_owned(),
            language: language.to_owned(),
            source_sha256: hexadecimal(&Sha256::digest(source)),
            source: inner.config.audit.keep_source.then(|| source.to_owned()),
            limits: limits.clone(),
            instance: inner.instance.clone(),
            // The label finds it; which one it will be is not known yet.
            container: None,
            started: SystemTime::now(),
        };
        inner.store.begin_run(&run).await?;
        Ok(Self { run })
    }

    /// Records how it ended. What the store refuses, the next sweep records as lost.
    pub(super) async fn end(self, inner: &Inner, verdict: Verdict, usage: RunUsage) {
        let outcome = RunOutcome {
            verdict,
            usage,
            ended: SystemTime::now(),
        };
        let language = self.run.language.clone();
        counter!(metric::RUNS, "verdict" => verdict.name(), "language" => language.clone()).increment(1);
        histogram!(metric::RUN_SECONDS, "language" => language).record(usage.wall.as_secs_f64());
        tracing::info!(
            language = self.run.language,
            place = self.run.place,
            verdict = verdict.name(),
            wall_ms = usage.wall.as_millis(),
            cpu_ms = usage.cpu.map(|cpu| cpu.as_millis()),
            peak_memory = usage.peak_memory,
            "a run ended"
        );
        if let Err(error) = close(inner, &self.run.id, &outcome).await {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "the end of a run was not recorded");
        }
        if let Some(path) = inner.config.audit.json_lines.clone() {
            audit::append(path, &self.run, &outcome).await;
        }
    }
}

/// Records the end of a run, which may have been recorded before.
pub(super) async fn close(inner: &Inner, id: &str, outcome: &RunOutcome) -> Result<()> {
    match inner.store.end_run(id, outcome).await {
        Ok(()) | Err(SandboxError::NotFound { .. }) => inner.store.finish(id).await.map(drop),
        Err(error) => Err(error),
    }
}
