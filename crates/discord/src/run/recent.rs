//! Programs and outputs of late, for the buttons below their answers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Ask;

/// How many are kept.
const MAX: usize = 1_000;
/// How much all of them take.
const MAX_BYTES: usize = 64 << 20;

/// Keeps the latest programs with their outputs, within bounds.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<(String, Kept)>,
    bytes: usize,
}

/// Holds a program that was run, and all that was kept of what it printed.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) ask: Ask,
    pub(crate) output: String,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.ask.source.len() + self.ask.stdin.as_ref().map_or(0, String::len) + self.output.len()
    }
}

impl Recent {
    pub(crate) fn keep(&self, run: &str, kept: Kept) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes += kept.bytes();
        state.kept.push_back((run.to_owned(), kept));
        while state.kept.len() > MAX || state.bytes > MAX_BYTES {
            let Some((_, oldest)) = state.kept.pop_front() else {
                return;
            };
            state.bytes -= oldest.bytes();
        }
    }

    pub(crate) fn get(&self, run: &str) -> Option<Kept> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .kept
            .iter()
            .rev()
            .find(|(id, _)| id == run)
            .map(|(_, kept)| kept.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Caller;

    fn kept(bytes: usize) -> Kept {
        Kept {
            ask: Ask {
                caller: Caller {
                    user: 1,
                    guild: None,
                    channel: 2,
                    parent: None,
                    roles: Vec::new(),
                    is_moderator: false,
                    upload_limit: 0,
                },
                language: "python".to_owned(),
                source: String::new(),
                stdin: None,
                is_private: false,
            },
            output: "x".repeat(bytes),
        }
    }

    #[test]
    fn the_latest_are_kept() {
        let recent = Recent::default();
        for number in 0..=MAX {
            recent.keep(&number.to_string(), kept(1));
        }
        assert!(recent.get("0").is_none() && recent.get("1").is_some());
    }

    #[test]
    fn they_take_no_more_than_they_may() {
        let recent = Recent::default();
        for number in 0..5 {
            recent.keep(&number.to_string(), kept(MAX_BYTES / 4));
        }
        assert!(recent.get("0").is_none() && recent.get("4").is_some());
        assert!(recent.0.lock().unwrap().bytes <= MAX_BYTES);
    }
}
