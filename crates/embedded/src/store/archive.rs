//! Reads tar archives without trust: everything that could grow is bounded.
//!
//! The headers that give names longer than a header holds are read here and not by the library, which would take as much
//! memory for them as an archive says.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::tree::{Tree, refused, set_modified};
use super::zstd::Frames;

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
const BUFFER_BYTES: usize = 1 << 16;
/// A header that extends the next one. Names have 4 KiB at most, attributes 64 KiB.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// What is left of what an image may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Unpacked bytes, headers included.
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: 32 << 30,
            entries: 2_000_000,
        }
    }
}

/// Says whether names of whiteouts mean a removal, as in the layers of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whiteouts {
    Obey,
    Keep,
}

/// Unpacks an archive into a tree. Packing is told by content: none, gzip or zstd. Reads to the end of `packed`.
pub(super) fn unpack(tree: &mut Tree, packed: impl Read, whiteouts: Whiteouts, budget: &mut Budget) -> io::Result<()> {
    let mut packed = BufReader::with_capacity(BUFFER_BYTES, packed);
    match packed.fill_buf()? {
        [0x1f, 0x8b, ..] => entries(tree, MultiGzDecoder::new(&mut packed), whiteouts, budget)?,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            entries(tree, Frames::new(&mut packed), whiteouts, budget)?;
        }
        [0xfd, b'7', b'z', ..] | [b'B', b'Z', b'h', ..] => {
            return Err(refused("data that is packed by neither gzip nor zstd"));
        }
        _ => entries(tree, &mut packed, whiteouts, budget)?,
    }
    // What follows the archive belongs to its digest.
    let rest = budget.bytes.saturating_add(1);
    if io::copy(&mut packed.take(rest), &mut io::sink())? == rest {
        return Err(too_large());
    }
    Ok(())
}

/// What came in headers before the one it is meant for.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

fn entries(tree: &mut Tree, unpacked: impl Read, whiteouts: Whiteouts, budget: &mut Budget) -> io::Result<()> {
    tree.begin_layer();
    // One byte more than allowed tells an archive that is too large from one that just fits.
    let mut archive = Archive::new(unpacked.take(budget.bytes.saturating_add(1)));
    let mut extension = Extension::default();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry.map_err(no_archive)?;
        budget.entries = budget.entries.checked_sub(1).ok_or_else(|| refused("too many files"))?;
        match entry.header().entry_type() {
            EntryType::GNULongName => extension.path = Some(name_of(&read_extension(&mut entry)?)),
            EntryType::GNULongLink => extension.link = Some(name_of(&read_extension(&mut entry)?)),
            EntryType::XHeader => extend(&mut extension, &read_extension(&mut entry)?)?,
            EntryType::XGlobalHeader => {}
            _ => put(tree, &mut entry, std::mem::take(&mut extension), whiteouts)?,
        }
    }
    let mut unpacked = archive.into_inner();
    // Padding may follow; reading it tells what a packer says of the whole.
    io::copy(&mut unpacked, &mut io::sink())?;
    budget.bytes = match unpacked.limit() {
        0 => return Err(too_large()),
        left => left - 1,
    };
    Ok(())
}

fn put<R: Read>(
    tree: &mut Tree,
    entry: &mut Entry<'_, R>,
    extension: Extension,
    whiteouts: Whiteouts,
) -> io::Result<()> {
    let path = to_path(extension.path.unwrap_or_else(|| entry.path_bytes().into_owned()));
    let link = extension
        .link
        .or_else(|| entry.link_name_bytes().map(std::borrow::Cow::into_owned));
    let link = || link.clone().map(to_path).ok_or_else(|| refused("a link to nowhere"));
    let mode = entry.header().mode()?;
    if whiteouts == Whiteouts::Obey
        && let Some(name) = path.file_name().and_then(OsStr::to_str)
        && let Some(hidden) = name.strip_prefix(WHITEOUT)
    {
        return match name {
            OPAQUE => tree.make_opaque(path.parent().unwrap_or(Path::new(""))),
            // Names that a union filesystem of old kept for itself.
            _ if hidden.starts_with(WHITEOUT) => Ok(()),
            _ if matches!(hidden, "" | "." | "..") => Err(refused("a whiteout of a directory above")),
            _ => tree.white_out(&path.with_file_name(hidden)),
        };
    }
    match entry.header().entry_type() {
        EntryType::Directory => tree.directory(&path, mode),
        EntryType::Regular | EntryType::Continuous => {
            let modified = entry.header().mtime()?;
            let mut file = tree.file(&path, mode)?;
            let expected = entry.size();
            if io::copy(entry, &mut file)? != expected {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            set_modified(&file, modified)
        }
        EntryType::Symlink => tree.symlink(&path, &link()?),
        EntryType::Link => tree.hard_link(&path, &link()?),
        // Devices are the sandbox's own; pipes are made by programs.
        EntryType::Char | EntryType::Block | EntryType::Fifo => Ok(()),
        _ => Err(refused(
            "an entry of a kind that is not supported, such as a sparse file",
        )),
    }
}

fn read_extension<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Vec<u8>> {
    if entry.size() > MAX_EXTENSION_BYTES {
        return Err(refused("a header of more than 1 MiB"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// GNU names end with a zero.
fn name_of(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

fn extend(extension: &mut Extension, bytes: &[u8]) -> io::Result<()> {
    for field in PaxExtensions::new(bytes) {
        let field = field?;
        match field.key_bytes() {
            b"path" => extension.path = Some(field.value_bytes().to_vec()),
            b"linkpath" => extension.link = Some(field.value_bytes().to_vec()),
            b"size" => return Err(refused("a file of more than 8 GiB")),
            key if key.starts_with(b"GNU.sparse") => return Err(refused("a sparse file")),
            // Times to the nanosecond, owners, attributes, comments.
            _ => {}
        }
    }
    Ok(())
}

fn to_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

/// The library gives what is no archive no kind of its own.
fn no_archive(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, error),
        _ => error,
    }
}

fn too_large() -> io::Error {
    refused("more bytes than an image may have")
}
