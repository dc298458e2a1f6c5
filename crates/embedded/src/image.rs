//! Where the root filesystem of an image comes from: this machine, a directory, or the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use inline_runtime::{Error, ErrorKind, Image, ImageId, ImageReference, Result};

use crate::config::EmbeddedConfig;
use crate::store::{ImageConfig, Store, StoredImage};
use crate::wire::RootFilesystem;

/// The one image that is always there, as its reference reads in full.
const HOST: &str = "docker.io/library/host:latest";
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The root filesystem of an image.
#[derive(Clone, Debug)]
pub(crate) enum Rootfs {
    /// What is installed on this machine.
    Host,
    /// A directory that is used in place.
    Directory(PathBuf),
    /// An image of the store.
    Stored(StoredImage),
}

/// The images that there are.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    named: BTreeMap<ImageReference, PathBuf>,
    directory: Option<PathBuf>,
    retention: Duration,
    store: Arc<OnceLock<Store>>,
}

impl Images {
    /// Takes the images of a config. Those of the store that have long not been used go away.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] if a reference is none, or an image is not where the config says.
    pub(crate) fn open(config: &EmbeddedConfig) -> Result<Self> {
        let mut named = BTreeMap::new();
        for (reference, path) in &config.images {
            let invalid = |why: String| Error::new(ErrorKind::InvalidConfig, why);
            let parsed: ImageReference = reference.parse().map_err(|error| {
                invalid(format!("`{}` is no image reference", reference.escape_debug())).with_source(error)
            })?;
            let path = path.canonicalize().map_err(|error| {
                invalid(format!("image `{reference}` is not at `{}`", path.display())).with_source(error)
            })?;
            named.insert(parsed, path);
        }
        let images = Self {
            named,
            directory: config.store.clone(),
            retention: config.image_retention,
            store: Arc::default(),
        };
        // Whoever runs programs on the machine itself may never come to the store again.
        if images.has_store()
            && let Err(error) = images.store()
        {
            tracing::warn!(%error, "the images that are kept cannot be used");
        }
        Ok(images)
    }

    /// Returns whether images were ever kept.
    fn has_store(&self) -> bool {
        self.directory.as_deref().is_some_and(Path::is_dir)
    }

    /// Opens the store, unless it is open; what has long not been used goes away then.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] if the config names no directory for one.
    /// - What the store fails with.
    pub(crate) fn store(&self) -> Result<&Store> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let directory = self.directory.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, "there is no directory to keep images in").with_hint("set `store`")
        })?;
        let store = Store::open(directory)?;
        if let Err(error) = store.collect(self.retention) {
            tracing::warn!(%error, "images that nobody uses stay behind");
        }
        Ok(self.store.get_or_init(|| store))
    }

    /// Looks for an image. A tarball is unpacked when it is first looked for, so this may take a while.
    ///
    /// # Errors
    ///
    /// - What the store fails with.
    pub(crate) fn find(&self, reference: &ImageReference) -> Result<Option<Rootfs>> {
        if is_host(reference) {
            return Ok(Some(Rootfs::Host));
        }
        match self.named.get(reference) {
            Some(path) if path.is_dir() => Ok(Some(Rootfs::Directory(path.clone()))),
            Some(archive) => Ok(Some(Rootfs::Stored(self.store()?.unpack(archive)?))),
            // Where nothing was ever kept, there is nothing, and no need to make a place for it.
            None if self.has_store() => Ok(self.store()?.image(reference)?.map(Rootfs::Stored)),
            None => Ok(None),
        }
    }
}

/// Returns the reference of the image that is always there.
pub(crate) fn host() -> Option<ImageReference> {
    HOST.parse().ok()
}

/// Returns whether a reference is that of the image which is always there.
pub(crate) fn is_host(reference: &ImageReference) -> bool {
    reference.to_string() == HOST
}

/// Creates the error for an image that is not here.
pub(crate) fn not_found(reference: &ImageReference) -> Error {
    Error::new(ErrorKind::ImageNotFound, format!("image `{reference}` not found")).with_hint(
        "use the image `host`, which is what is installed on this machine, or name a directory or tarball as this image in the \
         configuration (`images`)",
    )
}

impl Rootfs {
    /// Describes the image.
    pub(crate) fn describe(&self) -> Image {
        match self {
            Self::Host => Image::new(ImageId::new("host:/usr"), None),
            Self::Directory(path) => Image::new(ImageId::new(format!("directory:{}", path.display())), None),
            Self::Stored(image) => Image::new(image.id().clone(), Some(image.size())),
        }
    }

    /// Returns what the image itself says of how it is run.
    pub(crate) fn config(&self) -> ImageConfig {
        match self {
            Self::Host => ImageConfig {
                env: vec![PATH.to_owned(), "LANG=C.UTF-8".to_owned()],
                user: Some("sandbox".to_owned()),
                ..ImageConfig::default()
            },
            Self::Directory(_) => ImageConfig {
                env: vec![PATH.to_owned()],
                ..ImageConfig::default()
            },
            Self::Stored(image) => {
                let mut config = image.config().clone();
                if !config.env.iter().any(|variable| variable.starts_with("PATH=")) {
                    config.env.push(PATH.to_owned());
                }
                config
            }
        }
    }

    /// Returns the directory that it is in, unless it is put together of this machine.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Host => None,
            Self::Directory(path) => Some(path),
            Self::Stored(image) => Some(image.root()),
        }
    }

    /// Returns what keeps its files.
    pub(crate) fn stored(&self) -> Option<StoredImage> {
        match self {
            Self::Stored(image) => Some(image.clone()),
            _ => None,
        }
    }

    /// Returns what the helper is told of it; `extra` is shown of this machine besides.
    pub(crate) fn to_wire(&self, extra: &[PathBuf]) -> RootFilesystem {
        match self.directory() {
            Some(path) => RootFilesystem::Directory(path.to_owned()),
            None => RootFilesystem::Host { extra: extra.to_vec() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself_is_an_image() {
        let images = Images::open(&EmbeddedConfig::default()).unwrap();
        let found = images.find(&"host".parse().unwrap()).unwrap();
        assert!(matches!(found, Some(Rootfs::Host)));
        assert!(images.find(&"alpine".parse().unwrap()).unwrap().is_none());
        // A registry's image of that name is another one.
        assert!(images.find(&"example.com/host".parse().unwrap()).unwrap().is_none());
    }

    #[test]
    fn a_directory_is_an_image_by_any_spelling_of_its_reference() {
        let directory = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig::default().with_image("alpine", directory.path());
        let found = Images::open(&config).unwrap();
        let found = found.find(&"docker.io/library/alpine:latest".parse().unwrap()).unwrap();
        assert!(matches!(found, Some(Rootfs::Directory(_))));
    }

    #[test]
    fn images_that_nobody_uses_go_when_the_driver_is_connected() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("store");
        let archive = directory.path().join("empty.tar");
        std::fs::write(&archive, [0; 1024]).unwrap();
        drop(Store::open(&store).unwrap().unpack(&archive).unwrap());
        let left = || std::fs::read_dir(store.join("images")).unwrap().count();
        let config = EmbeddedConfig::default().with_store(&store);
        Images::open(&config).unwrap();
        assert_eq!(left(), 1);
        Images::open(&config.with_image_retention(Duration::ZERO)).unwrap();
        assert_eq!(left(), 0);
    }

    #[test]
    fn an_image_that_is_not_there_is_told_at_once() {
        for (reference, path) in [("alpine", "/no/such/path"), ("Not A Reference", "/")] {
            let error = Images::open(&EmbeddedConfig::default().with_image(reference, path)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        }
    }
}
