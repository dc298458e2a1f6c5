//! What each owner has used, day by day of UTC.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use sqlx::{Executor, Sqlite};

use super::columns::{count, day, duration, number, span};
use super::{Store, failed};
use crate::{CpuUsage, Owner, Result};

const READ: &str = "read the usage";
const WRITE: &str = "record the usage";

/// Holds what was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many runs.
    pub runs: u64,
    /// Their CPU time.
    pub cpu: Duration,
    /// Their wall time.
    pub wall: Duration,
}

impl Store {
    /// Adds to the usage of `owner` on the day of `at`; runs are added by [`end_run`](Self::end_run).
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`](crate::SandboxError::Store).
    pub async fn add_usage(&self, owner: &Owner, at: SystemTime, usage: &Usage) -> Result<()> {
        add(&self.pool, owner, at, usage).await
    }

    /// Returns the usage of `owner` from the day of `from` to the day of `to`, both with all their hours.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`](crate::SandboxError::Store).
    pub async fn usage(&self, owner: &Owner, from: SystemTime, to: SystemTime) -> Result<Usage> {
        let (runs, cpu, wall): (i64, i64, i64) = sqlx::query_as(
            "SELECT ifnull(sum(runs), 0), ifnull(sum(cpu_ms), 0), ifnull(sum(wall_ms), 0)
             FROM usage WHERE owner = ? AND day BETWEEN ? AND ?",
        )
        .bind(owner.as_str())
        .bind(day(from))
        .bind(day(to))
        .fetch_one(&self.pool)
        .await
        .map_err(failed(READ))?;
        Ok(Usage {
            runs: count(runs),
            cpu: duration(cpu),
            wall: duration(wall),
        })
    }
}

pub(super) async fn add<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    owner: &Owner,
    at: SystemTime,
    usage: &Usage,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO usage VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         runs = runs + excluded.runs, cpu_ms = cpu_ms + excluded.cpu_ms, wall_ms = wall_ms + excluded.wall_ms",
    )
    .bind(owner.as_str())
    .bind(day(at))
    .bind(number(usage.runs))
    .bind(span(usage.cpu))
    .bind(span(usage.wall))
    .execute(executor)
    .await
    .map_err(failed(WRITE))?;
    Ok(())
}

#[async_trait]
impl CpuUsage for Store {
    async fn cpu_used_today(&self, owner: &Owner) -> Result<Duration> {
        let now = SystemTime::now();
        Ok(self.usage(owner, now, now).await?.cpu)
    }
}
