//! Shows what happens on the way of a run: the pull of its image, and what it prints.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use inline::PullEvent;
use inline_sandbox::Progress;
use tokio::io::{AsyncWrite, AsyncWriteExt};

const COUNTED: &str = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes}";

/// Passes on what a run prints, below a progress bar for a pull where standard error is a terminal.
#[derive(Default)]
pub(crate) struct Output {
    pull: Option<ProgressBar>,
    /// What has come of each layer, and its size.
    layers: HashMap<String, (u64, u64)>,
    /// Whether the last line that was printed has not ended.
    is_within_line: bool,
}

impl Output {
    pub(crate) async fn show(&mut self, progress: Progress) -> io::Result<()> {
        match progress {
            Progress::Pulling(event) => self.show_pull(event),
            Progress::Started { .. } => self.clear(),
            Progress::Stdout(chunk) => return self.print(tokio::io::stdout(), &chunk).await,
            Progress::Stderr(chunk) => return self.print(tokio::io::stderr(), &chunk).await,
            _ => {}
        }
        Ok(())
    }

    /// Begins a new line unless the last has ended: a prompt would be written over it.
    pub(crate) async fn end_line(&mut self) -> io::Result<()> {
        if self.is_within_line {
            self.print(tokio::io::stdout(), b"\n").await?;
        }
        Ok(())
    }

    /// Prints a chunk at once.
    async fn print(&mut self, mut to: impl AsyncWrite + Unpin, chunk: &[u8]) -> io::Result<()> {
        self.is_within_line = !chunk.ends_with(b"\n");
        to.write_all(chunk).await?;
        to.flush().await
    }

    fn show_pull(&mut self, event: PullEvent) {
        let bar = self.pull.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner().with_message("pulling the image");
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let PullEvent::Progress { layer, current, total } = event else {
            return;
        };
        if let (None, Ok(style)) = (bar.length(), ProgressStyle::with_template(COUNTED)) {
            bar.set_style(style);
        }
        self.layers.insert(layer, (current, total.unwrap_or(current)));
        let sum = |sum: (u64, u64), one: &(u64, u64)| (sum.0 + one.0, sum.1 + one.1);
        let (current, total) = self.layers.values().fold((0, 0), sum);
        bar.set_length(total);
        bar.set_position(current);
    }

    fn clear(&mut self) {
        if let Some(bar) = self.pull.take() {
            bar.finish_and_clear();
        }
    }
}

/// A pull that came to nothing has a bar as well.
impl Drop for Output {
    fn drop(&mut self) {
        self.clear();
    }
}
