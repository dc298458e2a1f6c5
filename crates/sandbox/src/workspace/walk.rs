//! A walk over a whole tree that needs neither recursion nor an open file per level.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::directory::{self, Need};
use crate::{Result, SandboxError};

/// The most directories that one walk holds open; deeper ones are found again through `..`.
const MAX_OPEN_DIRECTORIES: usize = 32;

/// What a walk found.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// The directory that holds it.
    pub(super) directory: BorrowedFd<'a>,
    /// Its name there.
    pub(super) name: &'a CStr,
    /// Its names from where the walk began.
    pub(super) path: &'a [u8],
    /// What the name stood for when it was looked at; links are not followed.
    pub(super) stat: &'a Stat,
}

impl Found<'_> {
    /// Returns what kind of thing it is.
    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

/// Says how a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// On, and into it if it is a directory.
    Into,
    /// On, past it.
    Past,
    /// No further.
    Stop,
}

/// Says how a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked {
    /// All was seen.
    Whole,
    /// The visitor stopped it.
    Stopped,
    /// Somebody moved directories meanwhile, so that not all was seen.
    Moved,
}

/// Shows everything below `root` to `visit`, a directory before what it holds, in no order.
///
/// What comes or goes meanwhile may be seen or not. Names are the only memory: those of the directories still to come.
pub(super) fn walk(root: impl AsFd, mut visit: impl FnMut(&Found<'_>) -> Result<Step>) -> Result<Walked> {
    let refused = SandboxError::io("reading a workspace");
    let mut walker = Walker::default();
    let mut next = directory::entries(root).map_err(&refused)?;
    loop {
        if !walker.enter(next, &mut visit)? {
            return Ok(Walked::Stopped);
        }
        next = match walker.advance().map_err(&refused)? {
            Advance::To(directory) => directory,
            Advance::Done => return Ok(Walked::Whole),
            Advance::Lost => return Ok(Walked::Moved),
        };
    }
}

#[derive(Default)]
struct Walker {
    /// The directories with others still to come, from the root downwards.
    levels: Vec<Level>,
    /// The directory that was finished last, from where those above are found again.
    finished: Option<(Dir, usize)>,
    path: Vec<u8>,
    depth: usize,
}

struct Level {
    directory: Option<Dir>,
    identity: (u64, u64),
    pending: Vec<CString>,
    path_len: usize,
    depth: usize,
}

enum Advance {
    To(Dir),
    Done,
    Lost,
}

impl Walker {
    /// Shows what `directory` holds; `false` if the visitor wants no more.
    fn enter(&mut self, mut directory: Dir, visit: &mut impl FnMut(&Found<'_>) -> Result<Step>) -> Result<bool> {
        let refused = SandboxError::io("reading a workspace");
        let path_len = self.path.len();
        let mut pending = Vec::new();
        while let Some(entry) = directory.read() {
            let entry = entry.map_err(|error| refused(error.into()))?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let holder = directory.fd().map_err(|error| refused(error.into()))?;
            let stat = match rustix::fs::statat(holder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(refused(error.into())),
            };
            self.push_name(path_len, name);
            let found = Found {
                directory: holder,
                name,
                path: &self.path,
                stat: &stat,
            };
            match visit(&found)? {
                Step::Into if found.file_type() == FileType::Directory => pending.push(name.to_owned()),
                Step::Into | Step::Past => {}
                Step::Stop => return Ok(false),
            }
        }
        self.path.truncate(path_len);
        let identity = directory
            .stat()
            .map(|stat| (stat.st_dev, stat.st_ino))
            .map_err(|error| refused(error.into()))?;
        self.levels.push(Level {
            directory: Some(directory),
            identity,
            pending,
            path_len,
            depth: self.depth,
        });
        if let Some(upper) = self.levels.len().checked_sub(MAX_OPEN_DIRECTORIES + 1) {
            self.levels[upper].directory = None;
        }
        Ok(true)
    }

    /// Opens the next directory to enter.
    fn advance(&mut self) -> io::Result<Advance> {
        while let Some(mut level) = self.levels.pop() {
            let Some(name) = level.pending.pop() else {
                self.finished = level.directory.map(|directory| (directory, level.depth));
                continue;
            };
            let directory = match level.directory.take() {
                Some(directory) => directory,
                None => match self.climb(&level)? {
                    Some(directory) => directory,
                    None => return Ok(Advance::Lost),
                },
            };
            let child = directory::open(directory.fd()?, &name, Need::Read)?;
            self.path.truncate(level.path_len);
            let (path_len, depth) = (level.path_len, level.depth);
            // A level with nothing left to come is not kept: a chain of any depth then needs one level. Without a child
            // to go on from, it stays for the levels above to be found from.
            if child.is_none() || !level.pending.is_empty() {
                level.directory = Some(directory);
                self.levels.push(level);
            }
            if let Some(child) = child {
                self.push_name(path_len, &name);
                self.depth = depth + 1;
                return Ok(Advance::To(Dir::new(child)?));
            }
        }
        Ok(Advance::Done)
    }

    /// Finds the directory of `level` again, upwards from the one finished last; `None` if it is not there any more.
    fn climb(&mut self, level: &Level) -> io::Result<Option<Dir>> {
        let Some((mut directory, depth)) = self.finished.take() else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in level.depth..depth {
            directory = match rustix::fs::openat(directory.fd()?, c"..", flags, Mode::empty()) {
                Ok(parent) => Dir::new(parent)?,
                Err(Errno::NOENT | Errno::ACCESS) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        }
        let stat = directory.stat()?;
        // A directory that was moved has another parent; nothing is read through one that was not seen before.
        Ok(((stat.st_dev, stat.st_ino) == level.identity).then_some(directory))
    }

    fn push_name(&mut self, parent_len: usize, name: &CStr) {
        self.path.truncate(parent_len);
        if parent_len > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.to_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names_below(root: &std::path::Path) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let root = std::fs::File::open(root).unwrap();
        let walked = walk(&root, |found| {
            assert!(names.insert(String::from_utf8(found.path.to_vec()).unwrap()));
            Ok(Step::Into)
        });
        assert_eq!(walked.unwrap(), Walked::Whole);
        names
    }

    #[test]
    fn a_comb_deeper_than_the_open_directories_is_seen_whole() {
        let root = tempfile::tempdir().unwrap();
        let mut deepest = String::new();
        let mut expected = BTreeSet::new();
        for level in 0..200 {
            for tooth in ["a", "z"] {
                let tooth = format!("{deepest}{tooth}{level}");
                std::fs::create_dir_all(root.path().join(&tooth).join("leaf")).unwrap();
                expected.extend([format!("{tooth}/leaf"), tooth]);
            }
            deepest = format!("{deepest}m{level}/");
            std::fs::create_dir(root.path().join(&deepest)).unwrap();
            expected.insert(deepest.trim_end_matches('/').to_owned());
        }
        assert_eq!(names_below(root.path()), expected);
    }

    #[test]
    fn a_directory_moved_from_under_the_walk_is_told() {
        let root = tempfile::tempdir().unwrap();
        // Whichever of the two is entered first, the other is still to come when it is moved.
        for chain in ["d", "e"] {
            let mut deepest = root.path().join(chain);
            std::fs::create_dir(&deepest).unwrap();
            for _ in 0..100 {
                for side in ["x", "y", "z"] {
                    std::fs::create_dir(deepest.join(side)).unwrap();
                }
                deepest.push("d");
                std::fs::create_dir(&deepest).unwrap();
            }
        }
        let aside = tempfile::tempdir().unwrap();
        let handle = std::fs::File::open(root.path()).unwrap();
        let walked = walk(&handle, |found| {
            if found.path.len() > 2 * 90 && !aside.path().join("moved").exists() {
                let chain = if found.path.starts_with(b"d") { "d/d/d" } else { "e/d/d" };
                std::fs::rename(root.path().join(chain), aside.path().join("moved")).unwrap();
            }
            Ok(Step::Into)
        });
        assert_eq!(walked.unwrap(), Walked::Moved);
    }

    #[test]
    fn the_visitor_can_pass_by_and_stop() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        let handle = std::fs::File::open(root.path()).unwrap();
        let mut seen = 0;
        let mut count = |step| {
            seen = 0;
            let walked = walk(&handle, |_| {
                seen += 1;
                Ok(step)
            });
            (walked.unwrap(), seen)
        };
        assert_eq!(count(Step::Past), (Walked::Whole, 1));
        assert_eq!(count(Step::Into), (Walked::Whole, 2));
        assert_eq!(count(Step::Stop), (Walked::Stopped, 1));
    }
}
