//! Which image a reference was pulled as.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use inline_runtime::{ImageId, ImageReference, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{failed, hex};

const MAX_BYTES: u64 = 1 << 16;

#[derive(Serialize, Deserialize)]
struct Link {
    reference: ImageReference,
    image: ImageId,
}

/// Reads which image a reference was pulled as.
pub(super) fn read(directory: &Path, reference: &ImageReference) -> Result<Option<ImageId>> {
    let path = path(directory, reference);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| failed("read", &path, error))?,
    };
    let link: Link = serde_json::from_str(&text).map_err(|error| failed("read", &path, error.into()))?;
    Ok((link.reference == *reference).then_some(link.image))
}

/// Notes which image a reference was pulled as; the note is whole at every moment.
#[cfg(feature = "oci-pull")]
pub(super) fn write(directory: &Path, reference: &ImageReference, image: &ImageId) -> Result<()> {
    let path = path(directory, reference);
    let link = Link {
        reference: reference.clone(),
        image: image.clone(),
    };
    let write = || {
        let file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer(&file, &link)?;
        file.persist(&path).map_err(|error| error.error)?;
        io::Result::Ok(())
    };
    write().map_err(|error| failed("write", &path, error))
}

/// Removes the notes on images that are gone, by a look-up of what is there.
pub(super) fn prune(directory: &Path, is_there: impl Fn(&ImageId) -> bool) -> Result<()> {
    let entries = fs::read_dir(directory).map_err(|error| failed("read", directory, error))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        let link = serde_json::from_str::<Link>(&text);
        if read.is_ok() && link.is_ok_and(|link| !is_there(&link.image)) {
            // Another process may have been first.
            fs::remove_file(&path).ok();
        }
    }
    Ok(())
}

/// References hold characters that file names cannot.
fn path(directory: &Path, reference: &ImageReference) -> PathBuf {
    let hash = Sha256::digest(reference.to_string().as_bytes());
    directory.join(format!("{}.json", hex(&hash)))
}
