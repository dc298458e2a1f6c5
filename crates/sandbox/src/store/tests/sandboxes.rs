use super::*;

#[tokio::test]
async fn a_sandbox_is_made_found_changed_and_deleted() {
    let (_directory, store) = store().await;
    let alice = owner("alice");
    assert!(matches!(
        store.sandbox(&alice).await,
        Err(SandboxError::NotFound { what: "sandbox", .. })
    ));
    let made = store.create_sandbox(&alice, at(10)).await.unwrap();
    assert_eq!(
        (made.created, made.last_used, made.current_dir.as_str(), made.retention),
        (at(10), at(10), "", None)
    );
    assert!(matches!(
        store.create_sandbox(&alice, at(11)).await,
        Err(SandboxError::AlreadyExists { .. })
    ));
    assert_eq!(store.ensure_sandbox(&alice, at(12)).await.unwrap(), made);

    let settings = SandboxSettings {
        echo_last_expression: Some(true),
        images: [("python".to_owned(), "python:3.13".parse().unwrap())].into(),
    };
    store.set_settings(&alice, &settings).await.unwrap();
    store.set_current_dir(&alice, "a/'b").await.unwrap();
    store.set_retention(&alice, Some(Retention::Never)).await.unwrap();
    store.touch_sandbox(&alice, at(20)).await.unwrap();
    store.touch_sandbox(&alice, at(15)).await.unwrap();
    let store = reopen(store).await;
    let found = store.sandbox(&alice).await.unwrap();
    assert_eq!((found.last_used, found.current_dir.as_str()), (at(20), "a/'b"));
    assert_eq!((found.retention, found.settings), (Some(Retention::Never), settings));
    store.set_retention(&alice, Some(Retention::After(DAY))).await.unwrap();
    assert_eq!(
        store.sandbox(&alice).await.unwrap().retention,
        Some(Retention::After(DAY))
    );

    assert!(store.delete_sandbox(&alice).await.unwrap());
    assert!(!store.delete_sandbox(&alice).await.unwrap());
    assert!(matches!(
        store.touch_sandbox(&alice, at(1)).await,
        Err(SandboxError::NotFound { .. })
    ));
    assert!(matches!(
        store.set_current_dir(&alice, "").await,
        Err(SandboxError::NotFound { .. })
    ));
}

#[tokio::test]
async fn sandboxes_come_in_pages() {
    let (_directory, store) = store().await;
    for name in ["c", "a", "d", "b"] {
        store.create_sandbox(&owner(name), at(1)).await.unwrap();
    }
    let first = store.sandboxes(None, 3).await.unwrap();
    let names: Vec<_> = first.iter().map(|record| record.owner.name()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let rest = store.sandboxes(Some(&first[2].owner), 3).await.unwrap();
    assert_eq!(rest.iter().map(|record| record.owner.name()).collect::<Vec<_>>(), ["d"]);
}

#[tokio::test]
async fn what_is_unused_expires_but_not_what_never_does_or_is_busy() {
    let (_directory, store) = store().await;
    for name in ["default", "never", "short", "long", "busy", "used"] {
        store.create_sandbox(&owner(name), at(0)).await.unwrap();
    }
    store
        .set_retention(&owner("never"), Some(Retention::Never))
        .await
        .unwrap();
    store
        .set_retention(&owner("short"), Some(Retention::After(DAY / 2)))
        .await
        .unwrap();
    store
        .set_retention(&owner("long"), Some(Retention::After(30 * DAY)))
        .await
        .unwrap();
    store.touch_sandbox(&owner("used"), at(60)).await.unwrap();
    store.begin_run(&new_run("r", &owner("busy"), at(0))).await.unwrap();
    let expired = |now: SystemTime, default| {
        let store = store.clone();
        async move {
            let expired = store.expired_sandboxes(now, default, 10).await.unwrap();
            expired.iter().map(|owner| owner.name().to_owned()).collect::<Vec<_>>()
        }
    };
    let day = Retention::After(DAY);
    assert_eq!(expired(at(43_199), day).await, Vec::<String>::new());
    assert_eq!(expired(at(43_200), day).await, ["short"]);
    assert_eq!(expired(at(86_400), day).await, ["default", "short"]);
    assert_eq!(expired(at(86_460), day).await, ["default", "short", "used"]);
    assert_eq!(expired(at(86_460), Retention::Never).await, ["short"]);
    store.finish("r").await.unwrap();
    assert_eq!(expired(at(86_400), day).await, ["busy", "default", "short"]);
    assert_eq!(store.expired_sandboxes(at(86_400), day, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_not_guessed() {
    let (_directory, store) = store().await;
    store.create_sandbox(&owner("a"), at(0)).await.unwrap();
    for (change, what) in [
        ("UPDATE sandboxes SET settings = '{\"later\": 1}'", "sandbox's settings"),
        ("UPDATE sandboxes SET settings = '{}', owner = 'nobody'", "owner"),
    ] {
        sqlx::query(change).execute(&store.pool).await.unwrap();
        match store.sandboxes(None, 10).await {
            Err(SandboxError::StoreValue { what: named, .. }) => assert_eq!(named, what),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn packages_are_what_was_last_installed() {
    let (_directory, store) = store().await;
    let alice = owner("alice");
    let list = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names
            .iter()
            .map(|&(name, version)| (name.to_owned(), version.to_owned()))
            .collect()
    };
    let no_sandbox = store
        .set_packages(&alice, PackageManager::Pip, &list(&[("a", "1")]), at(1))
        .await;
    assert!(matches!(no_sandbox, Err(SandboxError::Store { .. })));
    store.create_sandbox(&alice, at(0)).await.unwrap();
    store
        .set_packages(&alice, PackageManager::Npm, &list(&[("@s/x", "1.0.0")]), at(1))
        .await
        .unwrap();
    store
        .set_packages(
            &alice,
            PackageManager::Pip,
            &list(&[("a", "1"), ("b", "1"), ("c", "1")]),
            at(2),
        )
        .await
        .unwrap();
    store
        .set_packages(&alice, PackageManager::Pip, &list(&[("a", "1"), ("b", "2")]), at(3))
        .await
        .unwrap();
    let store = reopen(store).await;
    let found: Vec<_> = store
        .packages(&alice)
        .await
        .unwrap()
        .into_iter()
        .map(|package| (package.manager, package.name, package.version, package.installed))
        .collect();
    assert_eq!(
        found,
        [
            (PackageManager::Npm, "@s/x".to_owned(), "1.0.0".to_owned(), at(1)),
            (PackageManager::Pip, "a".to_owned(), "1".to_owned(), at(2)),
            (PackageManager::Pip, "b".to_owned(), "2".to_owned(), at(3)),
        ]
    );
    store.delete_sandbox(&alice).await.unwrap();
    assert_eq!(store.packages(&alice).await.unwrap(), []);
}
