//! Whether this crate is in the executable of its process, which is what a helper is made of.
//!
//! A program of another kind that has loaded it as a library must not be executed once more to find out: nobody knows what it
//! does then.

use std::fs;
use std::io;

use inline_runtime::Result;

use crate::error::{no_helper, not_linked_in};
use crate::sys;

/// The columns of a line before device, inode and path, which say what is mapped.
const COLUMNS_BEFORE_FILE: usize = 3;

/// What is mapped; the path alone could be that of another file by now.
#[derive(Debug, PartialEq, Eq)]
struct File<'a> {
    device: &'a str,
    inode: &'a str,
    path: &'a str,
}

/// Makes sure that a helper can be made of this process's executable.
///
/// # Errors
///
/// - [`Unavailable`](inline_runtime::ErrorKind::Unavailable) if this crate is not in it.
pub(crate) fn ensure_linked_in() -> Result<()> {
    let maps = fs::read("/proc/self/maps").map_err(no_helper)?;
    let maps = String::from_utf8_lossy(&maps);
    let of_executable = file_at(&maps, sys::entry_point());
    let ours = file_at(&maps, (ensure_linked_in as *const ()).addr());
    match (of_executable, ours) {
        (Some(executable), Some(ours)) if executable == ours => Ok(()),
        (Some(_), Some(ours)) => Err(not_linked_in(ours.path)),
        _ => Err(no_helper(io::Error::other("`/proc/self/maps` does not tell of it"))),
    }
}

/// Returns what is mapped at an address.
fn file_at(maps: &str, address: usize) -> Option<File<'_>> {
    maps.lines().find_map(|line| {
        let mut columns = line.splitn(COLUMNS_BEFORE_FILE + 3, ' ');
        let (begin, end) = columns.next()?.split_once('-')?;
        let range = usize::from_str_radix(begin, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        if !range.contains(&address) {
            return None;
        }
        let mut columns = columns.skip(COLUMNS_BEFORE_FILE - 1);
        Some(File {
            device: columns.next()?,
            inode: columns.next()?,
            path: columns.next()?.trim_start(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_has_the_driver_in_its_executable() {
        ensure_linked_in().unwrap();
    }

    #[test]
    fn files_are_told_apart_by_what_is_mapped() {
        let maps = "1000-2000 r--p 00000000 fe:00 17                         /usr/bin/python3.11\n\
                    2000-3000 r-xp 00001000 fe:00 17                         /usr/bin/python3.11\n\
                    7000-8000 r-xp 00000000 fe:00 18                         /opt/my module.so\n\
                    9000-a000 rw-p 00000000 00:00 0 \n";
        assert_eq!(file_at(maps, 0x1fff), file_at(maps, 0x2000));
        assert_ne!(file_at(maps, 0x2000), file_at(maps, 0x7000));
        assert_eq!(file_at(maps, 0x7000).unwrap().path, "/opt/my module.so");
        assert_eq!(file_at(maps, 0x9000).unwrap().path, "");
        assert_eq!(file_at(maps, 0xa000), None);
    }
}
