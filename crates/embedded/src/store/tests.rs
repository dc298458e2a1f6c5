//! Images come into the store whole, once, and go when nobody uses them.

mod archives;
mod hostile;
#[cfg(feature = "oci-pull")]
mod pulls;
#[cfg(feature = "oci-pull")]
mod registries;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use tempfile::TempDir;

use super::*;
use hostile::Hostile;

/// A store and an archive to put into it.
fn store() -> (TempDir, Store, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("image.tar");
    fs::write(&archive, Hostile::default().file("bin/tool", "tool").end()).unwrap();
    let store = Store::open(&directory.path().join("store")).unwrap();
    (directory, store, archive)
}

fn names(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn archives_are_unpacked_once() {
    let (directory, store, archive) = store();
    let first = store.unpack(&archive).unwrap();
    assert_eq!(fs::read_to_string(first.root().join("bin/tool")).unwrap(), "tool");
    assert!(first.id().as_str().starts_with("sha256:"));
    assert!(first.size() > 4);
    let made = fs::metadata(first.root().join("bin")).unwrap().ino();
    let other = Store::open(&directory.path().join("store")).unwrap();
    let second = other.unpack(&archive).unwrap();
    assert_eq!(fs::metadata(second.root().join("bin")).unwrap().ino(), made);
    assert_eq!(names(&store.part("work")), 0);
    let nowhere = store.unpack(&directory.path().join("none.tar")).unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::ImageNotFound);
    fs::write(&archive, "no archive, but long enough to be looked at").unwrap();
    let refused = store.unpack(&archive).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidSpec, "{refused:?}");
    assert_eq!(names(&store.part("work")), 0);
}

#[test]
fn many_may_unpack_the_same_at_once() {
    let (_directory, store, archive) = store();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (store, archive) = (store.clone(), archive.clone());
            std::thread::spawn(move || {
                store
                    .unpack(&archive)
                    .map(|image| image.root().join("bin/tool").exists())
            })
        })
        .collect();
    for thread in threads {
        match thread.join().unwrap() {
            Ok(is_there) => assert!(is_there),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
    assert_eq!(names(&store.part("images")), 1);
    assert_eq!(names(&store.part("work")), 0);
}

#[test]
fn what_is_unused_goes_and_what_is_used_stays() {
    let (_directory, store, archive) = store();
    let image = store.unpack(&archive).unwrap();
    let half_made = store.part("work").join("left");
    fs::create_dir(&half_made).unwrap();
    symlink("/", half_made.join("trap")).unwrap();
    assert_eq!(store.collect(Duration::ZERO).unwrap(), 0);
    assert!(image.root().exists());
    assert!(!half_made.exists());
    drop(image);
    assert_eq!(store.collect(Duration::from_hours(1)).unwrap(), 0);
    assert_eq!(store.collect(Duration::ZERO).unwrap(), 1);
    assert_eq!(names(&store.part("images")), 0);
    assert_eq!(names(&store.part("work")), 0);
    assert!(store.unpack(&archive).is_ok());
}
