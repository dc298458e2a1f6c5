//! Messages that mention the bot and have code in them: each has an answer that follows its edits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::bot::{Bot, chain, present};
use crate::failure::Failure;
use crate::message::Message;
use crate::metric;
use crate::policy::{Caller, Refused};
use crate::run::Ask;

/// How many messages are followed at once.
const MAX_FOLLOWED: usize = 1_000;
/// How long after its last change a message is followed.
const FOLLOWED: Duration = Duration::from_hours(24);

/// Knows the messages that are followed, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Mentions(Mutex<VecDeque<Followed>>);

#[derive(Debug)]
struct Followed {
    message: u64,
    /// What the message says now; `None` once it is deleted.
    content: watch::Sender<Option<String>>,
}

impl Mentions {
    /// Follows a message; the oldest is followed no more where there are too many.
    fn follow(&self, message: u64, content: String) -> watch::Receiver<Option<String>> {
        let (sender, receiver) = watch::channel(Some(content));
        let mut followed = self.followed();
        followed.retain(|one| !one.content.is_closed());
        if followed.len() >= MAX_FOLLOWED {
            followed.pop_front();
        }
        followed.push_back(Followed {
            message,
            content: sender,
        });
        receiver
    }

    /// Tells the one that follows `message` what it says now; says whether anybody follows it.
    pub(crate) fn changed(&self, message: u64, content: Option<&str>) -> bool {
        let followed = self.followed();
        let Some(one) = followed.iter().find(|one| one.message == message) else {
            return false;
        };
        one.content.send_if_modified(|known| {
            let is_new = known.as_deref() != content;
            if is_new {
                *known = content.map(ToOwned::to_owned);
            }
            is_new
        });
        true
    }

    fn followed(&self) -> MutexGuard<'_, VecDeque<Followed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bot {
    /// Runs the code of a message, and again whenever the message changes, until it is deleted or nobody changes it any more.
    pub(crate) fn follow_message(self: &Arc<Self>, mut caller: Caller, message: u64, content: String) {
        let mut content = self.mentions.follow(message, content);
        let bot = Arc::clone(self);
        drop(self.tasks.spawn(async move {
            if let Err(error) = bot.find_parent(&mut caller).await {
                tracing::warn!(error = chain(&error), "where a message is could not be found out");
                return;
            }
            // Whoever may not use the bot cannot make it write messages either.
            if matches!(bot.rule(&caller), Err(Failure::Refused(Refused::Denied))) {
                return;
            }
            counter!(metric::EVENTS, "kind" => "mention").increment(1);
            let mut answer = Answer::to_message(&bot.rest, caller.channel, message);
            // Before anything can be given up half-way, so that there is one answer.
            if let Err(error) = answer.show(&Message::new("⏳ **Starting**")).await {
                tracing::debug!(error = chain(&error), "a message could not be answered");
                return;
            }
            loop {
                let Some(text) = content.borrow_and_update().clone() else {
                    if let Err(error) = answer.delete().await {
                        tracing::debug!(error = chain(&error), "an answer could not be deleted");
                    }
                    return;
                };
                tokio::select! {
                    biased;
                    // What runs of the text before is dropped, which cancels it.
                    Ok(()) = content.changed() => continue,
                    () = bot.run_message(&caller, &text, &mut answer) => {}
                }
                let next = tokio::select! {
                    next = timeout(FOLLOWED, content.changed()) => next,
                    () = bot.closing.cancelled() => return,
                };
                if !matches!(next, Ok(Ok(()))) {
                    return;
                }
            }
        }));
    }

    async fn run_message(self: &Arc<Self>, caller: &Caller, text: &str, answer: &mut Answer) {
        let admitted = self.program_in(text).and_then(|(language, source)| {
            let rule = self.admit(caller, &language)?;
            Ok((language, source, rule))
        });
        match admitted {
            Ok((language, source, rule)) => {
                let ask = Ask {
                    caller: caller.clone(),
                    language,
                    source,
                    stdin: None,
                    is_private: false,
                };
                self.run(ask, rule, answer).await;
            }
            Err(failure) => present(answer, Message::new(Failure::tell(&failure))).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_reach_whoever_follows() {
        let mentions = Mentions::default();
        let mut content = mentions.follow(1, "a".to_owned());
        assert!(mentions.changed(1, Some("a")));
        assert!(!content.has_changed().unwrap());
        assert!(mentions.changed(1, Some("b")));
        assert_eq!(content.borrow_and_update().as_deref(), Some("b"));
        assert!(mentions.changed(1, None));
        assert_eq!(*content.borrow_and_update(), None);
        assert!(!mentions.changed(2, None));
        drop(content);
        drop(mentions.follow(2, "x".to_owned()));
        assert!(!mentions.changed(1, None));
    }

    #[tokio::test]
    async fn the_oldest_is_let_go() {
        let mentions = Mentions::default();
        let mut kept: Vec<_> = (0..=MAX_FOLLOWED as u64)
            .map(|id| mentions.follow(id, String::new()))
            .collect();
        assert!(!mentions.changed(0, None) && mentions.changed(1, None));
        assert!(kept[0].changed().await.is_err());
    }
}
