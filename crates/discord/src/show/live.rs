//! An answer while its program waits and runs.

use std::time::SystemTime;

use inline_sandbox::Progress;

use super::block::{clean, fenced, inline};
use super::clip::{MAX_CONTENT, length, tail};
use super::quantity::size;

/// How much of the last output is looked at; what a message shows of it is less.
const KEPT_BYTES: usize = 16 << 10;
const FENCES: usize = 32;

/// Says how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing is known yet.
    Asked,
    /// So many turns are before it, its own included.
    Queued(usize),
    /// The image comes, and this is what the engine says of that.
    Pulling(String),
    /// The program runs since so many seconds after the beginning of 1970.
    Running(u64),
}

/// Follows what is told of a run, and shows it.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// What is done: `running python`.
    what: String,
    phase: Phase,
    /// The end of what was printed.
    printed: Vec<u8>,
    is_cut: bool,
}

impl Live {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            phase: Phase::Asked,
            printed: Vec::new(),
            is_cut: false,
        }
    }

    /// Takes what happened at `now`.
    pub(crate) fn push(&mut self, progress: Progress, now: SystemTime) {
        match progress {
            Progress::Queued { position } => self.phase = Phase::Queued(position),
            Progress::Pulling(event) => self.phase = Phase::Pulling(pulled(&event)),
            Progress::Started { .. } => {
                let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                self.phase = Phase::Running(since.as_secs());
            }
            Progress::Stdout(bytes) | Progress::Stderr(bytes) => self.print(&bytes),
            _ => {}
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        self.printed.extend_from_slice(bytes);
        // Not at each chunk, so that what is kept is not moved for each.
        if self.printed.len() > 2 * KEPT_BYTES {
            self.printed.drain(..self.printed.len() - KEPT_BYTES);
            self.is_cut = true;
        }
    }

    /// Returns what is shown.
    pub(crate) fn show(&self) -> String {
        let title = match &self.phase {
            Phase::Asked => format!("⏳ **Starting** {}", self.what),
            Phase::Queued(1) => format!("⏳ **Waiting**: next is {}", self.what),
            Phase::Queued(position) => format!("⏳ **Waiting**: {} is number {position} in the queue", self.what),
            Phase::Pulling(status) => format!(
                "📦 **Getting the image**, which happens only once\n-# {status}\n-# then {}",
                self.what
            ),
            // Discord's clients count on by themselves, also where a program prints nothing for long.
            Phase::Running(since) => format!("▶️ **Running** {} · begun <t:{since}:R>", self.what),
        };
        let printed = clean(&String::from_utf8_lossy(&self.printed));
        let (shown, is_cut) = tail(&printed, MAX_CONTENT - length(&title) - FENCES);
        let block = fenced(&shown);
        if block.is_empty() {
            return title;
        }
        let more = if is_cut || self.is_cut { "\n-# …" } else { "" };
        format!("{title}{more}\n{block}")
    }
}

fn pulled(event: &inline_runtime::PullEvent) -> String {
    use inline_runtime::PullEvent;
    match event {
        PullEvent::Progress { layer, current, total } => match total {
            Some(total) => format!("{}: {} of {}", inline(layer), size(*current), size(*total)),
            None => format!("{}: {}", inline(layer), size(*current)),
        },
        PullEvent::Status(status) => inline(status),
        _ => "it is here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Some time after the beginning of 1970.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_234)
    }

    #[test]
    fn each_phase_is_told() {
        let mut live = Live::new("`python`");
        assert_eq!(live.show(), "⏳ **Starting** `python`");
        live.push(Progress::Queued { position: 3 }, now());
        assert_eq!(live.show(), "⏳ **Waiting**: `python` is number 3 in the queue");
        let pulled = inline_runtime::PullEvent::Progress {
            layer: "abc".to_owned(),
            current: 1 << 20,
            total: Some(4 << 20),
        };
        live.push(Progress::Pulling(pulled), now());
        assert!(live.show().contains("`abc`: 1 MiB of 4 MiB"));
        live.push(Progress::Started { warm: true }, now());
        assert_eq!(live.show(), "▶️ **Running** `python` · begun <t:1234:R>");
        live.push(Progress::Stdout("1\n2\n".into()), now());
        assert_eq!(
            live.show(),
            "▶️ **Running** `python` · begun <t:1234:R>\n```\n1\n2\n```"
        );
    }

    #[test]
    fn the_end_of_much_output_is_shown() {
        let mut live = Live::new("`python`");
        for number in 0..50_000 {
            live.push(Progress::Stdout(format!("line {number}\n").into()), now());
        }
        let shown = live.show();
        assert!(shown.contains("line 49999\n"), "{shown}");
        assert!(length(&shown) <= MAX_CONTENT);
        assert!(live.printed.len() <= 2 * KEPT_BYTES);
    }
}
