//! What is installed in each sandbox, so that it can be installed again into another image.

use std::time::SystemTime;

use sqlx::Row;

use super::columns::{millis, time, unreadable};
use super::{Store, failed};
use crate::{Owner, PackageManager, Result, SandboxError};

const READ: &str = "read the packages";
const WRITE: &str = "record the packages";

/// Holds one installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRecord {
    /// What installed it.
    pub manager: PackageManager,
    /// Its name in the normal form.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When this version came.
    pub installed: SystemTime,
}

impl Store {
    /// Records that `packages`, by name and version, and no others are what `manager` has installed for `owner`.
    ///
    /// Of those that were there in the same version the time stays.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], also if the owner has no sandbox.
    pub async fn set_packages(
        &self,
        owner: &Owner,
        manager: PackageManager,
        packages: &[(String, String)],
        now: SystemTime,
    ) -> Result<()> {
        let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
        let names = serde_json::to_string(&names).map_err(|source| SandboxError::Store {
            operation: WRITE,
            source: source.into(),
        })?;
        let mut transaction = self.write(WRITE).await?;
        sqlx::query(
            "DELETE FROM packages WHERE owner = ? AND manager = ? AND name NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(owner.as_str())
        .bind(manager.name())
        .bind(names)
        .execute(&mut *transaction)
        .await
        .map_err(failed(WRITE))?;
        for (name, version) in packages {
            sqlx::query(
                "INSERT INTO packages VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                 installed_ms = iif(version = excluded.version, installed_ms, excluded.installed_ms),
                 version = excluded.version",
            )
            .bind(owner.as_str())
            .bind(manager.name())
            .bind(name)
            .bind(version)
            .bind(millis(now))
            .execute(&mut *transaction)
            .await
            .map_err(failed(WRITE))?;
        }
        transaction.commit().await.map_err(failed(WRITE))
    }

    /// Returns what is installed for `owner`, by manager and name.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn packages(&self, owner: &Owner) -> Result<Vec<PackageRecord>> {
        let rows = sqlx::query("SELECT * FROM packages WHERE owner = ? ORDER BY manager, name")
            .bind(owner.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READ))?;
        let failed = failed(READ);
        rows.iter()
            .map(|row| {
                let manager: &str = row.try_get("manager").map_err(&failed)?;
                Ok(PackageRecord {
                    manager: manager.parse().map_err(|_| unreadable("package manager", manager))?,
                    name: row.try_get("name").map_err(&failed)?,
                    version: row.try_get("version").map_err(&failed)?,
                    installed: time(row.try_get("installed_ms").map_err(&failed)?),
                })
            })
            .collect()
    }
}
