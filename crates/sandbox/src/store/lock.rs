//! Lets one process at a time open a store.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{FILE_MODE, unusable};
use crate::{Result, SandboxError};

/// Longer than any migration takes.
const TIMEOUT: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Takes the lock beside `path`; it ends with the file that is returned.
pub(super) async fn acquire(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(Path::new(&name))
        .map_err(SandboxError::io("opening the store"))?;
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(BETWEEN_TRIES).await,
            Err(error @ TryLockError::WouldBlock) => {
                return Err(unusable(
                    path,
                    "another process has been opening it for too long",
                    error,
                ));
            }
            Err(TryLockError::Error(source)) => {
                return Err(SandboxError::Io {
                    operation: "locking the store",
                    source,
                });
            }
        }
    }
}
