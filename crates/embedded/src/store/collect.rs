//! Removes what nobody uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use inline_runtime::Result;

use super::image::RECORD;
use super::lock::{self, Work};
use super::{Store, failed, references};

/// Removes images that were not used for so long and returns how many; then what is left in the work directory.
pub(super) fn collect(store: &Store, unused_for: Duration) -> Result<usize> {
    let work = store.part("work");
    let mut removed = 0;
    for directory in directories(&store.part("images"))? {
        if is_unused(&directory, unused_for) && remove(&directory, &work) {
            removed += 1;
        }
    }
    references::prune(&store.part("references"), |id| store.directory(id).exists())?;
    for directory in directories(&work)? {
        if let Ok(Some(_lock)) = lock::exclusive(&directory)
            && let Err(error) = fs::remove_dir_all(&directory)
        {
            tracing::warn!(%error, directory = %directory.display(), "cannot remove");
        }
    }
    Ok(removed)
}

/// An image without a record is not one.
fn is_unused(directory: &Path, unused_for: Duration) -> bool {
    let last_use = fs::metadata(directory.join(RECORD)).and_then(|record| record.modified());
    last_use.map_or(true, |last_use| {
        // A clock that was set back makes nothing old.
        SystemTime::now()
            .duration_since(last_use)
            .is_ok_and(|unused| unused >= unused_for)
    })
}

/// Moves an image out of sight at once, so that nobody finds it half removed.
fn remove(directory: &Path, work: &Path) -> bool {
    let Ok(Some(_lock)) = lock::exclusive(directory) else {
        return false;
    };
    let moved = Work::make(work).and_then(|aside| {
        fs::rename(directory, aside.directory().join("image"))?;
        Ok(())
    });
    match moved {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, directory = %directory.display(), "cannot remove an image");
            false
        }
    }
}

fn directories(parent: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(parent).map_err(|error| failed("read", parent, error))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}
