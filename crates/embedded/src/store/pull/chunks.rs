//! Reads in one thread what comes over a channel from another.

use std::io::{self, Read};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Reads what comes over a channel. Only `None` is its end: a sender that is gone has given up.
pub(super) struct Chunks {
    received: mpsc::Receiver<Option<Bytes>>,
    current: Bytes,
    has_ended: bool,
}

impl Chunks {
    pub(super) fn new(received: mpsc::Receiver<Option<Bytes>>) -> Self {
        Self {
            received,
            current: Bytes::new(),
            has_ended: false,
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.has_ended {
            match self.received.blocking_recv() {
                Some(Some(chunk)) => self.current = chunk,
                Some(None) => self.has_ended = true,
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
        let read = self.current.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.current.split_to(read));
        Ok(read)
    }
}
