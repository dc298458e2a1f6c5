//! The zip file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use inline_sandbox::{EntryKind, ExportLimits, SandboxError, SkipReason, WorkspacePath};
use tokio::io::AsyncReadExt;
use zip::ZipArchive;

use super::{Place, path};

const NO_LIMITS: ExportLimits = ExportLimits {
    files: u64::MAX,
    bytes: u64::MAX,
};

/// Unpacks into names with their content; directories end in a slash.
fn unpack(zip: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        assert!(file.enclosed_name().is_some(), "{:?}", file.name());
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(file.name().unwrap().into_owned(), content);
    }
    files
}

#[tokio::test]
async fn what_is_exported_is_unpacked() {
    let place = Place::new().await;
    place.make_directory(&path("data/empty")).await.unwrap();
    let content: Vec<u8> = (0..500_000_u32)
        .map(|number| (number.wrapping_mul(number) % 251) as u8)
        .collect();
    place.write(&path("data/large"), content.clone()).await.unwrap();
    place.write(&path("data/run.sh"), "#!/bin/sh").await.unwrap();
    std::fs::set_permissions(
        place.inside.join("data/run.sh"),
        std::fs::Permissions::from_mode(0o4755),
    )
    .unwrap();
    let mut zip = Vec::new();
    let export = place.export(&path("data"), NO_LIMITS, &mut zip).await.unwrap();
    assert_eq!((export.files, export.bytes, export.skipped.len()), (3, 500_009, 0));
    let mode = ZipArchive::new(Cursor::new(&zip))
        .unwrap()
        .by_name("run.sh")
        .unwrap()
        .unix_mode();
    assert_eq!(mode.map(|mode| mode & 0o7777), Some(0o755));
    let expected = [
        ("empty/", Vec::new()),
        ("large", content),
        ("run.sh", b"#!/bin/sh".to_vec()),
    ];
    assert_eq!(
        unpack(zip),
        expected.map(|(name, content)| (name.to_owned(), content)).into()
    );
}

#[tokio::test]
async fn what_is_no_file_or_has_no_good_name_is_told() {
    let place = Place::new().await;
    symlink("/etc/passwd", place.inside.join("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.inside.join("fifo"), rustix::fs::Mode::RWXU).unwrap();
    for name in [b"..\\..\\evil".as_slice(), b"\xff", b"%ff", b"new\nline"] {
        std::fs::write(place.inside.join(OsStr::from_bytes(name)), "x").unwrap();
    }
    super::removal::deep_tree(&place.inside, 2_500);
    let mut zip = Vec::new();
    let export = place.export(&WorkspacePath::root(), NO_LIMITS, &mut zip).await.unwrap();
    let why = |name: &str| {
        export
            .skipped
            .iter()
            .find(|(skipped, _)| skipped == name)
            .map(|(_, why)| *why)
    };
    assert_eq!(why("link"), Some(SkipReason::Kind(EntryKind::Symlink)));
    assert_eq!(why("fifo"), Some(SkipReason::Kind(EntryKind::Special)));
    assert!(
        export
            .skipped
            .iter()
            .any(|(name, why)| name.starts_with("b/b/b") && *why == SkipReason::Name)
    );
    let unpacked = unpack(zip);
    let one_of_the_two = [r"\xff", "%ff"]
        .into_iter()
        .filter(|name| why(name) == Some(SkipReason::Name))
        .count();
    assert_eq!(one_of_the_two, 1);
    assert!(
        ["..%5c..%5cevil", "%ff", "new%0aline"]
            .iter()
            .all(|name| unpacked[*name] == b"x")
    );
}

#[tokio::test]
async fn too_much_is_refused_before_anything_is_written() {
    let place = Place::new().await;
    for number in 0..10 {
        place.write(&path(&number.to_string()), "12345").await.unwrap();
    }
    let mut zip = Vec::new();
    let too_large = place
        .export(&path("."), ExportLimits { files: 10, bytes: 49 }, &mut zip)
        .await;
    assert!(matches!(too_large, Err(SandboxError::TooLarge { max: 49, .. })));
    let too_many = place
        .export(&path("."), ExportLimits { files: 9, bytes: 50 }, &mut zip)
        .await;
    assert!(matches!(
        too_many,
        Err(SandboxError::QuotaExceeded {
            what: "files",
            limit: 9,
            ..
        })
    ));
    assert!(zip.is_empty());
    place
        .export(&path("."), ExportLimits { files: 10, bytes: 50 }, &mut zip)
        .await
        .unwrap();
    assert_eq!(unpack(zip).len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_slow_gets_it_all_and_one_that_goes_ends_it() {
    let place = Place::new().await;
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let content: Vec<u8> = noise.take(2 << 20).collect();
    place.write(&path("noise"), content.clone()).await.unwrap();

    let (mut writer, mut reader) = tokio::io::duplex(1 << 10);
    let exporting = tokio::spawn({
        let workspace = place.workspace.clone();
        async move { workspace.export(&path("."), NO_LIMITS, &mut writer).await }
    });
    let mut zip = Vec::new();
    tokio::time::sleep(Duration::from_millis(100)).await;
    reader.read_to_end(&mut zip).await.unwrap();
    exporting.await.unwrap().unwrap();
    assert_eq!(unpack(zip)["noise"], content);

    let (mut writer, reader) = tokio::io::duplex(1 << 10);
    drop(reader);
    let root = WorkspacePath::root();
    let ended = tokio::time::timeout(Duration::from_secs(10), place.export(&root, NO_LIMITS, &mut writer)).await;
    assert!(matches!(ended.unwrap(), Err(SandboxError::Io { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_meanwhile_does_not_break_it() {
    let place = Place::new().await;
    place.write(&path("log"), vec![1; 1 << 20]).await.unwrap();
    let file = place.inside.join("log");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let stop = std::sync::Arc::clone(&stop);
        move || {
            let mut file = std::fs::File::options().append(true).open(file).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::io::Write::write_all(&mut file, &[2; 4_096]).unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    });
    let mut zip = Vec::new();
    let export = place.export(&path("."), NO_LIMITS, &mut zip).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    let export = export.unwrap();
    assert_eq!(unpack(zip)["log"].len() as u64, export.bytes);
}
