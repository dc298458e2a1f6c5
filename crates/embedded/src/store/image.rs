//! An image in the store.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use inline_runtime::{ImageId, Result};
use serde::{Deserialize, Serialize};

use super::{failed, lock};

pub(super) const ROOT: &str = "root";
pub(super) const RECORD: &str = "image.json";
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// What an image says of the programs in it. Empty for archives that say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ImageConfig {
    /// Variables, as `NAME=value`.
    pub(crate) env: Vec<String>,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) cmd: Vec<String>,
    pub(crate) working_dir: Option<String>,
    pub(crate) user: Option<String>,
}

/// What is written beside the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: ImageId,
    pub(super) size: u64,
    pub(super) config: ImageConfig,
}

/// An image that stays in the store as long as this or a clone of it lives.
#[derive(Clone, Debug)]
pub(crate) struct StoredImage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    record: Record,
    _lock: File,
}

impl StoredImage {
    /// Takes the image in `directory` into use; `None` if it is not there.
    pub(super) fn open(directory: &Path) -> Result<Option<Self>> {
        let fail = |error| failed("read", directory, error);
        let Some(lock) = lock::shared(directory).map_err(fail)? else {
            return Ok(None);
        };
        let path = directory.join(RECORD);
        let mut text = String::new();
        let record = File::open(&path).map_err(fail)?;
        (&record)
            .take(MAX_RECORD_BYTES)
            .read_to_string(&mut text)
            .map_err(fail)?;
        let parsed = serde_json::from_str(&text).map_err(|error| fail(error.into()))?;
        // Collection goes by it. A store that cannot be written to is as good to read from.
        record.set_modified(SystemTime::now()).ok();
        Ok(Some(Self(Arc::new(Inner {
            root: directory.join(ROOT),
            record: parsed,
            _lock: lock,
        }))))
    }

    /// Returns the root of its file tree, which nobody may write to.
    pub(crate) fn root(&self) -> &Path {
        &self.0.root
    }

    /// Returns its id: the digest of its config, or of the archive that it came from.
    pub(crate) fn id(&self) -> &ImageId {
        &self.0.record.id
    }

    /// Returns the unpacked bytes.
    pub(crate) fn size(&self) -> u64 {
        self.0.record.size
    }

    /// Returns what it says of the programs in it.
    pub(crate) fn config(&self) -> &ImageConfig {
        &self.0.record.config
    }
}

impl Record {
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(RECORD);
        let text = serde_json::to_vec(self).map_err(std::io::Error::from);
        text.and_then(|text| fs::write(&path, text))
            .map_err(|error| failed("write", &path, error))
    }
}
