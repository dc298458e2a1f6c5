//! Tells of runs in the channel that the operator has named for that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inline_sandbox::RunResult;

use crate::bot::{Bot, chain};
use crate::config::Rule;
use crate::message::Message;
use crate::policy::Caller;
use crate::rest::{Body, Route};
use crate::show::{MAX_CONTENT, inline, length, span};

/// How many runs wait to be told in one channel; Discord takes few messages, but long ones.
const MAX_WAITING: usize = 1_000;

/// Keeps what is yet to be told, by channel.
#[derive(Debug, Default)]
pub(crate) struct Audit(Mutex<BTreeMap<u64, VecDeque<String>>>);

impl Audit {
    /// Takes a line for `channel`; says whether somebody has to begin to tell it.
    fn push(&self, channel: u64, line: String) -> bool {
        let mut waiting = self.waiting();
        let is_first = !waiting.contains_key(&channel);
        let lines = waiting.entry(channel).or_default();
        if lines.len() < MAX_WAITING {
            lines.push_back(line);
        } else {
            tracing::warn!(
                channel,
                "a run is not told in the audit channel: too many wait for that"
            );
        }
        is_first
    }

    /// Returns as many lines for `channel` as one message has room for; `None` if there are none, and nobody tells them now.
    fn pop(&self, channel: u64) -> Option<String> {
        let mut waiting = self.waiting();
        let lines = waiting.get_mut(&channel)?;
        let Some(mut text) = lines.pop_front() else {
            waiting.remove(&channel);
            return None;
        };
        while let Some(line) = lines.pop_front_if(|line| length(&text) + 1 + length(line) <= MAX_CONTENT) {
            text = text + "\n" + &line;
        }
        Some(text)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, VecDeque<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of a run by its id, of a program in a language or of an installation, beside everything else.
pub(super) fn tell(bot: &Arc<Bot>, rule: &Rule, caller: &Caller, what: &str, (id, result): (&str, &RunResult)) {
    let Some(channel) = rule.audit_channel.as_ref().and_then(|channel| channel.parse().ok()) else {
        return;
    };
    if !bot.audit.push(channel, line(id, caller, what, result)) {
        return;
    }
    let told = Arc::clone(bot);
    drop(bot.tasks.spawn(async move {
        while let Some(text) = told.audit.pop(channel) {
            let body = Message::new(text).new_body(false);
            let route = Route::CreateMessage { channel };
            if let Err(error) = told.rest.call(route, Body::Json(&body)).await {
                tracing::warn!(
                    error = chain(&error),
                    channel,
                    "runs could not be told in the audit channel"
                );
            }
        }
    }));
}

fn line(id: &str, caller: &Caller, what: &str, result: &RunResult) -> String {
    /// As much of the names of packages as anybody wants to read.
    const MAX_WHAT: usize = 200;
    let what: String = what.chars().take(MAX_WHAT).collect();
    format!(
        "run {} · user {} · {} · {} · {} · {}",
        inline(id),
        inline(&caller.user.to_string()),
        inline(&caller.place()),
        inline(&what),
        result.verdict.name(),
        span(result.usage.wall)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_together() {
        let audit = Audit::default();
        assert!(audit.push(1, "a".to_owned()));
        assert!(!audit.push(1, "b".to_owned()));
        assert!(audit.push(2, "c".to_owned()));
        assert_eq!(audit.pop(1).as_deref(), Some("a\nb"));
        assert_eq!(audit.pop(1), None);
        assert!(audit.push(1, "d".to_owned()));
    }

    #[test]
    fn no_message_is_too_long_and_no_more_wait_than_may() {
        let audit = Audit::default();
        for _ in 0..2 * MAX_WAITING {
            audit.push(1, "x".repeat(300));
        }
        let mut lines = 0;
        while let Some(text) = audit.pop(1) {
            assert!(length(&text) <= MAX_CONTENT);
            lines += text.lines().count();
        }
        assert_eq!(lines, MAX_WAITING);
    }
}
