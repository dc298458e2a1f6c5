//! What users attach to a command.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use poise::serenity_prelude as serenity;

use super::put;
use crate::bot::Bot;
use crate::failure::Failure;
use crate::policy::Caller;
use crate::rest::RestError;
use crate::run::file_name;

/// The most of an attachment that is held in memory.
const MAX_FETCHED: u64 = 25 << 20;
/// How many files wait beside an editor.
const MAX_BESIDE: usize = 1_000;
/// What editors of other systems put in front of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Names a file that a user has attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(super) name: String,
    url: String,
    size: u64,
}

impl From<serenity::Attachment> for Attachment {
    fn from(attachment: serenity::Attachment) -> Self {
        Self {
            name: attachment.filename,
            url: attachment.url,
            size: u64::from(attachment.size),
        }
    }
}

impl Attachment {
    /// Checks that it can go into a sandbox, as far as that is known before it is fetched.
    pub(super) fn check(&self, bot: &Bot) -> Result<(), Failure> {
        self.check_size(max_stored(bot))
    }

    /// Puts it into the sandbox of `caller`, under its own name or as `name`; returns that name and its size in bytes.
    pub(super) async fn store(
        &self,
        bot: &Bot,
        caller: &Caller,
        name: Option<String>,
    ) -> Result<(String, u64), Failure> {
        // Held until the content is no more in memory.
        let _turn = bot.transfers.acquire().await;
        let content = self.fetch(bot, max_stored(bot)).await?;
        let name = name.unwrap_or_else(|| file_name(&self.name));
        let size = put(bot, caller, &name, content).await?;
        Ok((name, size))
    }

    /// Returns it as a program.
    pub(super) async fn program(&self, bot: &Bot) -> Result<String, Failure> {
        let _turn = bot.transfers.acquire().await;
        let content = self.fetch(bot, bot.service.config().limits.source_bytes).await?;
        let text = String::from_utf8(content.into()).map_err(|_| Failure::not_text(&self.name))?;
        Ok(text.trim_start_matches(BYTE_ORDER_MARK).replace("\r\n", "\n"))
    }

    async fn fetch(&self, bot: &Bot, max_bytes: u64) -> Result<Bytes, Failure> {
        self.check_size(max_bytes)?;
        Ok(bot.rest.fetch(&self.url, max_bytes).await?)
    }

    fn check_size(&self, max: u64) -> Result<(), Failure> {
        if self.size > max {
            return Err(RestError::TooLarge { max }.into());
        }
        Ok(())
    }
}

fn max_stored(bot: &Bot) -> u64 {
    bot.service.config().limits.workspace_bytes.min(MAX_FETCHED)
}

/// Knows the files that came with a command which an editor has answered, until that is sent.
#[derive(Debug, Default)]
pub(crate) struct Beside(Mutex<VecDeque<(u64, Attachment)>>);

impl Beside {
    /// Keeps what came with the interaction `id`; the oldest is forgotten where there are too many.
    pub(super) fn keep(&self, id: u64, attachment: Attachment) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_BESIDE {
            kept.pop_front();
        }
        kept.push_back((id, attachment));
    }

    /// Returns what came with the interaction `id`, which an editor may send more than once.
    pub(super) fn get(&self, id: u64) -> Option<Attachment> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .rev()
            .find(|(other, _)| *other == id)
            .map(|(_, attachment)| attachment.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept() {
        let beside = Beside::default();
        let attachment = Attachment {
            name: "a".to_owned(),
            url: String::new(),
            size: 1,
        };
        for id in 0..=MAX_BESIDE as u64 {
            beside.keep(id, attachment.clone());
        }
        assert_eq!(beside.get(0), None);
        assert_eq!(beside.get(1), Some(attachment));
    }
}
