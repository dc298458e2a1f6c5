//! Finds the mark that an interpreter prints when a cell is done, wherever the chunks of its output are cut.

use bytes::{Bytes, BytesMut};

/// Passes output on up to the mark.
#[derive(Debug)]
pub(crate) struct MarkFinder {
    mark: Vec<u8>,
    held: BytesMut,
    found: bool,
}

impl MarkFinder {
    pub(crate) fn new(mark: &str) -> Self {
        Self {
            mark: mark.as_bytes().to_vec(),
            held: BytesMut::new(),
            found: false,
        }
    }

    pub(crate) fn found(&self) -> bool {
        self.found
    }

    /// Takes a chunk and returns what is surely before the mark; what might be its start is held back.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Bytes {
        if self.found {
            return Bytes::new();
        }
        self.held.extend_from_slice(chunk);
        if let Some(at) = self
            .held
            .windows(self.mark.len())
            .position(|window| window == self.mark)
        {
            self.found = true;
            return self.held.split_to(at).freeze();
        }
        let longest = self.mark.len().saturating_sub(1).min(self.held.len());
        let kept = (0..=longest)
            .rev()
            .find(|&length| self.held.ends_with(&self.mark[..length]))
            .unwrap_or(0);
        self.held.split_to(self.held.len() - kept).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_wherever_it_is_cut() {
        let text = b"output @@mark@ and more@mark@";
        for size in 1..text.len() {
            let mut finder = MarkFinder::new("@mark@");
            let passed: Vec<u8> = text.chunks(size).flat_map(|chunk| finder.push(chunk)).collect();
            assert_eq!(
                (passed.as_slice(), finder.found()),
                (b"output @".as_slice(), true),
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn nothing_is_held_that_cannot_be_a_mark() {
        let mut finder = MarkFinder::new("@mark@");
        assert_eq!(finder.push(b"prompt> "), b"prompt> ".as_slice());
        assert_eq!(finder.push(b"user@ma"), b"user".as_slice());
        assert_eq!(finder.push(b"chine"), b"@machine".as_slice());
    }
}
