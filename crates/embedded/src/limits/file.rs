//! The small files that control groups are made of.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use inline_runtime::{Error, ErrorKind};

/// No file of a group is longer, but lists of processes; these are read in rounds.
const MAX_BYTES: u64 = 1 << 16;

/// Reads a file of a group.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads one number; `max` is the largest there is.
pub(super) fn number(path: &Path) -> io::Result<u64> {
    let text = read(path)?;
    match text.trim() {
        "max" => Ok(u64::MAX),
        number => number.parse().map_err(|_| not_a_number(path)),
    }
}

/// Reads the number behind `name` in a file of such lines.
pub(super) fn field(path: &Path, name: &str) -> io::Result<u64> {
    let text = read(path)?;
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(known, _)| *known == name)
        .and_then(|(_, number)| number.trim().parse().ok())
        .ok_or_else(|| not_a_number(path))
}

/// Writes to a file of a group, which must be there.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
}

fn not_a_number(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no number in `{}`", path.display()))
}

/// Says that a file or directory of a group could not be used.
pub(super) fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock => {
            ErrorKind::ResourceExhausted
        }
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, format!("cannot {what} the control group `{}`", path.display())).with_source(error)
}
