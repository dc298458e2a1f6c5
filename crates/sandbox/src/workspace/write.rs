//! Writing: whole files at once, at the end of one, or from a stream.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::blocking::blocking;
use super::root::{Root, refused};
use super::staged::Staged;
use super::usage::to_be_allocated;
use super::{Workspace, WorkspacePath};
use crate::{Result, SandboxError};

/// What is held in memory of an upload, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

impl Workspace {
    /// Writes `content` as the file `path`, in place of what is there.
    ///
    /// Whoever reads the file sees the old content or the new, never a part; so does whoever starts after this process was
    /// killed. A link of that name is replaced, not followed. The directory must be there.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::QuotaExceeded`] if it does not fit beside what is there, the old content included.
    /// - [`SandboxError::NotFound`] if the directory is not there.
    /// - [`SandboxError::InvalidPath`] if the path is a directory or leads out of the workspace.
    pub async fn write(&self, path: &WorkspacePath, content: impl Into<Bytes>) -> Result<()> {
        let (root, path, content) = (self.root(), path.clone(), content.into());
        blocking(move || root.write(&path, &content, true)).await
    }

    /// Appends `content` to the file `path`, which is created if it is not there.
    ///
    /// # Errors
    ///
    /// - As for [`write`](Self::write), and [`SandboxError::InvalidPath`] if it is no regular file.
    pub async fn append(&self, path: &WorkspacePath, content: impl Into<Bytes>) -> Result<()> {
        let (root, path, content) = (self.root(), path.clone(), content.into());
        blocking(move || root.append(&path, &content)).await
    }

    /// Writes what `reader` gives until its end as the file `path`, in place of what is there; returns the bytes.
    ///
    /// # Cancellation
    ///
    /// Nothing has changed then, unless all was read already. The time is the caller's to bound.
    ///
    /// # Errors
    ///
    /// - As for [`write`](Self::write).
    /// - [`SandboxError::TooLarge`] if there are more than `max_bytes`.
    /// - [`SandboxError::Io`] if `reader` fails.
    pub async fn upload(
        &self,
        path: &WorkspacePath,
        reader: &mut (impl AsyncRead + Unpin + Send + ?Sized),
        max_bytes: u64,
    ) -> Result<u64> {
        let (root, path) = (self.root(), path.clone());
        let checked = path.clone();
        let (free, staged) = blocking(move || {
            root.parent(&checked)?;
            Ok((root.check_room(0, 0)?, Staged::create(root)?))
        })
        .await?;
        let received = receive(&staged, reader, free, max_bytes, self.quota().bytes).await?;
        blocking(move || staged.place(&path, true)).await?;
        Ok(received)
    }
}

/// Copies `reader` into `staged`, and stops at the first byte too many.
async fn receive(
    staged: &Staged,
    reader: &mut (impl AsyncRead + Unpin + Send + ?Sized),
    free: u64,
    max_bytes: u64,
    quota_bytes: u64,
) -> Result<u64> {
    let refused = SandboxError::io("receiving a file");
    let file = staged.file().try_clone().map_err(&refused)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut received = 0_u64;
    loop {
        let len = reader.read(&mut buffer).await.map_err(&refused)?;
        if len == 0 {
            break;
        }
        received += len as u64;
        if received > max_bytes {
            return Err(SandboxError::TooLarge {
                what: "file",
                size: received,
                max: max_bytes,
            });
        }
        if received > free {
            let used = (quota_bytes - free).saturating_add(received);
            return Err(SandboxError::QuotaExceeded {
                what: "bytes",
                used,
                limit: quota_bytes,
            });
        }
        file.write_all(&buffer[..len]).await.map_err(&refused)?;
    }
    file.flush().await.map_err(&refused)?;
    Ok(received)
}

impl Root {
    fn write(self: Arc<Self>, path: &WorkspacePath, content: &[u8], replace: bool) -> Result<()> {
        self.parent(path)?;
        let staged = Staged::create(self)?;
        (&*staged.file())
            .write_all(content)
            .map_err(|error| refused(path, error))?;
        staged.place(path, replace)
    }

    fn append(self: Arc<Self>, path: &WorkspacePath, content: &[u8]) -> Result<()> {
        let (mut file, _) = match self.open_to_append(path) {
            Err(SandboxError::NotFound { .. }) => match Arc::clone(&self).write(path, content, false) {
                // Somebody else has created it meanwhile, or it is a link that leads nowhere.
                Err(SandboxError::AlreadyExists { .. }) => self.open_to_append(path)?,
                written => return written,
            },
            opened => opened?,
        };
        self.check_room(to_be_allocated(content.len() as u64), 0)?;
        file.write_all(content).map_err(|error| refused(path, error))
    }
}
