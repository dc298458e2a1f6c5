//! Images on disk: unpacked once, found by digest, shared by processes.
//!
//! ```text
//! images/<digest>/root        the file tree
//! images/<digest>/image.json  its id, size and config; its time of change is the last use
//! references/<hash>.json      which image a reference was pulled as
//! work/<random>               half-made, or on the way out
//! ```
//!
//! An image is made in `work` and moved to its place whole. Locks on directories keep what is in use; see [`lock`].

mod archive;
mod collect;
mod image;
mod lock;
#[cfg(feature = "oci-pull")]
mod pull;
mod references;
#[cfg(test)]
mod tests;
mod tree;
mod zstd;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use inline_runtime::{Error, ErrorKind, ImageId, ImageReference, Result, Support};
use sha2::{Digest, Sha256};

pub(crate) use image::{ImageConfig, StoredImage};
#[cfg(feature = "oci-pull")]
pub(crate) use pull::Registries;

use archive::{Budget, Whiteouts};
use image::{ROOT, Record};
use lock::Work;
use tree::Tree;

const BUFFER_BYTES: usize = 1 << 16;
/// Every process of one user's may use the store, and nobody else: images are trees of files that others could change.
const DIRECTORY_MODE: u32 = 0o700;

/// A directory of images. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Path>);

/// Says whether images can be pulled.
pub(crate) fn pull_support() -> Support {
    if cfg!(feature = "oci-pull") {
        Support::Present
    } else {
        Support::absent("this program was built without the feature `oci-pull`; build it with `--features oci-pull`")
    }
}

impl Store {
    /// Opens a store, making its directories if they are not there.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] or [`ErrorKind::Unexpected`] if they cannot be made.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        for part in ["images", "references", "work"] {
            let path = directory.join(part);
            DirBuilder::new()
                .recursive(true)
                .mode(DIRECTORY_MODE)
                .create(&path)
                .map_err(|error| failed("make", &path, error))?;
        }
        Ok(Self(directory.into()))
    }

    /// Returns the image of a tar archive, unpacking it if that was not done before.
    ///
    /// The archive may be packed by gzip or zstd. Its digest is the image's id.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::ImageNotFound`] if there is no such file.
    /// - [`ErrorKind::InvalidSpec`] if it is no archive, leaves its root, or has more than 32 GiB or 2,000,000 files.
    /// - [`ErrorKind::ResourceExhausted`] if the disk is full.
    pub(crate) fn unpack(&self, archive: &Path) -> Result<StoredImage> {
        let mut file = File::open(archive).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(
                ErrorKind::ImageNotFound,
                format!("there is no archive `{}`", archive.display()),
            ),
            _ => failed("read", archive, error),
        })?;
        let id = digest(&mut file).map_err(|error| failed("read", archive, error))?;
        if let Some(image) = self.find(&id)? {
            return Ok(image);
        }
        let mut making = Making::begin(self)?;
        file.rewind()
            .and_then(|()| making.add(file, Whiteouts::Keep))
            .map_err(|error| failed("unpack", archive, error))?;
        making.finish(id, ImageConfig::default())
    }

    /// Returns the image that was pulled as `reference`, if it is here.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] or [`ErrorKind::Unexpected`] if the store cannot be read.
    pub(crate) fn image(&self, reference: &ImageReference) -> Result<Option<StoredImage>> {
        match references::read(&self.part("references"), reference)? {
            Some(id) => self.find(&id),
            None => Ok(None),
        }
    }

    /// Removes images that were not used for so long, and what processes that are gone left half-made.
    ///
    /// Returns how many images went. What any process uses stays.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] or [`ErrorKind::Unexpected`] if the store cannot be read.
    pub(crate) fn collect(&self, unused_for: Duration) -> Result<usize> {
        collect::collect(self, unused_for)
    }

    fn find(&self, id: &ImageId) -> Result<Option<StoredImage>> {
        StoredImage::open(&self.directory(id))
    }

    fn directory(&self, id: &ImageId) -> PathBuf {
        // A digest is letters, digits and the one colon.
        self.part("images").join(id.as_str().replace(':', "-"))
    }

    fn part(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// An image on its way into the store. Dropping it leaves nothing.
#[derive(Debug)]
struct Making {
    store: Store,
    work: Work,
    tree: Tree,
    budget: Budget,
}

impl Making {
    fn begin(store: &Store) -> Result<Self> {
        let parent = store.part("work");
        let make = || {
            let work = Work::make(&parent)?;
            let root = work.directory().join(ROOT);
            DirBuilder::new().mode(0o755).create(&root)?;
            let tree = Tree::open(&root)?;
            Ok((work, tree))
        };
        let (work, tree) = make().map_err(|error| failed("make a directory in", &parent, error))?;
        Ok(Self {
            store: store.clone(),
            work,
            tree,
            budget: Budget::default(),
        })
    }

    /// Puts a layer on top.
    fn add(&mut self, archive: impl Read, whiteouts: Whiteouts) -> io::Result<()> {
        archive::unpack(&mut self.tree, archive, whiteouts, &mut self.budget)
    }

    /// Moves the image to its place, unless another process was first, and takes it into use.
    fn finish(self, id: ImageId, config: ImageConfig) -> Result<StoredImage> {
        let directory = self.store.directory(&id);
        let size = Budget::default().bytes - self.budget.bytes;
        Record { id, size, config }.write(self.work.directory())?;
        // A machine that loses power must not find half an image under its name.
        File::open(self.work.directory())
            .and_then(|work| Ok(rustix::fs::syncfs(work)?))
            .map_err(|error| failed("write", self.work.directory(), error))?;
        match fs::rename(self.work.directory(), &directory) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) => {}
            Err(error) => return Err(failed("move an image to", &directory, error)),
        }
        // The lock of the work goes with the directory, and would keep us out.
        drop(self);
        StoredImage::open(&directory)?.ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "the image was removed as soon as it was made").with_transient(true)
        })
    }
}

fn digest(reader: &mut impl Read) -> io::Result<ImageId> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(ImageId::new(hex(&hasher.finalize()))),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
}

/// Says that a file of the store, or one for it, could not be used.
fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::ResourceExhausted,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            ErrorKind::InvalidSpec
        }
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, format!("cannot {what} `{}`", path.display())).with_source(error)
}
