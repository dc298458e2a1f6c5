//! Lines of bounded length.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// What a line holds on to between messages.
const KEPT_BYTES: usize = 64 << 10;

/// Reads lines, and passes over those that are too long.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    max: usize,
    /// Whether the line that comes is too long, and is passed over.
    is_skipping: bool,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// One that was too long.
    TooLong,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn new(reader: R, max: usize) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            max,
            is_skipping: false,
        }
    }

    /// Waits for the next line that is not blank; `None` at the end of the input. A line without an end is none.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost.
    pub(super) async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            let come = self.reader.fill_buf().await?;
            if come.is_empty() {
                return Ok(None);
            }
            let end = come.iter().position(|byte| *byte == b'\n');
            let part = &come[..end.unwrap_or(come.len())];
            if self.line.len() + part.len() > self.max {
                self.is_skipping = true;
                self.line = Vec::new();
            } else if !self.is_skipping {
                self.line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.reader.consume(consumed);
            if end.is_none() {
                continue;
            }
            if std::mem::take(&mut self.is_skipping) {
                return Ok(Some(Line::TooLong));
            }
            let line = std::mem::replace(&mut self.line, Vec::with_capacity(KEPT_BYTES.min(self.max)));
            if !line.trim_ascii().is_empty() {
                return Ok(Some(Line::Whole(line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(input, 5);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn long_lines_are_passed_over_and_blank_ones_too() {
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(
            all(b"a\n\n \r\n12345\n123456\nb\r\nc").await,
            [whole("a"), whole("12345"), Line::TooLong, whole("b\r")]
        );
        let long = [vec![b'x'; 100_000], b"\ny\n".to_vec()].concat();
        assert_eq!(all(&long).await, [Line::TooLong, whole("y")]);
    }
}
