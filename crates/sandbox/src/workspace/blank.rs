//! Images on which there is nothing.

use std::fs::File;
use std::io::{Cursor, Read};

use png::{Decoder, Limits, Transformations};

/// The most bytes of a file that are read; a blank image compresses well.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// The most pixels that are looked at, so that a bomb costs a fraction of a second.
const MAX_PIXELS: u64 = 40_000_000;
/// The most memory that the decoder takes, in bytes.
const MAX_DECODER_BYTES: usize = 16 << 20;

/// Returns whether `file` is a PNG whose pixels all have one colour.
///
/// What is too large to be looked at, damaged or another format is not blank.
pub(super) fn is_blank_png(file: File) -> bool {
    let mut bytes = Vec::new();
    match file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        Ok(len) if len as u64 <= MAX_FILE_BYTES => has_one_colour(&bytes).unwrap_or(false),
        _ => false,
    }
}

fn has_one_colour(file: &[u8]) -> Result<bool, png::DecodingError> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_limits(Limits {
        bytes: MAX_DECODER_BYTES,
    });
    // Pixels of less than a byte are widened, so that each is some whole bytes.
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info()?;
    let info = reader.info();
    if u64::from(info.width) * u64::from(info.height) > MAX_PIXELS || info.is_animated() {
        return Ok(false);
    }
    let (colour, depth) = reader.output_color_type();
    let pixel_bytes = colour.samples() * (depth as usize).div_ceil(8);
    let mut first: Option<Vec<u8>> = None;
    while let Some(row) = reader.next_row()? {
        let mut pixels = row.data().chunks_exact(pixel_bytes);
        let first = match &first {
            Some(first) => first,
            None => first.insert(pixels.next().unwrap_or_default().to_vec()),
        };
        if pixels.any(|pixel| pixel != first) {
            return Ok(false);
        }
    }
    Ok(first.is_some())
}
