//! The `host` image: the machine's own programs, read-only, and nothing of anybody's.
//!
//! Not shown at all, so that nothing in it needs to be kept from sight: `/home`, `/root`, `/run`, `/var`, `/opt`, `/srv`,
//! `/boot`, `/mnt`, and of `/etc` all but what programs cannot do without.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::mount::MountAttrFlags;

use super::mounts::{self, HARMLESS, Mount};
use crate::wire::{Failure, Step, Users};

/// What holds programs and libraries besides `/usr`: links into it on most machines, directories of their own on others.
const BESIDE_USR: [&str; 7] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libexec"];
/// What programs read of `/etc`: how libraries are found, what time it is, which certificates are trusted.
const OF_ETC: [&str; 7] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/mime.types",
];
const RESOLVER: &str = "/etc/resolv.conf";
/// Directories that are always there, most of them empty.
const DIRECTORIES: [&str; 7] = ["/dev", "/etc", "/proc", "/root", "/run", "/tmp", "/var/tmp"];

/// What is at a place of the image.
pub(super) enum Content {
    Link(PathBuf),
    Mount(Mount),
}

/// Takes what is shown from where it is; nothing of it is in place yet.
pub(super) fn contents(extra: &[PathBuf], network: bool) -> Result<Vec<(PathBuf, Content)>, Failure> {
    let resolver = network.then_some(RESOLVER);
    let optional = BESIDE_USR.into_iter().chain(OF_ETC).chain(resolver).map(Path::new);
    let required = [Path::new("/usr")]
        .into_iter()
        .chain(extra.iter().map(PathBuf::as_path));
    let mut contents = Vec::new();
    for path in required {
        contents.push((path.to_owned(), content(path, false)?));
    }
    for path in optional.filter(|path| path.symlink_metadata().is_ok()) {
        let is_program_directory = path.parent() == Some(Path::new("/"));
        contents.push((path.to_owned(), content(path, is_program_directory)?));
    }
    Ok(contents)
}

/// A link among the directories of programs stays one; what a link in `/etc` leads to is what is shown.
fn content(path: &Path, keep_link: bool) -> Result<Content, Failure> {
    if keep_link && let Ok(target) = path.read_link() {
        return Ok(Content::Link(target));
    }
    let taken = Mount::of(path).and_then(|mount| {
        mount.restrict(HARMLESS | MountAttrFlags::MOUNT_ATTR_RDONLY)?;
        Ok(mount)
    });
    Ok(Content::Mount(
        taken.map_err(Step::Source.at(path.display().to_string()))?,
    ))
}

/// Puts the contents into an empty root, with what is made for it.
pub(super) fn fill(root: BorrowedFd<'_>, contents: Vec<(PathBuf, Content)>, users: Users) -> Result<(), Failure> {
    for directory in DIRECTORIES {
        mounts::make_directory(root, directory).map_err(Step::Root.at(directory))?;
    }
    for (path, content) in contents {
        let text = path.display().to_string();
        put(root, &text, content).map_err(Step::Root.at(text))?;
    }
    for (path, text) in generated(users) {
        write(root, path, &text).map_err(Step::Root.at(path))?;
    }
    if users.is_privileged() {
        // Where the root can be written to, its user can; where it cannot, this changes nothing.
        for directory in ["etc", "root", "run", "tmp", "var", "var/tmp"] {
            let (uid, gid) = (Uid::from_raw(users.host_uid), Gid::from_raw(users.host_gid));
            rustix::fs::chownat(root, directory, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(Step::Root.at(directory))?;
        }
    }
    Ok(())
}

fn put(root: BorrowedFd<'_>, path: &str, content: Content) -> io::Result<()> {
    match content {
        Content::Link(target) => Ok(rustix::fs::symlinkat(&target, root, path.trim_start_matches('/'))?),
        Content::Mount(mount) => {
            let target = if mount.is_directory()? {
                mounts::make_directory(root, path)?
            } else {
                mounts::make_file(root, path)?
            };
            mount.attach(target.as_fd())
        }
    }
}

/// Who there is: root, nobody, and the sandbox's own user.
fn generated(users: Users) -> [(&'static str, String); 4] {
    let mut passwd =
        String::from("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
    let mut group = String::from("root:x:0:\nnogroup:x:65534:\n");
    let is_named = |id: u32| matches!(id, 0 | 65534);
    if !is_named(users.uid) {
        let (uid, gid) = (users.uid.to_string(), users.gid.to_string());
        passwd.extend(["sandbox:x:", &uid, ":", &gid, ":sandbox:/tmp:/bin/sh\n"]);
    }
    if !is_named(users.gid) {
        group.extend(["sandbox:x:", &users.gid.to_string(), ":\n"]);
    }
    [
        ("etc/passwd", passwd),
        ("etc/group", group),
        ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        (
            "etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\n".to_owned(),
        ),
    ]
}

fn write(root: BorrowedFd<'_>, path: &str, text: &str) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(root, path, flags, Mode::from_raw_mode(0o644))?;
    io::Write::write_all(&mut std::fs::File::from(file), text.as_bytes())
}
