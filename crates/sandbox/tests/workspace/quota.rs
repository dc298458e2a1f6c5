//! What is counted, and what is not let in.

use inline_sandbox::{Quota, SandboxError, WorkspacePath};

use super::{PLENTY, Place, path};

const KIB: u64 = 1 << 10;

#[tokio::test]
async fn what_is_allocated_counts_once() {
    let place = Place::new().await;
    assert_eq!(place.usage().await.unwrap(), inline_sandbox::Usage::default());
    std::fs::create_dir(place.inside.join("dir")).unwrap();
    std::fs::write(place.inside.join("dir/file"), vec![1; 100 << 10]).unwrap();
    for name in ["one", "two", "three"] {
        std::fs::hard_link(place.inside.join("dir/file"), place.inside.join(name)).unwrap();
    }
    let usage = place.usage().await.unwrap();
    assert_eq!(usage.files, 5);
    assert!((100 * KIB..120 * KIB).contains(&usage.bytes), "{usage:?}");
    assert_eq!(usage.apparent_bytes, 400 * KIB);
}

#[tokio::test]
async fn a_link_to_a_file_outside_counts_and_is_not_confusing() {
    let place = Place::new().await;
    std::fs::hard_link(place.outside.path().join("secret"), place.inside.join("link")).unwrap();
    let usage = place.usage().await.unwrap();
    assert_eq!((usage.files, usage.apparent_bytes), (1, 6));
    place.write(&path("link"), "replaced").await.unwrap();
    assert_eq!(std::fs::read(place.outside.path().join("secret")).unwrap(), b"secret");
    place.remove(&path("link"), false).await.unwrap();
}

#[tokio::test]
async fn more_than_the_quota_is_told_by_bytes_and_by_files() {
    let place = Place::new().await;
    for number in 0..50 {
        std::fs::write(place.inside.join(number.to_string()), vec![1; 8 << 10]).unwrap();
    }
    let exceeds = async |bytes, files| place.exceeds(&Quota { bytes, files }).await.unwrap();
    assert_eq!(exceeds(1 << 20, 50).await, None);
    assert_eq!(exceeds(1 << 20, 49).await.unwrap().files, 50);
    let early = exceeds(40 * KIB, 50).await.unwrap();
    assert!(early.bytes > 40 * KIB && early.files < 20, "it counted on: {early:?}");
}

#[tokio::test]
async fn what_does_not_fit_leaves_all_as_it_was() {
    let place = Place::with_quota(Quota {
        bytes: 64 * KIB,
        files: 3,
    })
    .await;
    place.write(&path("a"), "old").await.unwrap();
    let large = vec![1_u8; 64 << 10];
    let full = |result: Result<(), SandboxError>, unit| {
        assert!(
            matches!(result, Err(SandboxError::QuotaExceeded { what, .. }) if what == unit),
            "{unit}"
        );
    };
    full(place.write(&path("a"), large.clone()).await, "bytes");
    full(place.append(&path("a"), large.clone()).await, "bytes");
    full(
        place
            .upload(&path("a"), &mut large.as_slice(), u64::MAX)
            .await
            .map(drop),
        "bytes",
    );
    full(place.make_directory(&path("b/c/d")).await, "files");
    place.make_directory(&path("b/c")).await.unwrap();
    full(place.write(&path("d"), "").await, "files");
    full(place.append(&path("d"), "").await, "files");
    full(
        place.upload(&path("d"), &mut b"".as_slice(), 1).await.map(drop),
        "files",
    );
    place.write(&path("a"), "new").await.unwrap();
    assert_eq!(std::fs::read(place.inside.join("a")).unwrap(), b"new");
    assert_eq!(place.usage().await.unwrap().files, 3);
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn ten_thousand_files_are_counted_well_within_a_second() {
    let place = Place::in_memory().await;
    for number in 0..10_000 {
        let directory = place.inside.join((number % 100).to_string());
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(number.to_string()), "x").unwrap();
    }
    let start = std::time::Instant::now();
    assert_eq!(place.usage().await.unwrap().files, 10_100);
    let took = start.elapsed();
    println!("10,000 files in {took:?}");
    // Many times what it takes, for a machine that is busy.
    assert!(took.as_millis() < 1_000, "{took:?}");
}

#[tokio::test]
async fn a_tree_too_deep_for_any_path_is_counted_and_looked_through() {
    let place = Place::new().await;
    super::removal::deep_tree(&place.inside, 3_000);
    assert_eq!(place.usage().await.unwrap().files, 6_000);
    place.snapshot().await.unwrap();
    assert!(place.exceeds(&PLENTY).await.unwrap().is_none());
    assert_eq!(place.list(&WorkspacePath::root(), 0, 10).await.unwrap().total, 2);
}
