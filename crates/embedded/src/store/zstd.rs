//! Reads zstd data of any number of frames.
//!
//! Layers are often packed so that each file begins a frame, with frames between that hold an index. Who reads only the
//! first frame sees an archive that ends early.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::tree::refused;

/// Unpacks as it is read.
pub(super) struct Frames<R> {
    packed: R,
    decoder: FrameDecoder,
    is_within: bool,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(packed: R) -> Self {
        Self {
            packed,
            decoder: FrameDecoder::new(),
            is_within: false,
        }
    }

    /// Begins the next frame, if there is one, passing over those that are no data.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.packed.by_ref().take(length), &mut io::sink())? != length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_within && !self.begin()? {
                return Ok(0);
            }
            self.is_within = true;
            // One block at a time bounds what is unpacked ahead.
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| unreadable(&error))?;
            }
            match self.decoder.read(buffer)? {
                0 if !buffer.is_empty() => {
                    if self.decoder.get_checksum_from_data() != self.decoder.get_calculated_checksum()
                        && self.decoder.get_checksum_from_data().is_some()
                    {
                        return Err(refused("zstd data whose checksum is wrong"));
                    }
                    self.is_within = false;
                }
                read => return Ok(read),
            }
        }
    }
}

fn unreadable(error: &FrameDecoderError) -> io::Error {
    refused(&format!("zstd data that cannot be read: {error}"))
}
