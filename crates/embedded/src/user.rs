//! Who a program runs as, by number or by a name that the image knows.

use std::io::Read;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use inline_runtime::{Error, ErrorKind, Result};

use crate::image::Rootfs;

/// The user of the `host` image who is not root.
const SANDBOX: &str = "sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n";
const SANDBOX_GROUP: &str = "sandbox:x:1000:\n";
const NOBODY: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
const NOGROUP: &str = "root:x:0:\nnogroup:x:65534:\n";
/// What is read of an image's list of users.
const MAX_BYTES: u64 = 1 << 20;

/// A user of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
}

/// Finds the user that `text` names: `user`, `uid`, `uid:gid` or `user:group`; root without.
///
/// # Errors
///
/// - [`ErrorKind::InvalidSpec`] if the image knows no such name.
pub(crate) fn find(text: Option<&str>, rootfs: &Rootfs) -> Result<User> {
    let text = text.unwrap_or("0");
    let (name, group) = text
        .split_once(':')
        .map_or((text, None), |(name, group)| (name, Some(group)));
    let users = list(rootfs, "etc/passwd", &[NOBODY, SANDBOX].concat());
    let entry = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|entry| {
            let number = entry.get(2).is_some_and(|uid| *uid == name);
            number || entry.first() == Some(&name)
        });
    let field = |at: usize| entry.as_ref().and_then(|entry| entry.get(at).copied());
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let uid = number(Some(name))
        .or_else(|| number(field(2)))
        .ok_or_else(|| unknown("user", name))?;
    let gid = match group {
        None => number(field(3)).unwrap_or(0),
        Some(group) => match number(Some(group)) {
            Some(gid) => gid,
            None => group_id(rootfs, group).ok_or_else(|| unknown("group", group))?,
        },
    };
    let home = field(5).filter(|home| home.starts_with('/')).unwrap_or("/").to_owned();
    Ok(User { uid, gid, home })
}

fn group_id(rootfs: &Rootfs, name: &str) -> Option<u32> {
    list(rootfs, "etc/group", &[NOGROUP, SANDBOX_GROUP].concat())
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|entry| entry.first() == Some(&name))
        .and_then(|entry| entry.get(2)?.parse().ok())
}

/// Reads a list of an image, of which nothing is believed but that it is text; what cannot be read is empty.
fn list(rootfs: &Rootfs, path: &str, of_host: &str) -> String {
    match rootfs.directory() {
        None => of_host.to_owned(),
        Some(directory) => read(directory, path).unwrap_or_default(),
    }
}

fn read(directory: &Path, path: &str) -> Option<String> {
    // No link of the image's leads out of it.
    let file = Dir::open_ambient_dir(directory, ambient_authority())
        .ok()?
        .open(path)
        .ok()?;
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn unknown(what: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::InvalidSpec,
        format!("the image knows no {what} `{}`", name.escape_debug()),
    )
    .with_hint("give `user` as numbers: `uid:gid`")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn users_have_numbers_and_names() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("etc")).unwrap();
        fs::write(
            directory.path().join("etc/passwd"),
            "www:x:33:34:www:/srv/www:/bin/sh\n",
        )
        .unwrap();
        fs::write(directory.path().join("etc/group"), "staff:x:50:\n").unwrap();
        let rootfs = Rootfs::Directory(directory.path().to_owned());
        for (text, uid, gid, home) in [
            (Some("www"), 33, 34, "/srv/www"),
            (Some("33"), 33, 34, "/srv/www"),
            (Some("www:staff"), 33, 50, "/srv/www"),
            (Some("1234:4321"), 1234, 4321, "/"),
            (Some("1234"), 1234, 0, "/"),
            (None, 0, 0, "/"),
        ] {
            let home = home.to_owned();
            assert_eq!(find(text, &rootfs).unwrap(), User { uid, gid, home }, "{text:?}");
        }
        for unknown in ["nobody", "www:nobody"] {
            assert_eq!(find(Some(unknown), &rootfs).unwrap_err().kind(), ErrorKind::InvalidSpec);
        }
    }

    #[test]
    fn an_images_links_do_not_lead_out_of_it() {
        let directory = tempfile::tempdir().unwrap();
        symlink("/etc", directory.path().join("etc")).unwrap();
        let rootfs = Rootfs::Directory(directory.path().to_owned());
        assert!(find(Some("root"), &rootfs).is_err());
    }

    #[test]
    fn the_machine_itself_has_users_of_ours() {
        let user = find(Rootfs::Host.config().user.as_deref(), &Rootfs::Host).unwrap();
        assert_eq!((user.uid, user.gid, user.home.as_str()), (1000, 1000, "/tmp"));
    }
}
