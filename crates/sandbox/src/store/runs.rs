//! The audit: who ran what, where, within which limits, and how it ended.

use std::time::SystemTime;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::columns::{count, duration, millis, number, owner, span, time, unreadable};
use super::{InFlight, InFlightKind, Store, Usage, failed, in_flight, usage, verdict};
use crate::{Limits, Owner, Result, RunUsage, SandboxError, Verdict};

const BEGIN: &str = "record the beginning of a run";
const END: &str = "record the end of a run";
const READ: &str = "read the runs";
const SWEEP: &str = "forget old runs";
/// So many are forgotten in one transaction, so that no other writer waits for long.
const SWEPT_AT_ONCE: u32 = 1_000;

/// Describes a run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Names the run, unique for ever.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it was asked for, in the words of the face: a channel, a client, a terminal.
    pub place: String,
    /// The language.
    pub language: String,
    /// The SHA-256 of the source in hexadecimal.
    pub source_sha256: String,
    /// The source, where the operator keeps it.
    pub source: Option<String>,
    /// What it may use.
    pub limits: Limits,
    /// The instance of the service that runs it.
    pub instance: String,
    /// The name of its container.
    pub container: Option<String>,
    /// When it begins.
    pub started: SystemTime,
}

/// Describes how a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// How it came to its end.
    pub verdict: Verdict,
    /// What it used.
    pub usage: RunUsage,
    /// When it ended.
    pub ended: SystemTime,
}

/// Holds what is recorded of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRecord {
    /// Names the run.
    pub id: String,
    /// Whose it was.
    pub owner: Owner,
    /// Where it was asked for.
    pub place: String,
    /// The language.
    pub language: String,
    /// The SHA-256 of the source in hexadecimal.
    pub source_sha256: String,
    /// The source, if it was kept.
    pub source: Option<String>,
    /// What it could use, as the JSON of [`Limits`] in the version that wrote it.
    pub limits: serde_json::Value,
    /// When it began.
    pub started: SystemTime,
    /// How it ended; `None` while it runs.
    pub outcome: Option<RunOutcome>,
}

impl Store {
    /// Records that a run begins, before it does: in the audit, and among what is in flight.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], also if the id is taken.
    pub async fn begin_run(&self, run: &NewRun) -> Result<()> {
        let limits = serde_json::to_string(&run.limits).map_err(|source| SandboxError::Store {
            operation: BEGIN,
            source: source.into(),
        })?;
        let mut transaction = self.write(BEGIN).await?;
        sqlx::query(
            "INSERT INTO runs (id, owner, place, language, source_sha256, source, limits, started_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&run.id)
        .bind(run.owner.as_str())
        .bind(&run.place)
        .bind(&run.language)
        .bind(&run.source_sha256)
        .bind(&run.source)
        .bind(limits)
        .bind(millis(run.started))
        .execute(&mut *transaction)
        .await
        .map_err(failed(BEGIN))?;
        let in_flight = InFlight {
            id: run.id.clone(),
            kind: InFlightKind::Run,
            owner: run.owner.clone(),
            instance: run.instance.clone(),
            container: run.container.clone(),
            started: run.started,
        };
        in_flight::insert(&mut *transaction, &in_flight).await?;
        transaction.commit().await.map_err(failed(BEGIN))
    }

    /// Records how a run ended, adds to its owner's usage, and notes that the sandbox was used, all or nothing.
    ///
    /// The run stays in flight until [`finish`](Self::finish): its container is still to be removed.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if no such run was begun, or it has ended already; nothing is counted twice.
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn end_run(&self, id: &str, outcome: &RunOutcome) -> Result<()> {
        let mut transaction = self.write(END).await?;
        let ended: Option<String> = sqlx::query_scalar(
            "UPDATE runs SET ended_ms = ?, verdict = ?, exit_code = ?, signal = ?, wall_ms = ?, cpu_ms = ?, peak_memory = ?
             WHERE id = ? AND ended_ms IS NULL RETURNING owner",
        )
        .bind(millis(outcome.ended))
        .bind(outcome.verdict.name())
        .bind(verdict::exit_code(outcome.verdict))
        .bind(verdict::signal(outcome.verdict))
        .bind(span(outcome.usage.wall))
        .bind(outcome.usage.cpu.map(span))
        .bind(outcome.usage.peak_memory.map(number))
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(END))?;
        let Some(ended) = ended else {
            return Err(SandboxError::NotFound {
                what: "run",
                name: id.to_owned(),
            });
        };
        let owner = owner(&ended)?;
        // Where the engine could not tell, it counts as one CPU kept busy: nobody runs for nothing.
        let RunUsage { wall, cpu, .. } = outcome.usage;
        let used = Usage {
            runs: 1,
            cpu: cpu.unwrap_or(wall),
            wall,
        };
        usage::add(&mut *transaction, &owner, outcome.ended, &used).await?;
        sqlx::query("UPDATE sandboxes SET last_used_ms = max(last_used_ms, ?) WHERE owner = ?")
            .bind(millis(outcome.ended))
            .bind(&ended)
            .execute(&mut *transaction)
            .await
            .map_err(failed(END))?;
        transaction.commit().await.map_err(failed(END))
    }

    /// Returns what is recorded of a run.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn run(&self, id: &str) -> Result<RunRecord> {
        let row = sqlx::query("SELECT * FROM runs WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed(READ))?;
        let missing = || {
            Err(SandboxError::NotFound {
                what: "run",
                name: id.to_owned(),
            })
        };
        row.as_ref().map_or_else(missing, record)
    }

    /// Returns at most `limit` runs, the newest first, of one owner or of all, that began before `before`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn runs(&self, owner: Option<&Owner>, before: SystemTime, limit: u32) -> Result<Vec<RunRecord>> {
        let query = match owner {
            Some(owner) => sqlx::query(
                "SELECT * FROM runs WHERE owner = ? AND started_ms < ? ORDER BY started_ms DESC, id LIMIT ?",
            )
            .bind(owner.as_str()),
            None => sqlx::query("SELECT * FROM runs WHERE started_ms < ? ORDER BY started_ms DESC, id LIMIT ?"),
        };
        let rows = query
            .bind(millis(before))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READ))?;
        rows.iter().map(record).collect()
    }

    /// Forgets the runs that ended before `before`; returns how many.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`].
    pub async fn sweep_runs(&self, before: SystemTime) -> Result<u64> {
        let mut swept = 0;
        loop {
            let deleted = sqlx::query(
                "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE ended_ms < ? ORDER BY started_ms LIMIT ?)",
            )
            .bind(millis(before))
            .bind(SWEPT_AT_ONCE)
            .execute(&self.pool)
            .await
            .map_err(failed(SWEEP))?
            .rows_affected();
            swept += deleted;
            if deleted < u64::from(SWEPT_AT_ONCE) {
                return Ok(swept);
            }
        }
    }
}

fn record(row: &SqliteRow) -> Result<RunRecord> {
    let failed = failed(READ);
    let limits: String = row.try_get("limits").map_err(&failed)?;
    let ended: Option<i64> = row.try_get("ended_ms").map_err(&failed)?;
    Ok(RunRecord {
        id: row.try_get("id").map_err(&failed)?,
        owner: owner(row.try_get("owner").map_err(&failed)?)?,
        place: row.try_get("place").map_err(&failed)?,
        language: row.try_get("language").map_err(&failed)?,
        source_sha256: row.try_get("source_sha256").map_err(&failed)?,
        source: row.try_get("source").map_err(&failed)?,
        limits: serde_json::from_str(&limits).map_err(|_| unreadable("run's limits", &limits))?,
        started: time(row.try_get("started_ms").map_err(&failed)?),
        outcome: ended.map(|ended| outcome(row, ended)).transpose()?,
    })
}

fn outcome(row: &SqliteRow, ended: i64) -> Result<RunOutcome> {
    let failed = failed(READ);
    Ok(RunOutcome {
        verdict: verdict::from_columns(
            row.try_get("verdict").map_err(&failed)?,
            row.try_get("exit_code").map_err(&failed)?,
            row.try_get("signal").map_err(&failed)?,
        )?,
        usage: RunUsage {
            wall: duration(row.try_get("wall_ms").map_err(&failed)?),
            cpu: row.try_get::<Option<i64>, _>("cpu_ms").map_err(&failed)?.map(duration),
            peak_memory: row
                .try_get::<Option<i64>, _>("peak_memory")
                .map_err(&failed)?
                .map(count),
        },
        ended: time(ended),
    })
}
