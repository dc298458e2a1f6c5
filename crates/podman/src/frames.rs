//! The frames that carry standard output and standard error over one connection.
//!
//! Each is a header of eight bytes, the stream's number and the length in its last four, and so many bytes of the
//! program's. Since no container is given a terminal, the service frames every byte that a program prints; none of them is
//! ever read as a header.

use std::io;

use bytes::Bytes;
use futures::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use inline_runtime::{Error, ErrorKind, Event, Result};

use crate::error::lost;
use crate::raw::Reader;

/// The largest chunk that is handed on; memory never follows the length that a header claims.
const MAX_CHUNK_BYTES: usize = 32 << 10;
const HEADER_BYTES: usize = 8;

/// Reads events from frames.
pub(crate) struct Frames {
    reader: BufReader<Reader>,
    make: fn(Bytes) -> Event,
    /// The bytes of the frame that are still to come.
    left: usize,
}

impl Frames {
    /// Reads frames from `reader`.
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            reader: BufReader::with_capacity(MAX_CHUNK_BYTES, reader),
            make: Event::Stdout,
            left: 0,
        }
    }

    /// Returns the next chunk, or `None` at the end between two frames.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>> {
        while self.left == 0 {
            match self.reader.fill_buf().await {
                Ok([]) => return Ok(None),
                Ok(_) => self.header().await?,
                // How the kernel tells the end when the process left some of its input unread. All output came before it.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(lost(error)),
            }
        }
        let buffered = self.reader.fill_buf().await.map_err(lost)?;
        if buffered.is_empty() {
            return Err(lost(io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        let length = buffered.len().min(self.left);
        let chunk = Bytes::copy_from_slice(&buffered[..length]);
        self.reader.consume_unpin(length);
        self.left -= length;
        Ok(Some((self.make)(chunk)))
    }

    async fn header(&mut self) -> Result<()> {
        let mut header = [0; HEADER_BYTES];
        self.reader.read_exact(&mut header).await.map_err(lost)?;
        let [stream, _, _, _, length @ ..] = header;
        self.make = match stream {
            1 => Event::Stdout,
            2 => Event::Stderr,
            other => {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    format!("the service sent a frame of the unknown stream {other}"),
                ));
            }
        };
        self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &'static [u8]) -> Frames {
        Frames::new(Box::new(bytes))
    }

    fn stdout(text: &'static str) -> Event {
        Event::Stdout(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn streams_are_kept_apart_and_in_order() {
        let mut frames = frames(b"\x01\0\0\0\0\0\0\x02hi\x02\0\0\0\0\0\0\x01!\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01.");
        assert_eq!(frames.next().await.unwrap(), Some(stdout("hi")));
        assert_eq!(
            frames.next().await.unwrap(),
            Some(Event::Stderr(Bytes::from_static(b"!")))
        );
        assert_eq!(frames.next().await.unwrap(), Some(stdout(".")));
        assert_eq!(frames.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_that_breaks_off_is_a_lost_connection() {
        for bytes in [&b"\x01\0\0"[..], b"\x01\0\0\0\0\0\0\x02"] {
            assert_eq!(frames(bytes).next().await.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        let mut short = frames(b"\x01\0\0\0\xff\xff\xff\xffabc");
        assert_eq!(short.next().await.unwrap(), Some(stdout("abc")));
        assert_eq!(short.next().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn an_unknown_stream_is_refused() {
        let error = frames(b"\x07\0\0\0\0\0\0\x01x").next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
    }
}
