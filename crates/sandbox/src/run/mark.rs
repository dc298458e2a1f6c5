//! The mark behind which a container says how its program ended, and its search in the output.

use std::fmt;

use bytes::{Bytes, BytesMut};
use inline_runtime::{Error, ErrorKind, Result};

/// A control character that programs hardly print, so that the search rarely stops.
const FIRST: u8 = 1;

/// A word that nobody can guess.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Mark(String);

/// Passes output on up to a mark, wherever the chunks are cut, and keeps what is behind it.
#[derive(Debug)]
pub(crate) struct MarkFinder {
    /// The mark as it is printed.
    mark: Vec<u8>,
    /// The end of what was pushed that may be the start of the mark.
    held: Bytes,
    /// What is behind the mark, once that is found.
    tail: Option<BytesMut>,
}

impl Mark {
    /// Draws 128 random bits.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if the machine has no random numbers.
    pub(crate) fn random() -> Result<Self> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "no random numbers on this machine").with_source(error)
        })?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bits))))
    }

    #[cfg(test)]
    pub(crate) fn fixed(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(***)")
    }
}

impl MarkFinder {
    pub(crate) fn new(mark: &Mark) -> Self {
        let mark = [&[FIRST], mark.0.as_bytes()].concat();
        Self {
            mark,
            held: Bytes::new(),
            tail: None,
        }
    }

    pub(crate) fn found(&self) -> bool {
        self.tail.is_some()
    }

    /// Returns the line behind the mark, without its end, once all of it is there.
    pub(crate) fn line(&self) -> Option<&[u8]> {
        let tail = self.tail.as_ref()?;
        let end = tail.iter().position(|&byte| byte == b'\n')?;
        Some(&tail[..end])
    }

    /// Takes a chunk and returns what is surely before the mark; what may be its start is held back.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        /// A line behind the mark is shorter; what a left-over process prints later is nobody's.
        const MAX_TAIL: usize = 512;
        if let Some(tail) = &mut self.tail {
            let room = MAX_TAIL.saturating_sub(tail.len()).min(chunk.len());
            tail.extend_from_slice(&chunk[..room]);
            return Bytes::new();
        }
        let mut text = if self.held.is_empty() {
            chunk
        } else {
            [&*self.held, &*chunk].concat().into()
        };
        self.held = Bytes::new();
        let mut from = 0;
        while let Some(at) = text[from..].iter().position(|&byte| byte == FIRST).map(|at| from + at) {
            let rest = &text[at..];
            if rest.starts_with(&self.mark) {
                let behind = text.split_off(at).slice(self.mark.len()..);
                self.tail = Some(BytesMut::new());
                self.push(behind);
                return text;
            }
            if self.mark.starts_with(rest) {
                self.held = text.split_off(at);
                return text;
            }
            from = at + 1;
        }
        text
    }

    /// Returns what was held back, when nothing more comes.
    pub(crate) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_and_its_line_are_found_wherever_they_are_cut() {
        let text = b"output \x01\x01ma and more\x01mark 7 8\nrest";
        for size in 1..=text.len() {
            let mut finder = MarkFinder::new(&Mark::fixed("mark"));
            let chunks = text.chunks(size);
            let passed: Vec<u8> = chunks
                .flat_map(|chunk| finder.push(Bytes::copy_from_slice(chunk)))
                .collect();
            assert_eq!(passed, b"output \x01\x01ma and more", "chunks of {size}");
            assert_eq!(finder.line(), Some(b" 7 8".as_slice()), "chunks of {size}");
        }
    }

    #[test]
    fn nothing_is_held_that_cannot_be_the_mark_and_nothing_is_lost() {
        let mut finder = MarkFinder::new(&Mark::fixed("mark"));
        let prompt = Bytes::from_static(b"prompt> ");
        assert_eq!(finder.push(prompt.clone()), prompt);
        assert_eq!(finder.push(Bytes::from_static(b"user\x01ma")), b"user".as_slice());
        assert_eq!(finder.push(Bytes::from_static(b"chine\x01")), b"\x01machine".as_slice());
        assert!(!finder.found());
        assert_eq!(finder.finish(), b"\x01".as_slice());
    }

    #[test]
    fn what_is_kept_behind_the_mark_is_bounded() {
        let mut finder = MarkFinder::new(&Mark::fixed("mark"));
        finder.push(Bytes::from_static(b"\x01mark"));
        for _ in 0..1000 {
            finder.push(Bytes::from(vec![b'x'; 1000]));
        }
        assert!(finder.tail.is_some_and(|tail| tail.len() <= 512));
    }

    #[test]
    fn marks_differ_and_never_print() {
        let mark = Mark::random().unwrap();
        assert_eq!(mark.as_str().len(), 32);
        assert_ne!(mark, Mark::random().unwrap());
        assert!(!format!("{mark:?}").contains(mark.as_str()));
    }
}
