//! A service that is not root, and directories that the user's code has closed to it.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use inline_sandbox::{HostUser, SandboxError, Workspaces};

use super::{Place, path};

const NOBODY: u32 = 65_534;

/// Runs the test `name` again as another user if this is root; returns whether it is to go on here.
fn is_not_root(name: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--exact", name])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    false
}

#[tokio::test]
async fn closed_directories_are_counted_and_removed() {
    if !is_not_root("permissions::closed_directories_are_counted_and_removed") {
        return;
    }
    let place = Place::new().await;
    for mode in [0o000, 0o400, 0o100, 0o200, 0o500, 0o555] {
        let directory = place.inside.join(format!("outer{mode:o}"));
        std::fs::create_dir_all(directory.join("inner/deep")).unwrap();
        std::fs::write(directory.join("inner/file"), "x").unwrap();
        std::fs::set_permissions(directory.join("inner/file"), Permissions::from_mode(0o000)).unwrap();
        std::fs::set_permissions(directory.join("inner"), Permissions::from_mode(mode)).unwrap();
        std::fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
    }
    assert!(matches!(
        place.list(&path("outer0"), 0, 10).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    assert_eq!(place.usage().await.unwrap().files, 6 * 4);
    for mode in [0o000, 0o400, 0o100] {
        std::fs::set_permissions(
            place.inside.join(format!("outer{mode:o}")),
            Permissions::from_mode(mode),
        )
        .unwrap();
        place.remove(&path(&format!("outer{mode:o}")), true).await.unwrap();
    }
    assert_eq!(place.usage().await.unwrap().files, 3 * 4);
    std::fs::set_permissions(&place.inside, Permissions::from_mode(0o000)).unwrap();
    let again = place.workspaces.workspace(&place.owner, super::PLENTY).await.unwrap();
    assert_eq!(again.usage().await.unwrap().files, 3 * 4);
    assert!(place.workspaces.delete(&place.owner).await.unwrap());
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn a_file_that_its_owner_closed_is_refused_and_told() {
    if !is_not_root("permissions::a_file_that_its_owner_closed_is_refused_and_told") {
        return;
    }
    let place = Place::new().await;
    place.write(&path("closed"), "x").await.unwrap();
    std::fs::set_permissions(place.inside.join("closed"), Permissions::from_mode(0o000)).unwrap();
    assert!(matches!(
        place.read(&path("closed"), 0, 1).await,
        Err(SandboxError::InvalidPath { .. })
    ));
    place.write(&path("closed"), "replaced").await.unwrap();
    place.remove(&path("closed"), false).await.unwrap();
}

#[tokio::test]
async fn a_service_that_cannot_give_files_away_says_so_at_once() {
    if !is_not_root("permissions::a_service_that_cannot_give_files_away_says_so_at_once") {
        return;
    }
    let base = tempfile::tempdir().unwrap();
    let opened = Workspaces::open(
        base.path().join("base"),
        HostUser {
            uid: 12_345,
            gid: 12_345,
        },
    )
    .await;
    assert!(matches!(opened, Err(SandboxError::InvalidConfig { .. })));
}

#[tokio::test]
async fn what_root_puts_there_is_the_container_users() {
    let base = tempfile::tempdir().unwrap();
    let user = HostUser {
        uid: NOBODY - 1,
        gid: 100,
    };
    let opened = Workspaces::open(base.path(), user).await;
    if !rustix::process::geteuid().is_root() {
        assert!(matches!(opened, Err(SandboxError::InvalidConfig { .. })));
        return;
    }
    let workspaces = opened.unwrap();
    let workspace = workspaces
        .workspace(&"local:alice".parse().unwrap(), super::PLENTY)
        .await
        .unwrap();
    workspace.make_directory(&path("a/b")).await.unwrap();
    workspace.write(&path("a/written"), "x").await.unwrap();
    workspace.append(&path("a/appended"), "x").await.unwrap();
    workspace
        .upload(&path("a/uploaded"), &mut b"x".as_slice(), 9)
        .await
        .unwrap();
    for name in ["", "a", "a/b", "a/written", "a/appended", "a/uploaded"] {
        let metadata = std::path::Path::new(&workspace.mount().source)
            .join(name)
            .metadata()
            .unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (user.uid, user.gid), "{name}");
    }
}
