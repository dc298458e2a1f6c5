//! What is going on, so that a process started after a `kill -9` knows what to clear up.

use std::time::SystemTime;

use sqlx::{Executor, Row, Sqlite};

use super::columns::{millis, owner, time, unreadable};
use super::{Store, failed};
use crate::{Owner, Result};

const READ: &str = "read what is in flight";
const WRITE: &str = "record what is in flight";

/// Describes something that a process has begun and not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Names it, unique for ever; of a run its id.
    pub id: String,
    /// What it is.
    pub kind: InFlightKind,
    /// Whose it is.
    pub owner: Owner,
    /// The instance of the service that began it; only that one may clear it up.
    pub instance: String,
    /// The name of its container, if it has one.
    pub container: Option<String>,
    /// When it was begun.
    pub started: SystemTime,
}

/// Says what was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InFlightKind {
    /// A run.
    Run,
    /// A session.
    Session,
    /// An installation of packages.
    Install,
    /// The deletion of a sandbox.
    Delete,
}

impl InFlightKind {
    const ALL: [Self; 4] = [Self::Run, Self::Session, Self::Install, Self::Delete];

    const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Session => "session",
            Self::Install => "install",
            Self::Delete => "delete",
        }
    }
}

impl Store {
    /// Records that something begins, before it does; runs are recorded by [`begin_run`](Self::begin_run).
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`](crate::SandboxError::Store), also if the id is taken.
    pub async fn begin(&self, in_flight: &InFlight) -> Result<()> {
        insert(&self.pool, in_flight).await
    }

    /// Records that something is done, and nothing is left of it to clear up; says whether it was in flight.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`](crate::SandboxError::Store).
    pub async fn finish(&self, id: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM in_flight WHERE id = ?")
            .bind(id)
            .execute(&self.pool)
            .await;
        Ok(deleted.map_err(failed(WRITE))?.rows_affected() == 1)
    }

    /// Returns all that is in flight, the oldest first. What an instance finds of its own when it starts was left by a
    /// process that was killed.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`](crate::SandboxError::Store),
    ///   [`SandboxError::StoreValue`](crate::SandboxError::StoreValue).
    pub async fn in_flight(&self) -> Result<Vec<InFlight>> {
        let rows = sqlx::query("SELECT * FROM in_flight ORDER BY started_ms, id")
            .fetch_all(&self.pool)
            .await;
        let failed = failed(READ);
        rows.map_err(&failed)?
            .iter()
            .map(|row| {
                let kind: &str = row.try_get("kind").map_err(&failed)?;
                let known = InFlightKind::ALL.into_iter().find(|known| known.name() == kind);
                Ok(InFlight {
                    id: row.try_get("id").map_err(&failed)?,
                    kind: known.ok_or_else(|| unreadable("kind of work", kind))?,
                    owner: owner(row.try_get("owner").map_err(&failed)?)?,
                    instance: row.try_get("instance").map_err(&failed)?,
                    container: row.try_get("container").map_err(&failed)?,
                    started: time(row.try_get("started_ms").map_err(&failed)?),
                })
            })
            .collect()
    }
}

pub(super) async fn insert<'e>(executor: impl Executor<'e, Database = Sqlite>, in_flight: &InFlight) -> Result<()> {
    sqlx::query("INSERT INTO in_flight (id, kind, owner, instance, container, started_ms) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&in_flight.id)
        .bind(in_flight.kind.name())
        .bind(in_flight.owner.as_str())
        .bind(&in_flight.instance)
        .bind(&in_flight.container)
        .bind(millis(in_flight.started))
        .execute(executor)
        .await
        .map_err(failed(WRITE))?;
    Ok(())
}
