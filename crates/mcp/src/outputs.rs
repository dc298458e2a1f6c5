//! What did not fit into results, kept for a while so that a client can read it as a resource.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::uri::ResourceUri;

/// How many outputs are kept of one client, and how many bytes of all of them; the oldest go first.
const MAX_KEPT: usize = 64;
const MAX_KEPT_BYTES: usize = 8 << 20;

/// Names a stream of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
}

/// Keeps the last outputs that were cut.
#[derive(Default)]
pub(crate) struct Outputs(Mutex<VecDeque<Kept>>);

struct Kept {
    uri: String,
    text: Arc<str>,
}

impl OutputStream {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl Outputs {
    /// Keeps what the run `id` printed.
    pub(crate) fn keep(&self, id: &str, stream: OutputStream, text: &str) {
        let mut kept = self.kept();
        kept.push_back(Kept {
            uri: ResourceUri::output(id, stream),
            text: text.into(),
        });
        let mut bytes: usize = kept.iter().map(|one| one.text.len()).sum();
        while kept.len() > MAX_KEPT || (bytes > MAX_KEPT_BYTES && kept.len() > 1) {
            bytes -= kept.pop_front().map_or(0, |one| one.text.len());
        }
    }

    /// Returns what was kept under `uri`.
    pub(crate) fn find(&self, uri: &str) -> Option<Arc<str>> {
        let kept = self.kept();
        kept.iter().find(|one| one.uri == uri).map(|one| Arc::clone(&one.text))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("kept", &self.kept().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let outputs = Outputs::default();
        for number in 0..=MAX_KEPT {
            outputs.keep(&number.to_string(), OutputStream::Stdout, "x");
        }
        assert_eq!(outputs.find("sandbox://output/0/stdout"), None);
        assert_eq!(outputs.find("sandbox://output/1/stdout").as_deref(), Some("x"));
        outputs.keep("large", OutputStream::Stderr, &"x".repeat(MAX_KEPT_BYTES));
        assert_eq!(outputs.kept().len(), 1);
        assert!(outputs.find("sandbox://output/large/stderr").is_some());
    }
}
