//! A directory as a zip file, written as it is made.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::fs::Dir;
use rustix::fs::{FileType, Mode, OFlags};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::write::StreamWriter;

use super::blocking::blocking;
use super::root::Root;
use super::walk::{Found, Step, Walked, walk};
use super::{EntryKind, Workspace, WorkspacePath, escape, path, zip_entry};
use crate::{Result, SandboxError};

/// The most skipped names that are told; the others are counted.
pub const MAX_SKIPPED: usize = 100;
/// The bytes that are handed on together.
const CHUNK_BYTES: usize = 64 << 10;
/// How many of them may wait for a slow reader.
const CHUNKS: usize = 4;
const REFUSED: &str = "exporting a workspace";

/// Bounds what [`Workspace::export`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportLimits {
    /// The most files and directories.
    pub files: u64,
    /// The most bytes of all files before they are compressed; a sparse file counts with its whole length.
    pub bytes: u64,
}

/// Says what an export holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Export {
    /// The files and directories in it.
    pub files: u64,
    /// The bytes of the files before they were compressed.
    pub bytes: u64,
    /// What is not in it, as a name that can be shown and why: at most [`MAX_SKIPPED`].
    pub skipped: Vec<(String, SkipReason)>,
    /// How many more are not in it.
    pub skipped_more: u64,
}

/// Says why something is not in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is a link, a FIFO, a socket or a device.
    Kind(EntryKind),
    /// It could not be opened, or was gone.
    Unreadable,
    /// Its path is longer than 4095 bytes, or another one is written the same in a zip file.
    Name,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind(EntryKind::Symlink) => "a link",
            Self::Kind(_) => "not a regular file",
            Self::Unreadable => "it cannot be read",
            Self::Name => "its path does not fit",
        })
    }
}

impl Workspace {
    /// Writes the directory `path` and all in it to `writer` as a zip file.
    ///
    /// Only regular files and directories are in it; links are told, not stored, since they would be followed wherever it
    /// is unpacked. In names, what is not UTF-8, control characters and backslashes are written `%hh`.
    ///
    /// # Cancellation
    ///
    /// The export ends. What was written is of no use, as after an error. The time is the caller's to bound.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::TooLarge`] before anything is written if there is more than `limits` allow.
    /// - [`SandboxError::NotFound`] and [`SandboxError::InvalidPath`] if there is no such directory in the workspace.
    /// - [`SandboxError::Io`] if `writer` or the operating system refuses.
    pub async fn export(
        &self,
        path: &WorkspacePath,
        limits: ExportLimits,
        writer: &mut (impl AsyncWrite + Unpin + Send + ?Sized),
    ) -> Result<Export> {
        let (root, path) = (self.root(), path.clone());
        let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(CHUNKS);
        let exported = blocking(move || root.export(&path, limits, sender));
        let forwarded = async move {
            while let Some(chunk) = receiver.recv().await {
                writer.write_all(&chunk).await?;
            }
            writer.flush().await
        };
        let (forwarded, exported) = futures::future::join(forwarded, exported).await;
        forwarded.map_err(SandboxError::io(REFUSED))?;
        exported
    }
}

impl Root {
    fn export(&self, path: &WorkspacePath, limits: ExportLimits, sender: mpsc::Sender<Vec<u8>>) -> Result<Export> {
        let directory = self.directory(path)?;
        let mut counted = Export::default();
        walk(&directory, |found| counted.count(found, limits))?;

        let whole = Arc::new(AtomicBool::new(true));
        let zip = ZipWriter::new_stream(ChunkWriter {
            sender,
            chunk: Vec::new(),
            whole: Arc::clone(&whole),
        });
        Export::write(zip, &directory, limits, &whole)
    }
}

impl Export {
    fn write(
        mut zip: ZipWriter<StreamWriter<ChunkWriter>>,
        directory: &Dir,
        limits: ExportLimits,
        whole: &AtomicBool,
    ) -> Result<Self> {
        let mut export = Self::default();
        let walked = walk(directory, |found| {
            if zip.get_ref().is_none_or(|stream| stream.get_ref().sender.is_closed()) {
                return Ok(Step::Stop);
            }
            export.add(&mut zip, found, limits)
        });
        if !matches!(walked, Ok(Walked::Whole)) {
            // Before `zip` is dropped, which writes an end that would make the part look whole.
            whole.store(false, Ordering::Relaxed);
            let source = io::Error::other("the reader is gone, or directories were moved meanwhile");
            return Err(walked.err().unwrap_or(SandboxError::Io {
                operation: REFUSED,
                source,
            }));
        }
        let finished = zip.finish().map_err(io::Error::from);
        finished
            .and_then(|stream| stream.into_inner().finish())
            .map_err(SandboxError::io(REFUSED))?;
        Ok(export)
    }

    /// Counts `found`, and refuses what is too much.
    fn count(&mut self, found: &Found<'_>, limits: ExportLimits) -> Result<Step> {
        self.files += 1;
        if found.file_type() == FileType::RegularFile {
            self.bytes = self
                .bytes
                .saturating_add(u64::try_from(found.stat.st_size).unwrap_or(0));
        }
        if self.bytes > limits.bytes {
            return Err(SandboxError::TooLarge {
                what: "export",
                size: self.bytes,
                max: limits.bytes,
            });
        }
        if self.files > limits.files {
            return Err(SandboxError::QuotaExceeded {
                what: "files",
                used: self.files,
                limit: limits.files,
            });
        }
        Ok(Step::Into)
    }

    fn add(
        &mut self,
        zip: &mut ZipWriter<StreamWriter<ChunkWriter>>,
        found: &Found<'_>,
        limits: ExportLimits,
    ) -> Result<Step> {
        if found.path.len() > path::MAX_PATH_BYTES {
            return Ok(self.skip(found, SkipReason::Name));
        }
        let name = zip_entry::name(found.path);
        let options = zip_entry::options(found);
        let failed = SandboxError::io(REFUSED);
        match found.file_type() {
            FileType::Directory => {
                if zip.add_directory(name, options).is_err() {
                    return Ok(self.skip(found, SkipReason::Name));
                }
                self.count(found, limits)
            }
            FileType::RegularFile => {
                let Some(file) = open(found) else {
                    return Ok(self.skip(found, SkipReason::Unreadable));
                };
                if zip.start_file(name, options).is_err() {
                    return Ok(self.skip(found, SkipReason::Name));
                }
                let size = u64::try_from(found.stat.st_size).unwrap_or(0);
                let step = self.count(found, limits)?;
                // No more than was counted, however fast the file grows.
                io::copy(&mut file.take(size), zip).map_err(&failed)?;
                Ok(step)
            }
            FileType::Symlink => Ok(self.skip(found, SkipReason::Kind(EntryKind::Symlink))),
            _ => Ok(self.skip(found, SkipReason::Kind(EntryKind::Special))),
        }
    }

    fn skip(&mut self, found: &Found<'_>, why: SkipReason) -> Step {
        if self.skipped.len() < MAX_SKIPPED {
            let shown = found.path.get(..path::MAX_PATH_BYTES).unwrap_or(found.path);
            self.skipped.push((escape::escape(shown), why));
        } else {
            self.skipped_more += 1;
        }
        Step::Past
    }
}

/// Opens what was found as a regular file, if it still is one.
fn open(found: &Found<'_>) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(found.directory, found.name, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| file.into())
}

/// Hands what is written to the task that may wait for the reader.
#[derive(Debug)]
struct ChunkWriter {
    sender: mpsc::Sender<Vec<u8>>,
    chunk: Vec<u8>,
    /// Whether what is written still comes to something; if not, it is dropped.
    whole: Arc<AtomicBool>,
}

impl ChunkWriter {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        self.sender.blocking_send(chunk).map_err(|_| {
            self.whole.store(false, Ordering::Relaxed);
            io::ErrorKind::BrokenPipe.into()
        })
    }

    fn finish(mut self) -> io::Result<()> {
        self.send()
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.whole.load(Ordering::Relaxed) {
            return Ok(bytes.len());
        }
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
