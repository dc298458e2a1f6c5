//! Removing trees that were made to be hard to remove, and being killed meanwhile.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use inline_sandbox::{HostUser, SandboxError, WorkspacePath, Workspaces};
use rustix::fs::{Mode, OFlags};

use super::{PLENTY, Place, path};

/// Where the process that is to be killed works.
const VICTIM_BASE: &str = "INLINE_TEST_VICTIM_BASE";

/// Makes `depth` directories in one another, each with another beside it: too deep for any path.
pub(super) fn deep_tree(root: &Path, depth: usize) {
    let mut directory = File::open(root).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&directory, "a", Mode::RWXU).unwrap();
        rustix::fs::mkdirat(&directory, "b", Mode::RWXU).unwrap();
        directory = rustix::fs::openat(&directory, "b", OFlags::DIRECTORY, Mode::empty())
            .unwrap()
            .into();
    }
}

#[tokio::test]
async fn a_directory_goes_only_when_that_is_asked_for() {
    let place = Place::new().await;
    place.make_directory(&path("a/b")).await.unwrap();
    place.write(&path("a/b/file"), "x").await.unwrap();
    assert!(matches!(
        place.remove(&path("a"), false).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.remove(&path("."), true).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.remove(&path("c"), true).await,
        Err(SandboxError::NotFound { .. })
    ));
    place.remove(&path("a"), true).await.unwrap();
    assert_eq!(place.list(&WorkspacePath::root(), 0, 10).await.unwrap().total, 0);
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn ten_thousand_levels_are_removed() {
    let place = Place::in_memory().await;
    std::fs::create_dir(place.inside.join("deep")).unwrap();
    deep_tree(&place.inside.join("deep"), 10_000);
    place.remove(&path("deep"), true).await.unwrap();
    assert_eq!(place.usage().await.unwrap().files, 0);
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn a_hundred_thousand_files_are_removed() {
    let place = Place::in_memory().await;
    for directory in 0..100 {
        let directory = place.inside.join(format!("many/{directory}"));
        std::fs::create_dir_all(&directory).unwrap();
        for file in 0..1_000 {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                directory.join(file.to_string()),
                rustix::fs::FileType::RegularFile,
                Mode::RUSR,
                0,
            )
            .unwrap();
        }
    }
    assert!(place.workspaces.delete(&place.owner).await.unwrap());
    assert!(!place.workspaces.delete(&place.owner).await.unwrap());
    assert!(place.workspaces.owners().await.unwrap().is_empty());
    assert_eq!(place.trash(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_goes_on_making_files_does_not_stop_the_removal() {
    let place = Place::new().await;
    std::fs::create_dir(place.inside.join("busy")).unwrap();
    let directory = File::open(place.inside.join("busy")).unwrap();
    let maker = std::thread::spawn(move || {
        let mut made = 0;
        // Until the directory is gone from under it.
        while rustix::fs::mkdirat(&directory, made.to_string(), Mode::RWXU).is_ok() {
            made += 1;
        }
    });
    // It may be stopped by the bound, then what is left is the sweep's.
    let removed = place.remove(&path("busy"), true).await;
    assert!(!place.inside.join("busy").exists());
    if removed.is_err() {
        place.workspaces.purge_trash().await.unwrap();
    }
    maker.join().unwrap();
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn the_sweep_takes_what_the_dead_left_and_nothing_of_the_living() {
    let place = Place::new().await;
    let trash = place.outside.path().join("base/trash");
    std::fs::create_dir_all(trash.join("1-2-3-4/a/b")).unwrap();
    std::fs::write(trash.join("1-2-3-5"), "half").unwrap();
    std::os::unix::fs::symlink(place.outside.path(), trash.join("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, trash.join("fifo"), Mode::RWXU).unwrap();

    let (mut slow, reader) = tokio::io::duplex(64);
    let uploading = tokio::spawn({
        let workspace = place.workspace.clone();
        async move {
            let mut reader = reader;
            workspace.upload(&path("slow"), &mut reader, 100).await
        }
    });
    tokio::io::AsyncWriteExt::write_all(&mut slow, b"first").await.unwrap();
    while place.trash() < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(place.workspaces.purge_trash().await.unwrap(), 4);
    assert_eq!(place.trash(), 1);
    drop(slow);
    assert_eq!(uploading.await.unwrap().unwrap(), 5);
    assert_eq!(
        (place.trash(), std::fs::read(place.inside.join("slow")).unwrap()),
        (0, b"first".to_vec())
    );
    assert_eq!(std::fs::read(place.outside.path().join("secret")).unwrap(), b"secret");
}

/// Not a test by itself: the process that `a_killed_process_leaves_whole_files` kills.
#[tokio::test]
#[ignore = "is started, and killed, by another test"]
async fn victim() {
    let base = std::env::var_os(VICTIM_BASE).unwrap();
    let workspaces = Workspaces::open(base, HostUser::current()).await.unwrap();
    let workspace = workspaces
        .workspace(&"local:alice".parse().unwrap(), PLENTY)
        .await
        .unwrap();
    let doomed = "local:doomed".parse().unwrap();
    for round in 0_u8.. {
        workspace.write(&path("file"), vec![round; 300_000]).await.unwrap();
        let other = workspaces.workspace(&doomed, PLENTY).await.unwrap();
        other.make_directory(&path("a/b/c/d")).await.unwrap();
        other.write(&path("a/b/c/d/e"), "x").await.unwrap();
        workspaces.delete(&doomed).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_files() {
    let place = Place::new().await;
    let base = place.outside.path().join("base");
    let mut left = 0;
    for round in 0..25_u64 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "removal::victim", "--ignored", "--test-threads=1"])
            .env(VICTIM_BASE, &base)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(40 + round * 3)).await;
        victim.kill().unwrap();
        assert_eq!(victim.wait().unwrap().signal(), Some(9), "the victim ended by itself");
        if let Ok(content) = std::fs::read(place.inside.join("file")) {
            assert_eq!(content.len(), 300_000);
            assert!(content.iter().all(|byte| *byte == content[0]), "a file of two halves");
        }
        left += place.trash();
        place.workspaces.purge_trash().await.unwrap();
        assert_eq!(place.trash(), 0);
    }
    assert!(
        place.inside.join("file").exists(),
        "no victim lived long enough to write"
    );
    println!("left in the trash by 25 killed processes: {left}");
}
