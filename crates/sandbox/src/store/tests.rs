mod concurrency;
mod file;
mod runs;
mod sandboxes;

use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tempfile::TempDir;

use super::*;
use crate::{CpuUsage, Limits, Owner, PackageManager, Retention, RunUsage, Verdict};

const DAY: Duration = Duration::from_hours(24);

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn owner(name: &str) -> Owner {
    Owner::new("local", name).unwrap()
}

async fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("inline.db")).await.unwrap();
    (directory, store)
}

async fn reopen(store: Store) -> Store {
    let path = store.path().to_owned();
    drop(store);
    Store::open(path).await.unwrap()
}

fn new_run(id: &str, owner: &Owner, started: SystemTime) -> NewRun {
    NewRun {
        id: id.to_owned(),
        owner: owner.clone(),
        place: "terminal".to_owned(),
        language: "python".to_owned(),
        source_sha256: "ab".repeat(32),
        source: Some("print(1)\0\u{1f600}".to_owned()),
        limits: Limits::default(),
        instance: "test".to_owned(),
        container: Some(format!("inline-{id}")),
        started,
    }
}

fn outcome(ended: SystemTime) -> RunOutcome {
    RunOutcome {
        verdict: Verdict::NonZero(3),
        usage: RunUsage {
            wall: Duration::from_millis(1_500),
            cpu: Some(Duration::from_millis(700)),
            peak_memory: Some(1 << 40),
        },
        ended,
    }
}
