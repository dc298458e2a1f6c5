//! What is remembered: sandboxes, packages, usage, the audit, and what was going on when a process was killed.

mod columns;
mod in_flight;
mod lock;
mod packages;
mod runs;
mod sandboxes;
mod usage;
mod verdict;

use std::error::Error as StdError;
use std::fs::{OpenOptions, Permissions, set_permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::{Result, SandboxError};

pub use in_flight::{InFlight, InFlightKind};
pub use packages::PackageRecord;
pub use runs::{NewRun, RunOutcome, RunRecord};
pub use sandboxes::{SandboxRecord, SandboxSettings};
pub use usage::Usage;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Only the service's own user may read what others have typed.
const FILE_MODE: u32 = 0o600;
/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Readers do not wait for each other; writers are one at a time anyway.
const MAX_CONNECTIONS: u32 = 4;

/// Keeps the service's memory in one SQLite file.
///
/// Every change is one transaction: a process that is killed leaves all of it or nothing. Several processes may have
/// the same file open. Clones share their connections.
///
/// All times are given by the caller and kept to the millisecond.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    path: PathBuf,
}

impl Store {
    /// Opens the file at `path`, which is created with mode 0600 if it is not there, and brings it up to date.
    ///
    /// Beside it stands an empty `.lock`, held only meanwhile, and SQLite's own `-wal` and `-shm`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Io`] if the file cannot be made or its mode not be set.
    /// - [`SandboxError::StoreUnusable`] if it is no database, is damaged, was written by a newer version, or another
    ///   process has been opening it for too long.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path: PathBuf = path.into();
        // sqlx migrates SQLite without a lock: two that open an empty file at once would both make its tables.
        let _lock = lock::acquire(&path).await?;
        make_private(&path).map_err(SandboxError::io("opening the store"))?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A connection to a file does not go away, and the question would double the time of short calls.
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(|error| unusable(&path, "it cannot be opened as a database", error))?;
        let store = Self { pool, path };
        match store.prepare().await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.pool.close().await;
                Err(error)
            }
        }
    }

    async fn prepare(&self) -> Result<()> {
        let check: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&self.pool)
            .await
            .map_err(|error| unusable(&self.path, "it is damaged or no database", error))?;
        if check != "ok" {
            return Err(unusable(&self.path, "it is damaged", check));
        }
        MIGRATIONS.run(&self.pool).await.map_err(|error| {
            let why = match &error {
                MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => "it is of another version",
                _ => "it cannot be brought up to date",
            };
            unusable(&self.path, why, error)
        })
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends all connections once the calls under way are done; calls made later are errors.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that writes; it waits for its turn here, so that nothing later can be refused for it.
    async fn write(&self, operation: &'static str) -> Result<Transaction<'static, Sqlite>> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(operation))
    }
}

fn make_private(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
    {
        // It is never opened here once it is there: closing it would end the locks that SQLite has on it, which belong
        // to the process and not to the handle.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            set_permissions(path, Permissions::from_mode(FILE_MODE))
        }
        created => created.map(drop),
    }
}

fn unusable(path: &Path, why: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> SandboxError {
    SandboxError::StoreUnusable {
        path: path.to_owned(),
        why,
        source: source.into(),
    }
}

/// Makes a function that turns a database error met in `operation` into an error of ours, for `map_err`.
fn failed(operation: &'static str) -> impl Fn(sqlx::Error) -> SandboxError {
    move |source| SandboxError::Store {
        operation,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests;
