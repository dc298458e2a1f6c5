use super::*;
use crate::{SandboxError, Verdict};

#[tokio::test(start_paused = true)]
async fn deleting_a_sandbox_ends_what_runs_in_it_and_forgets_its_files() {
    let bench = Bench::new().await;
    bench.run("local:alice", "print one").await;
    let mut run = bench.start("local:alice", "sleep 60000");
    while !matches!(run.next().await, Some(Progress::Started { .. })) {}
    let files = bench.service.files(&alice()).await.unwrap();
    files.write("kept.txt", "x").await.unwrap();
    assert!(bench.service.delete_sandbox(&alice()).await.unwrap());
    assert_eq!(run.outcome().await.unwrap().verdict, Verdict::Cancelled);
    assert!(matches!(
        bench.service.files(&alice()).await,
        Err(SandboxError::NotFound { .. })
    ));
    assert_eq!(bench.service.inner.workspaces.owners().await.unwrap(), []);
    assert_eq!(bench.service.store().in_flight().await.unwrap(), []);
    assert!(!bench.service.delete_sandbox(&alice()).await.unwrap());
    assert_eq!(bench.service.inner.containers.count(), 0);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_is_made_once_listed_and_set() {
    let bench = Bench::with(fake(), |config| {
        config.allowed_images = vec!["python:3.13".parse().unwrap()];
    })
    .await;
    bench.service.create_sandbox(&alice()).await.unwrap();
    assert!(matches!(
        bench.service.create_sandbox(&alice()).await,
        Err(SandboxError::AlreadyExists { .. })
    ));
    let mut settings = bench.service.sandbox(&alice()).await.unwrap().settings;
    settings.images.insert("python".to_owned(), "python:2".parse().unwrap());
    assert!(matches!(
        bench.service.set_settings(&alice(), &settings).await,
        Err(SandboxError::ImageNotAllowed { .. })
    ));
    settings
        .images
        .insert("python".to_owned(), "python:3.13".parse().unwrap());
    bench.service.set_settings(&alice(), &settings).await.unwrap();
    let listed = bench.service.sandboxes(None, 10).await.unwrap();
    assert_eq!((listed.len(), &listed[0].settings), (1, &settings));
    let error = bench.start("local:alice", "print one").outcome().await.unwrap_err();
    assert!(
        matches!(error, SandboxError::Runtime(_)),
        "the fake has no such image: {error}"
    );
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_current_directory_is_kept() {
    let bench = Bench::new().await;
    bench.service.create_sandbox(&alice()).await.unwrap();
    let mut files = bench.service.files(&alice()).await.unwrap();
    files.make_directory("a/b").await.unwrap();
    files.change_directory("a").await.unwrap();
    files.write("b/c.txt", "x").await.unwrap();
    let again = bench.service.files(&alice()).await.unwrap();
    assert_eq!(again.directory().to_string(), "a");
    assert_eq!(
        again.list("b", 0, 10).await.unwrap().entries[0].path.to_string(),
        "a/b/c.txt"
    );
    files.change_directory("/workspace").await.unwrap();
    assert!(bench.service.files(&alice()).await.unwrap().directory().is_root());
    bench.close().await;
}
