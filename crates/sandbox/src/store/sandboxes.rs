//! The sandboxes: when they were made and used, where their owners are in them, and how they want them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use inline_runtime::ImageReference;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::columns::{duration, millis, owner, span, time, unreadable};
use super::{Store, failed};
use crate::{Owner, Result, Retention, SandboxError};

const NEVER: i64 = -1;
const READ: &str = "read a sandbox";
const CHANGE: &str = "change a sandbox";

/// Holds what is known of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxRecord {
    /// Whose it is.
    pub owner: Owner,
    /// When it was made.
    pub created: SystemTime,
    /// When it was last used.
    pub last_used: SystemTime,
    /// The owner's current directory below the workspace; the workspace itself is the empty text.
    pub current_dir: String,
    /// How long it is kept without use; `None` is the operator's default.
    pub retention: Option<Retention>,
    /// How the owner wants it.
    pub settings: SandboxSettings,
}

/// Holds how an owner wants a sandbox; what is not set is the operator's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxSettings {
    /// Whether the value of a last expression is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_last_expression: Option<bool>,
    /// The images to take instead of the configured ones, by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, ImageReference>,
}

impl Store {
    /// Makes a sandbox.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::AlreadyExists`] if the owner has one.
    /// - [`SandboxError::Store`].
    pub async fn create_sandbox(&self, owner: &Owner, now: SystemTime) -> Result<SandboxRecord> {
        if self.insert_sandbox(owner, now).await? {
            self.sandbox(owner).await
        } else {
            Err(SandboxError::AlreadyExists {
                what: "sandbox",
                name: owner.to_string(),
            })
        }
    }

    /// Returns the owner's sandbox, which is made if there is none.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn ensure_sandbox(&self, owner: &Owner, now: SystemTime) -> Result<SandboxRecord> {
        match self.sandbox(owner).await {
            // Only then is there something to write, which takes turns with all other writers.
            Err(SandboxError::NotFound { .. }) => {
                self.insert_sandbox(owner, now).await?;
                self.sandbox(owner).await
            }
            found => found,
        }
    }

    async fn insert_sandbox(&self, owner: &Owner, now: SystemTime) -> Result<bool> {
        let inserted =
            sqlx::query("INSERT OR IGNORE INTO sandboxes (owner, created_ms, last_used_ms) VALUES (?1, ?2, ?2)")
                .bind(owner.as_str())
                .bind(millis(now))
                .execute(&self.pool)
                .await
                .map_err(failed("make a sandbox"))?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Returns the owner's sandbox.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if the owner has none.
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn sandbox(&self, owner: &Owner) -> Result<SandboxRecord> {
        let row = sqlx::query("SELECT * FROM sandboxes WHERE owner = ?")
            .bind(owner.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed(READ))?;
        row.as_ref().map_or_else(|| Err(not_found(owner)), record)
    }

    /// Returns at most `limit` sandboxes in the order of their owners, those after `after`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn sandboxes(&self, after: Option<&Owner>, limit: u32) -> Result<Vec<SandboxRecord>> {
        let rows = sqlx::query("SELECT * FROM sandboxes WHERE owner > ? ORDER BY owner LIMIT ?")
            .bind(after.map_or("", Owner::as_str))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READ))?;
        rows.iter().map(record).collect()
    }

    /// Notes that the sandbox is used now; an earlier time than the last is not noted.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`].
    pub async fn touch_sandbox(&self, owner: &Owner, now: SystemTime) -> Result<()> {
        let changed = sqlx::query("UPDATE sandboxes SET last_used_ms = max(last_used_ms, ?) WHERE owner = ?")
            .bind(millis(now))
            .bind(owner.as_str())
            .execute(&self.pool)
            .await;
        expect_one(owner, changed)
    }

    /// Sets the owner's current directory, below the workspace; the workspace itself is the empty text.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`].
    pub async fn set_current_dir(&self, owner: &Owner, current_dir: &str) -> Result<()> {
        let changed = sqlx::query("UPDATE sandboxes SET current_dir = ? WHERE owner = ?")
            .bind(current_dir)
            .bind(owner.as_str())
            .execute(&self.pool)
            .await;
        expect_one(owner, changed)
    }

    /// Sets how long the sandbox is kept without use; `None` is the operator's default.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`].
    pub async fn set_retention(&self, owner: &Owner, retention: Option<Retention>) -> Result<()> {
        let changed = sqlx::query("UPDATE sandboxes SET retention_ms = ? WHERE owner = ?")
            .bind(retention.map(retention_column))
            .bind(owner.as_str())
            .execute(&self.pool)
            .await;
        expect_one(owner, changed)
    }

    /// Sets how the owner wants the sandbox.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`], [`SandboxError::Store`].
    pub async fn set_settings(&self, owner: &Owner, settings: &SandboxSettings) -> Result<()> {
        let settings = serde_json::to_string(settings).map_err(|source| SandboxError::Store {
            operation: CHANGE,
            source: source.into(),
        })?;
        let changed = sqlx::query("UPDATE sandboxes SET settings = ? WHERE owner = ?")
            .bind(settings)
            .bind(owner.as_str())
            .execute(&self.pool)
            .await;
        expect_one(owner, changed)
    }

    /// Forgets a sandbox and its packages, not its owner's usage and runs; says whether there was one.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`].
    pub async fn delete_sandbox(&self, owner: &Owner) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM sandboxes WHERE owner = ?")
            .bind(owner.as_str())
            .execute(&self.pool)
            .await
            .map_err(failed("delete a sandbox"))?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Returns at most `limit` sandboxes that nobody used for as long as they are kept, the longest unused first.
    ///
    /// One with something in flight is never among them.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn expired_sandboxes(&self, now: SystemTime, default: Retention, limit: u32) -> Result<Vec<Owner>> {
        let owners: Vec<String> = sqlx::query_scalar(
            "SELECT owner FROM sandboxes
             WHERE ifnull(retention_ms, ?1) >= 0
               AND last_used_ms <= ?2 - ifnull(retention_ms, ?1)
               AND owner NOT IN (SELECT owner FROM in_flight)
             ORDER BY last_used_ms, owner LIMIT ?3",
        )
        .bind(retention_column(default))
        .bind(millis(now))
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("find expired sandboxes"))?;
        owners.iter().map(|text| owner(text)).collect()
    }
}

fn retention_column(retention: Retention) -> i64 {
    match retention {
        Retention::Never => NEVER,
        Retention::After(duration) => span(duration),
    }
}

fn record(row: &SqliteRow) -> Result<SandboxRecord> {
    let failed = failed(READ);
    let settings: String = row.try_get("settings").map_err(&failed)?;
    let retention: Option<i64> = row.try_get("retention_ms").map_err(&failed)?;
    Ok(SandboxRecord {
        owner: owner(row.try_get("owner").map_err(&failed)?)?,
        created: time(row.try_get("created_ms").map_err(&failed)?),
        last_used: time(row.try_get("last_used_ms").map_err(&failed)?),
        current_dir: row.try_get("current_dir").map_err(&failed)?,
        retention: retention.map(|millis| match millis {
            NEVER => Retention::Never,
            millis => Retention::After(duration(millis)),
        }),
        settings: serde_json::from_str(&settings).map_err(|_| unreadable("sandbox's settings", &settings))?,
    })
}

fn expect_one(owner: &Owner, changed: sqlx::Result<sqlx::sqlite::SqliteQueryResult>) -> Result<()> {
    match changed.map_err(failed(CHANGE))?.rows_affected() {
        0 => Err(not_found(owner)),
        _ => Ok(()),
    }
}

fn not_found(owner: &Owner) -> SandboxError {
    SandboxError::NotFound {
        what: "sandbox",
        name: owner.to_string(),
    }
}
