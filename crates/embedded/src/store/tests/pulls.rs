//! Pulls from the registry of the tests.

use futures::StreamExt;
use inline_runtime::{PullEvent, PullOptions};

use super::*;

fn registries() -> Registries {
    Registries {
        insecure: Vec::new(),
        call_timeout: Duration::from_secs(30),
        timeout: Duration::from_mins(2),
    }
}

fn image(name: &str) -> ImageReference {
    let registry = std::env::var("INLINE_TEST_REGISTRY").unwrap();
    format!("{registry}/{name}").parse().unwrap()
}

async fn pull(store: &Store, image: &ImageReference) -> Result<(ImageId, u64)> {
    let mut events = store.pull(image, &PullOptions::default(), &registries());
    let (mut done, mut come) = (None, 0);
    while let Some(event) = events.next().await {
        assert!(done.is_none(), "an event came after the end");
        match event? {
            PullEvent::Done(id) => done = Some(id),
            PullEvent::Progress { current, total, .. } => {
                assert!(Some(current) <= total);
                come = current;
            }
            _ => {}
        }
    }
    Ok((done.unwrap(), come))
}

#[tokio::test]
#[ignore = "needs INLINE_TEST_REGISTRY"]
async fn an_image_comes_whole_and_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let python = image("python:3.11-slim");
    let (id, come) = pull(&store, &python).await.unwrap();
    assert!(come > 1 << 20);
    let stored = store.image(&python).unwrap().unwrap();
    assert_eq!(stored.id(), &id);
    assert!(stored.root().join("usr/bin/python3").exists());
    assert!(stored.config().env.iter().any(|variable| variable.starts_with("PATH=")));
    assert_eq!(stored.config().cmd, ["python3"]);
    let (again, come) = pull(&store, &python).await.unwrap();
    assert_eq!((again, come), (id, 0));
    drop(stored);
    assert_eq!(store.collect(Duration::ZERO).unwrap(), 1);
    assert!(store.image(&python).unwrap().is_none());
    assert_eq!(names(&store.part("references")), 0);
}

#[tokio::test]
#[ignore = "needs INLINE_TEST_REGISTRY"]
async fn what_is_broken_or_missing_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for (name, kind) in [
        ("alpine:no-such-tag", ErrorKind::ImageNotFound),
        ("no-such-repository:latest", ErrorKind::ImageNotFound),
        ("inline-broken:missing-blob", ErrorKind::Unexpected),
        ("inline-broken:corrupt", ErrorKind::Unexpected),
    ] {
        let error = pull(&store, &image(name)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        assert!(store.image(&image(name)).unwrap().is_none());
    }
    let nowhere = "127.0.0.1:1/alpine:latest".parse().unwrap();
    let error = pull(&store, &nowhere).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_transient()),
        (ErrorKind::Unavailable, true),
        "{error:?}"
    );
    for part in ["images", "references", "work"] {
        assert_eq!(names(&store.part(part)), 0, "{part}");
    }
}

#[tokio::test]
#[ignore = "needs INLINE_TEST_REGISTRY"]
async fn a_pull_that_nobody_waits_for_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let python = image("python:3.11-slim");
    let mut events = store.pull(&python, &PullOptions::default(), &registries());
    loop {
        match events.next().await {
            Some(Ok(PullEvent::Progress { .. })) => break,
            Some(Ok(PullEvent::Status(_))) => {}
            other => panic!("{other:?}"),
        }
    }
    drop(events);
    tokio::time::timeout(Duration::from_secs(10), async {
        while names(&store.part("work")) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(names(&store.part("images")), 0);
}
