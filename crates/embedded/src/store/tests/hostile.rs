//! What the tests unpack, and where.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use tar::{EntryType, Header};
use tempfile::TempDir;

use crate::store::archive::{self, Budget, Whiteouts};
use crate::store::tree::Tree;

/// Writes archives as nobody should.
#[derive(Default)]
pub(super) struct Hostile(Vec<u8>);

impl Hostile {
    pub(super) fn entry(mut self, kind: EntryType, path: &str, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o6755);
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(super) fn file(self, path: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, path, "", content.as_bytes())
    }

    pub(super) fn directory(self, path: &str) -> Self {
        self.entry(EntryType::Directory, path, "", b"")
    }

    pub(super) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, target, b"")
    }

    pub(super) fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Link, path, target, b"")
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// A tree with a neighbour that must stay as it is.
pub(super) struct Scene {
    pub(super) directory: TempDir,
}

impl Scene {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("root")).unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        fs::write(directory.path().join("outside/file"), "untouched").unwrap();
        Self { directory }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(super) fn unpack(&self, layers: &[Vec<u8>]) -> io::Result<()> {
        let mut tree = Tree::open(&self.root())?;
        let mut budget = Budget::default();
        layers
            .iter()
            .try_for_each(|layer| archive::unpack(&mut tree, &layer[..], Whiteouts::Obey, &mut budget))
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.root().join(path).symlink_metadata().is_ok()
    }

    pub(super) fn ensure_untouched(&self) {
        let outside = self.directory.path().join("outside");
        assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(fs::read_dir(self.directory.path()).unwrap().count(), 2);
        assert_eq!(fs::metadata(outside.join("file")).unwrap().nlink(), 1);
    }
}
