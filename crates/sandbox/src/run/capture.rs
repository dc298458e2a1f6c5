//! What is kept of a program's output, and how much it may print.

use super::RunEvent;
use crate::Limits;

/// The start of one stream of output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Captured {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub truncated: bool,
}

impl Captured {
    /// Returns what was kept as text, with what is no UTF-8 replaced.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn push(&mut self, chunk: &[u8], room: usize) -> usize {
        let kept = chunk.len().min(room);
        self.bytes.extend_from_slice(&chunk[..kept]);
        self.truncated |= kept < chunk.len();
        kept
    }
}

/// Keeps the first bytes of both streams together, and counts all.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    /// How many bytes are still kept.
    room: usize,
    /// How many bytes may still be printed.
    left: usize,
    is_over: bool,
}

impl Capture {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bounded = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            stdout: Captured::default(),
            stderr: Captured::default(),
            room: bounded(limits.output_kept),
            left: bounded(limits.output_max),
            is_over: false,
        }
    }

    /// Returns whether more was printed than allowed.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes what was printed and returns what of it may be passed on.
    pub(crate) fn push(&mut self, event: RunEvent) -> Option<RunEvent> {
        let captured = match event {
            RunEvent::Stdout(_) => &mut self.stdout,
            RunEvent::Stderr(_) => &mut self.stderr,
        };
        let (printed, allowed) = (event.bytes().len(), event.bytes().len().min(self.left));
        self.left -= allowed;
        self.is_over |= allowed < printed;
        let event = event.cut(allowed);
        self.room -= captured.push(event.bytes(), self.room);
        captured.truncated |= allowed < printed;
        (allowed > 0).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn capture(kept: u64, max: u64) -> Capture {
        let mut limits = Limits::default();
        (limits.output_kept, limits.output_max) = (kept, max);
        Capture::new(&limits)
    }

    fn out(text: &'static str) -> RunEvent {
        RunEvent::Stdout(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn the_start_of_both_streams_is_kept_and_all_is_passed_on_up_to_the_limit() {
        let mut capture = capture(6, 10);
        assert_eq!(capture.push(out("abcd")), Some(out("abcd")));
        let error = RunEvent::Stderr(Bytes::from_static(b"efgh"));
        assert_eq!(capture.push(error.clone()), Some(error));
        assert_eq!(
            (capture.stdout.to_text(), capture.stdout.truncated),
            ("abcd".to_owned(), false)
        );
        assert_eq!(
            (capture.stderr.to_text(), capture.stderr.truncated),
            ("ef".to_owned(), true)
        );
        assert_eq!(capture.push(out("ij")), Some(out("ij")));
        assert!(!capture.is_over());
        assert_eq!(capture.push(out("k")), None);
        assert!(capture.is_over() && capture.stdout.truncated);
    }

    #[test]
    fn a_chunk_over_the_limit_is_cut() {
        let mut capture = capture(100, 3);
        assert_eq!(capture.push(out("abcd")), Some(out("abc")));
        assert_eq!(capture.stdout.to_text(), "abc");
        assert!(capture.is_over() && capture.stdout.truncated);
    }
}
