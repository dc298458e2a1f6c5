//! What a user's code makes of its files to get at others, or to hold the service up.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use inline_sandbox::{EntryKind, ExportLimits, SandboxError};
use rustix::fs::{CWD, FileType, Mode, RenameFlags};

use super::{Place, path};

const SOON: Duration = Duration::from_secs(10);
const NO_LIMITS: ExportLimits = ExportLimits {
    files: u64::MAX,
    bytes: u64::MAX,
};

fn is_refused<T: std::fmt::Debug>(result: &Result<T, SandboxError>) {
    assert!(
        matches!(
            result,
            Err(SandboxError::InvalidPath { .. } | SandboxError::NotFound { .. })
        ),
        "{result:?}"
    );
}

/// Asks for everything that can be asked of a file, and expects to be refused.
async fn nothing_reads_or_writes(place: &Place, name: &str) {
    let name = path(name);
    is_refused(&place.read(&name, 0, 100).await);
    is_refused(&place.download(&name, 100).await);
    is_refused(&place.append(&name, "x").await);
}

#[tokio::test]
async fn no_link_leads_out() {
    let place = Place::new().await;
    let secret = place.outside.path().join("secret");
    symlink(&secret, place.inside.join("absolute")).unwrap();
    symlink("../../../../secret", place.inside.join("relative")).unwrap();
    symlink("relative", place.inside.join("chain")).unwrap();
    symlink("loop", place.inside.join("loop")).unwrap();
    symlink("/proc/self/root", place.inside.join("magic")).unwrap();
    symlink(place.outside.path(), place.inside.join("dir")).unwrap();
    symlink(place.outside.path().join("created"), place.inside.join("dangling")).unwrap();
    for name in [
        "absolute",
        "relative",
        "chain",
        "loop",
        "dir/secret",
        "magic/etc/passwd",
        "dangling",
    ] {
        nothing_reads_or_writes(&place, name).await;
    }
    for name in ["dir", "magic"] {
        is_refused(&place.list(&path(name), 0, 10).await);
        is_refused(&place.change_directory(&path("."), name).await);
        is_refused(&place.write(&path(&format!("{name}/created")), "x").await);
        is_refused(&place.make_directory(&path(&format!("{name}/created"))).await);
        is_refused(&place.remove(&path(&format!("{name}/secret")), true).await);
        is_refused(
            &place
                .rename(&path(&format!("{name}/secret")), &path("mine"), true)
                .await,
        );
        is_refused(&place.export(&path(name), NO_LIMITS, &mut Vec::new()).await);
    }
    assert_eq!(place.entry(&path("dir")).await.unwrap().kind, EntryKind::Symlink);
    assert_eq!(place.usage().await.unwrap().files, 7);
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert!(!place.outside.path().join("created").exists());
}

#[tokio::test]
async fn a_link_is_replaced_moved_and_removed_itself() {
    let place = Place::new().await;
    let secret = place.outside.path().join("secret");
    for name in ["written", "moved", "removed"] {
        symlink(&secret, place.inside.join(name)).unwrap();
    }
    symlink(place.outside.path(), place.inside.join("dir")).unwrap();
    place.write(&path("written"), "mine").await.unwrap();
    place.rename(&path("moved"), &path("elsewhere"), false).await.unwrap();
    place.remove(&path("removed"), false).await.unwrap();
    place.remove(&path("dir"), true).await.unwrap();
    assert_eq!(std::fs::read(place.inside.join("written")).unwrap(), b"mine");
    assert_eq!(std::fs::read_link(place.inside.join("elsewhere")).unwrap(), secret);
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
}

#[tokio::test]
async fn a_link_within_the_workspace_works() {
    let place = Place::new().await;
    place.make_directory(&path("a/b")).await.unwrap();
    place.write(&path("a/b/file"), "content").await.unwrap();
    symlink("a/b", place.inside.join("short")).unwrap();
    symlink("../../short/file", place.inside.join("a/b/again")).unwrap();
    assert_eq!(place.read(&path("a/b/again"), 0, 100).await.unwrap().bytes, b"content");
    place.append(&path("short/file"), "!").await.unwrap();
    assert_eq!(place.list(&path("short"), 0, 10).await.unwrap().total, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_swapped_in_between_check_and_use_leads_nowhere() {
    let place = Place::new().await;
    let (inside, outside) = (place.inside.clone(), place.outside.path().to_owned());
    std::fs::create_dir(inside.join("swapped")).unwrap();
    std::fs::write(inside.join("swapped/secret"), "mine").unwrap();
    symlink(&outside, inside.join("other")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::Relaxed) {
                let (one, two) = (inside.join("swapped"), inside.join("other"));
                rustix::fs::renameat_with(CWD, one, CWD, two, RenameFlags::EXCHANGE).unwrap();
            }
        }
    });
    let mut seen = 0;
    for round in 0..2_000 {
        if let Ok(chunk) = place.read(&path("swapped/secret"), 0, 100).await {
            assert_eq!(chunk.bytes, b"mine");
            seen += 1;
        }
        let _ = place.write(&path("swapped/new"), "x").await;
        let _ = place.make_directory(&path("swapped/dir")).await;
        let _ = place.remove(&path("swapped/new"), false).await;
        if round % 10 == 0 {
            place.usage().await.unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(
        seen > 0,
        "the race was never won by the service, so that nothing was tested"
    );
    let mut left: Vec<_> = std::fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["base", "secret"]);
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn nothing_waits_for_a_fifo_or_opens_a_socket() {
    let place = Place::new().await;
    rustix::fs::mkfifoat(CWD, place.inside.join("fifo"), Mode::RWXU).unwrap();
    let _listener = UnixListener::bind(place.inside.join("socket")).unwrap();
    let checked = async {
        for name in ["fifo", "socket"] {
            nothing_reads_or_writes(&place, name).await;
            assert_eq!(place.entry(&path(name)).await.unwrap().kind, EntryKind::Special);
        }
        place.snapshot().await.unwrap();
        assert_eq!(place.usage().await.unwrap().files, 2);
        let export = place.export(&path("."), NO_LIMITS, &mut Vec::new()).await.unwrap();
        assert_eq!((export.files, export.skipped.len()), (0, 2));
        place.write(&path("fifo"), "a file now").await.unwrap();
        place.remove(&path("socket"), false).await.unwrap();
    };
    tokio::time::timeout(SOON, checked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_swapped_in_between_check_and_use_holds_nothing_up() {
    let place = Place::new().await;
    let inside = place.inside.clone();
    std::fs::write(inside.join("file"), "content").unwrap();
    rustix::fs::mkfifoat(CWD, inside.join("fifo"), Mode::RWXU).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::Relaxed) {
                let (one, two) = (inside.join("file"), inside.join("fifo"));
                rustix::fs::renameat_with(CWD, one, CWD, two, RenameFlags::EXCHANGE).unwrap();
            }
        }
    });
    let asked = async {
        for _ in 0..3_000 {
            if let Ok(chunk) = place.read(&path("file"), 0, 100).await {
                assert!(chunk.bytes.starts_with(b"content"));
            }
            let _ = place.append(&path("file"), "!").await;
        }
    };
    let in_time = tokio::time::timeout(6 * SOON, asked).await;
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    in_time.unwrap();
}

#[tokio::test]
async fn a_device_is_not_opened() {
    let place = Place::new().await;
    for (name, device) in [("zero", rustix::fs::makedev(1, 5)), ("tty", rustix::fs::makedev(5, 0))] {
        let file = place.inside.join(name);
        let made = rustix::fs::mknodat(CWD, file, FileType::CharacterDevice, Mode::RWXU, device);
        if !rustix::process::geteuid().is_root() {
            // Where this is nobody's right, there is none to be opened.
            assert_eq!(made, Err(rustix::io::Errno::PERM));
            return;
        }
        made.unwrap();
        nothing_reads_or_writes(&place, name).await;
    }
    let export = place.export(&path("."), NO_LIMITS, &mut Vec::new()).await.unwrap();
    assert_eq!((export.files, export.skipped.len()), (0, 2));
    place.remove(&path("zero"), false).await.unwrap();
}

#[tokio::test]
async fn a_sparse_terabyte_costs_nothing() {
    let place = Place::new().await;
    let file = std::fs::File::create(place.inside.join("sparse")).unwrap();
    file.set_len(1 << 40).unwrap();
    let checked = async {
        let usage = place.usage().await.unwrap();
        assert!(usage.bytes < 1 << 20, "{usage:?}");
        assert_eq!(usage.apparent_bytes, 1 << 40);
        let chunk = place.read(&path("sparse"), 1 << 39, usize::MAX).await.unwrap();
        assert_eq!(
            (chunk.bytes.len(), chunk.size),
            (inline_sandbox::MAX_READ_BYTES, 1 << 40)
        );
        assert!(matches!(
            place.download(&path("sparse"), 1 << 30).await,
            Err(SandboxError::TooLarge { .. })
        ));
        let mut zip = Vec::new();
        let limits = ExportLimits {
            files: 100,
            bytes: 1 << 30,
        };
        assert!(matches!(
            place.export(&path("."), limits, &mut zip).await,
            Err(SandboxError::TooLarge { .. })
        ));
        assert!(zip.is_empty());
    };
    tokio::time::timeout(SOON, checked).await.unwrap();
}
