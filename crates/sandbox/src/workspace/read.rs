//! Reading parts of files.

use std::borrow::Cow;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, Take};

use super::blocking::blocking;
use super::root::refused;
use super::{Workspace, WorkspacePath};
use crate::{Result, SandboxError};

/// The most that one [`Workspace::read`] returns, in bytes.
pub const MAX_READ_BYTES: usize = 16 << 20;

/// Holds a part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// The bytes that were read; none at or beyond the end.
    pub bytes: Vec<u8>,
    /// Where in the file they begin.
    pub offset: u64,
    /// The size of the whole file when it was opened.
    pub size: u64,
}

impl Chunk {
    /// Returns whether the file ends with this chunk.
    pub fn is_last(&self) -> bool {
        self.offset.saturating_add(self.bytes.len() as u64) >= self.size
    }

    /// Returns whether this is text: UTF-8 without a NUL, but for a character that is cut at either end.
    pub fn is_text(&self) -> bool {
        let cut = if self.offset == 0 {
            0
        } else {
            self.bytes
                .iter()
                .take(3)
                .take_while(|byte| **byte & 0xc0 == 0x80)
                .count()
        };
        match std::str::from_utf8(&self.bytes[cut..]) {
            Ok(text) => !text.contains('\0'),
            Err(error) => error.error_len().is_none() && !self.is_last() && !self.bytes.contains(&0),
        }
    }

    /// Returns the bytes as text, with `U+FFFD` in place of what is not UTF-8.
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Reads a file of a workspace as a stream.
///
/// It gives at most as many bytes as the file had when it was opened, and ends sooner if the file shrinks.
#[derive(Debug)]
pub struct Download {
    size: u64,
    reader: Take<tokio::fs::File>,
}

impl Download {
    /// Returns the size of the file in bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl AsyncRead for Download {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl Workspace {
    /// Reads at most `max_bytes` of the file `path` from `offset` on; at most [`MAX_READ_BYTES`].
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if there is no such file.
    /// - [`SandboxError::InvalidPath`] if it is no regular file, cannot be opened or leads out of the workspace.
    pub async fn read(&self, path: &WorkspacePath, offset: u64, max_bytes: usize) -> Result<Chunk> {
        let (root, path) = (self.root(), path.clone());
        blocking(move || {
            let (file, stat) = root.open_to_read(&path)?;
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
            let mut bytes = vec![0; left.min(max_bytes).min(MAX_READ_BYTES)];
            let mut len = 0;
            while len < bytes.len() {
                match file.read_at(&mut bytes[len..], offset + len as u64) {
                    Ok(0) => break,
                    Ok(count) => len += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(refused(&path, error)),
                }
            }
            bytes.truncate(len);
            Ok(Chunk { bytes, offset, size })
        })
        .await
    }

    /// Opens the file `path` as a stream, if it has at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// - As for [`read`](Self::read).
    /// - [`SandboxError::TooLarge`] if it has more; a sparse file counts with its whole length.
    pub async fn download(&self, path: &WorkspacePath, max_bytes: u64) -> Result<Download> {
        let (root, path) = (self.root(), path.clone());
        blocking(move || {
            let (file, stat) = root.open_to_read(&path)?;
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            if size > max_bytes {
                return Err(SandboxError::TooLarge {
                    what: "file",
                    size,
                    max: max_bytes,
                });
            }
            Ok(Download {
                size,
                reader: tokio::fs::File::from_std(file).take(size),
            })
        })
        .await
    }
}
