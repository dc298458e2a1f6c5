//! Progress notifications: what a program prints, as it comes, and what a run waits for.

use std::time::Duration;

use inline::PullEvent;
use inline_sandbox::Progress;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{RequestContext, RoleServer};
use tokio::time::{Instant, sleep_until};

use crate::departure;

/// How often a client is told at most.
const INTERVAL: Duration = Duration::from_millis(100);
/// How much of what was printed since the last time is told; what came before that is left to the result.
const MAX_MESSAGE_BYTES: usize = 4 << 10;
/// How long a client may take to be told.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells a client that asked for it how a run goes on.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    context: &'a RequestContext<RoleServer>,
    /// What the client calls the progress; `None` if nobody wants to know.
    token: Option<ProgressToken>,
    pending: Vec<u8>,
    told: Option<Instant>,
    /// What grows with each notification: the bytes that were printed, and one for each notification.
    progress: f64,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(context: &'a RequestContext<RoleServer>) -> Self {
        Self {
            context,
            token: context.meta.get_progress_token(),
            pending: Vec::new(),
            told: None,
            progress: 0.0,
        }
    }

    /// Takes what happens, and tells it when that is due.
    pub(crate) async fn take(&mut self, progress: &Progress) {
        if self.token.is_none() {
            return;
        }
        match progress {
            Progress::Stdout(chunk) | Progress::Stderr(chunk) => {
                self.progress += f64::from(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
                self.pending.extend_from_slice(chunk);
                let too_many = self.pending.len().saturating_sub(MAX_MESSAGE_BYTES);
                self.pending.drain(..too_many);
                if self.is_due() {
                    self.tell_output(false).await;
                }
            }
            Progress::Queued { position } => self.tell(format!("waiting: turn {position}")).await,
            // An engine says much, in words of its own.
            Progress::Pulling(PullEvent::Done(_)) => {}
            Progress::Pulling(_) if self.is_due() => self.tell("the image is being pulled".to_owned()).await,
            Progress::Started { .. } => self.tell("started".to_owned()).await,
            _ => {}
        }
    }

    fn is_due(&self) -> bool {
        self.told.is_none_or(|told| told.elapsed() >= INTERVAL)
    }

    /// Waits until what was printed is due to be told.
    pub(crate) async fn due(&self) {
        match self.told {
            Some(told) if !self.pending.is_empty() => sleep_until(told + INTERVAL).await,
            _ => std::future::pending().await,
        }
    }

    /// Tells what was printed; a character that has not come whole waits, unless this is the last.
    pub(crate) async fn tell_output(&mut self, is_last: bool) {
        let whole = if is_last {
            self.pending.len()
        } else {
            whole_characters(&self.pending)
        };
        let rest = self.pending.split_off(whole);
        let message = std::mem::replace(&mut self.pending, rest);
        if message.is_empty() {
            // What waits is looked at again when it can have come whole.
            self.told = Some(Instant::now());
        } else {
            self.tell(String::from_utf8_lossy(&message).into_owned()).await;
        }
    }

    async fn tell(&mut self, message: String) {
        let Some(token) = &self.token else { return };
        self.progress += 1.0;
        self.told = Some(Instant::now());
        let notification = ProgressNotificationParam::new(token.clone(), self.progress).with_message(message);
        // Who does not take what it asked for is not told any more: the run does not wait.
        let telling = self.context.peer.notify_progress(notification);
        if !matches!(departure::tell(self.context, PATIENCE, telling).await, Some(Ok(()))) {
            self.token = None;
            self.pending = Vec::new();
        }
    }
}

/// Returns the length without a character at the end of which only a part is there.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let needed = match bytes[bytes.len() - back] {
            0x80..0xc0 => continue,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf8 => 4,
            _ => 1,
        };
        return if needed > back { bytes.len() - back } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_parts_waits() {
        let text = "a€".as_bytes();
        assert_eq!(whole_characters(text), 4);
        assert_eq!(whole_characters(&text[..3]), 1);
        assert_eq!(whole_characters(&text[..2]), 1);
        assert_eq!(whole_characters("é€".as_bytes()), 5);
        assert_eq!(whole_characters(&"é€".as_bytes()[..4]), 2);
        assert_eq!(whole_characters(b""), 0);
        assert_eq!(whole_characters(b"abc\xff"), 4);
    }
}
