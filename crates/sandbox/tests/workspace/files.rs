//! What a user does with files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use inline_sandbox::{EntryKind, HostUser, SandboxError, WorkspacePath, Workspaces};

use super::{PLENTY, Place, path};

#[tokio::test]
async fn what_is_written_is_read_back_in_parts() {
    let place = Place::new().await;
    place.write(&path("a.txt"), "hello").await.unwrap();
    place.append(&path("a.txt"), " world").await.unwrap();
    place.append(&path("new.txt"), "begun").await.unwrap();

    let chunk = place.read(&path("a.txt"), 0, 5).await.unwrap();
    assert_eq!(
        (chunk.to_text().as_ref(), chunk.size, chunk.is_last()),
        ("hello", 11, false)
    );
    let chunk = place.read(&path("/workspace/a.txt"), 6, 100).await.unwrap();
    assert_eq!(
        (chunk.to_text().as_ref(), chunk.offset, chunk.is_last()),
        ("world", 6, true)
    );
    assert!(
        place
            .read(&path("a.txt"), u64::MAX, 100)
            .await
            .unwrap()
            .bytes
            .is_empty()
    );
    assert_eq!(place.read(&path("new.txt"), 0, 100).await.unwrap().bytes, b"begun");
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn text_is_told_from_bytes_even_where_a_character_is_cut() {
    let place = Place::new().await;
    place.write(&path("text"), "zwölf Öfen").await.unwrap();
    place.write(&path("bytes"), vec![0_u8, 159, 146, 150]).await.unwrap();
    assert!(place.read(&path("text"), 0, 3).await.unwrap().is_text());
    assert!(place.read(&path("text"), 3, 100).await.unwrap().is_text());
    assert!(!place.read(&path("bytes"), 0, 100).await.unwrap().is_text());
}

#[tokio::test]
async fn a_replaced_script_stays_executable_and_a_new_file_is_for_all_to_read() {
    let place = Place::new().await;
    place.write(&path("run.sh"), "one").await.unwrap();
    let script = place.inside.join("run.sh");
    assert_eq!(script.metadata().unwrap().mode() & 0o7777, 0o644);
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o6755)).unwrap();
    place.write(&path("run.sh"), "two").await.unwrap();
    assert_eq!(script.metadata().unwrap().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn directories_are_made_with_those_on_the_way() {
    let place = Place::new().await;
    place.make_directory(&path("a/b/c")).await.unwrap();
    place.make_directory(&path("a/b/c")).await.unwrap();
    place.make_directory(&path(".")).await.unwrap();
    place.write(&path("a/file"), "").await.unwrap();
    assert!(matches!(
        place.make_directory(&path("a/file/d")).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.make_directory(&path("a/file")).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.write(&path("no/file"), "").await,
        Err(SandboxError::NotFound { .. })
    ));
    assert!(matches!(
        place.write(&path("a/b"), "").await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.write(&path("."), "").await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn a_typed_directory_is_changed_to_only_if_it_is_one() {
    let place = Place::new().await;
    place.make_directory(&path("a/b")).await.unwrap();
    place.write(&path("a/file"), "").await.unwrap();
    assert_eq!(place.change_directory(&path("a"), "b/../b").await.unwrap(), path("a/b"));
    assert_eq!(
        place.change_directory(&path("a/b"), "/workspace").await.unwrap(),
        WorkspacePath::root()
    );
    assert!(matches!(
        place.change_directory(&path("a"), "file").await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.change_directory(&path("a"), "c").await,
        Err(SandboxError::NotFound { .. })
    ));
    assert!(matches!(
        place.change_directory(&path("a"), "../..").await,
        Err(SandboxError::InvalidPath { .. })
    ));
}

#[tokio::test]
async fn names_are_changed_without_loss() {
    let place = Place::new().await;
    place.make_directory(&path("a/b")).await.unwrap();
    place.write(&path("one"), "1").await.unwrap();
    place.write(&path("two"), "2").await.unwrap();
    assert!(matches!(
        place.rename(&path("one"), &path("two"), false).await,
        Err(SandboxError::AlreadyExists { .. })
    ));
    assert_eq!(place.read(&path("two"), 0, 9).await.unwrap().bytes, b"2");
    place.rename(&path("one"), &path("two"), true).await.unwrap();
    assert_eq!(place.read(&path("two"), 0, 9).await.unwrap().bytes, b"1");
    place.rename(&path("two"), &path("a/b/three"), false).await.unwrap();
    place.rename(&path("a/b"), &path("c"), false).await.unwrap();
    assert_eq!(place.read(&path("c/three"), 0, 9).await.unwrap().bytes, b"1");
    assert!(matches!(
        place.rename(&path("c"), &path("c/d"), true).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.rename(&path("c"), &path("."), true).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert!(matches!(
        place.rename(&path("gone"), &path("d"), true).await,
        Err(SandboxError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_listing_is_sorted_and_comes_in_pages() {
    let place = Place::new().await;
    for number in 0..25 {
        std::fs::write(place.inside.join(format!("{:02}", 24 - number)), vec![0; number]).unwrap();
    }
    std::fs::create_dir(place.inside.join("dir")).unwrap();
    let page = place.list(&WorkspacePath::root(), 20, 10).await.unwrap();
    let names: Vec<_> = page.entries.iter().map(|entry| entry.path.to_string()).collect();
    assert_eq!(names, ["20", "21", "22", "23", "24", "dir"]);
    assert_eq!((page.total, page.incomplete), (26, false));
    assert_eq!((page.entries[0].size, page.entries[0].kind), (4, EntryKind::File));
    assert_eq!(page.entries[5].kind, EntryKind::Directory);
    assert!(page.entries[0].modified.is_some());
    assert!(
        place
            .list(&WorkspacePath::root(), 100, 10)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    assert!(matches!(
        place.list(&path("20"), 0, 10).await,
        Err(SandboxError::InvalidPath { .. })
    ));
}

#[tokio::test]
async fn a_listing_of_very_many_is_bounded() {
    let place = Place::in_memory().await;
    let original = place.inside.join("original");
    std::fs::write(&original, "").unwrap();
    for number in 0..inline_sandbox::MAX_LISTED + 10 {
        // Another file when one has as many names as it can.
        if number % 50_000 == 0 {
            std::fs::remove_file(&original).unwrap();
            std::fs::write(&original, "").unwrap();
        }
        std::fs::hard_link(&original, place.inside.join(number.to_string())).unwrap();
    }
    let page = place.list(&WorkspacePath::root(), 0, usize::MAX).await.unwrap();
    assert_eq!(
        (page.entries.len(), page.total),
        (inline_sandbox::MAX_PAGE, inline_sandbox::MAX_LISTED)
    );
    assert!(page.incomplete);
}

#[tokio::test]
async fn every_name_that_linux_takes_is_shown_and_can_be_typed() {
    let place = Place::new().await;
    let longest = vec![b'n'; 255];
    for name in [
        b"a\nb".as_slice(),
        b"\xff\xfe",
        b"\x1b[31m",
        b"back\\slash",
        b"\\x41",
        "\u{202e}gnp.exe".as_bytes(),
        &longest,
    ] {
        std::fs::write(place.inside.join(OsStr::from_bytes(name)), name).unwrap();
    }
    let page = place.list(&WorkspacePath::root(), 0, 100).await.unwrap();
    assert_eq!(page.entries.len(), 7);
    for entry in page.entries {
        let shown = entry.path.to_string();
        assert!(!shown.chars().any(char::is_control), "{shown}");
        let typed = path(&shown);
        let content = place.read(&typed, 0, 300).await.unwrap().bytes;
        place.rename(&typed, &path("moved"), false).await.unwrap();
        place.rename(&path("moved"), &typed, false).await.unwrap();
        assert_eq!(
            std::fs::read(place.inside.join(OsStr::from_bytes(&content))).unwrap(),
            content
        );
        place.remove(&typed, false).await.unwrap();
    }
    assert_eq!(place.usage().await.unwrap().files, 0);
}

#[tokio::test]
async fn a_workspace_stays_and_is_its_owners_alone() {
    let place = Place::new().await;
    place.write(&path("kept"), "kept").await.unwrap();
    let base = place.outside.path().join("base");
    for private in [base.clone(), base.join("owners"), base.join("trash")] {
        assert_eq!(
            private.metadata().unwrap().mode() & 0o777,
            0o700,
            "{}",
            private.display()
        );
    }
    let again = Workspaces::open(base, HostUser::current()).await.unwrap();
    let other = again.workspace(&"local:bob".parse().unwrap(), PLENTY).await.unwrap();
    assert!(matches!(
        other.read(&path("kept"), 0, 9).await,
        Err(SandboxError::NotFound { .. })
    ));
    let same = again.workspace(&place.owner, PLENTY).await.unwrap();
    assert_eq!(same.read(&path("kept"), 0, 9).await.unwrap().bytes, b"kept");
    let mut owners: Vec<_> = again.owners().await.unwrap().iter().map(ToString::to_string).collect();
    owners.sort();
    assert_eq!(owners, ["local:alice", "local:bob"]);
    assert_eq!(
        same.entry(&WorkspacePath::root()).await.unwrap().kind,
        EntryKind::Directory
    );
}
