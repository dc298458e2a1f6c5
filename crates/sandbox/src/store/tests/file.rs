use super::*;

#[tokio::test]
async fn the_file_is_private_and_survives() {
    let (_directory, store) = store().await;
    store.create_sandbox(&owner("a"), at(5)).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", store.path().display());
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "{file}");
    }
    let store = reopen(store).await;
    assert_eq!(store.sandbox(&owner("a")).await.unwrap().created, at(5));
    store.close().await;
    assert!(matches!(
        store.sandbox(&owner("a")).await,
        Err(SandboxError::Store { .. })
    ));
}

#[tokio::test]
async fn a_file_with_an_open_mode_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inline.db");
    std::fs::write(&path, "").unwrap();
    set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let store = Store::open(&path).await.unwrap();
    assert_eq!(std::fs::metadata(store.path()).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_database_is_set_up_as_promised() {
    let (_directory, store) = store().await;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    let keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    let busy: i64 = sqlx::query_scalar("PRAGMA busy_timeout")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert_eq!((journal.as_str(), keys, busy), ("wal", 1, 5_000));
}

#[tokio::test]
async fn a_file_that_is_no_store_is_a_clear_error_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inline.db");
    let garbage = "not a database, but a text that is long enough to have a header".repeat(100);
    std::fs::write(&path, &garbage).unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, SandboxError::StoreUnusable { .. }), "{error:?}");
    assert!(error.to_string().contains("inline.db") && error.hint().is_some());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), garbage);
    let missing = Store::open(directory.path().join("no/such/directory")).await;
    assert!(matches!(missing, Err(SandboxError::Io { .. })));
}

#[tokio::test]
async fn a_damaged_file_is_a_clear_error() {
    let (_directory, store) = store().await;
    for number in 0..500 {
        store.create_sandbox(&owner(&number.to_string()), at(5)).await.unwrap();
    }
    let path = store.path().to_owned();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(
        Store::open(&path).await,
        Err(SandboxError::StoreUnusable { .. })
    ));
}

#[tokio::test]
async fn a_newer_version_is_a_clear_error() {
    let (_directory, store) = store().await;
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', datetime(), 1, x'00', 0)")
        .execute(&store.pool)
        .await
        .unwrap();
    let path = store.path().to_owned();
    store.close().await;
    match Store::open(path).await {
        Err(SandboxError::StoreUnusable { why, .. }) => assert_eq!(why, "it is of another version"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_opens_it_for_too_long_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inline.db");
    let held = lock::acquire(&path).await.unwrap();
    tokio::time::pause();
    assert!(matches!(
        Store::open(&path).await,
        Err(SandboxError::StoreUnusable { .. })
    ));
    tokio::time::resume();
    drop(held);
    Store::open(&path).await.unwrap();
}

#[tokio::test]
async fn an_empty_file_is_migrated_once_by_all_who_open_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inline.db");
    let opened = futures::future::join_all((0..4).map(|_| Store::open(path.clone()))).await;
    let stores: Vec<Store> = opened.into_iter().collect::<Result<_>>().unwrap();
    stores[0].create_sandbox(&owner("a"), at(1)).await.unwrap();
    assert_eq!(stores[3].sandbox(&owner("a")).await.unwrap().owner, owner("a"));
}
