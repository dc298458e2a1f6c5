//! Shows that an image comes from its registry.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use inline::PullEvent;

const TICK: Duration = Duration::from_millis(100);
const COUNTED: &str = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes}";

/// A bar on standard error, from the first event to the end of the pull; a line where that is no terminal.
#[derive(Default)]
pub(crate) struct Pull {
    bar: Option<ProgressBar>,
    layers: HashMap<String, (u64, u64)>,
}

impl Pull {
    pub(crate) fn show(&mut self, event: &PullEvent) {
        let bar = self.bar.get_or_insert_with(begin);
        match event {
            PullEvent::Progress { layer, current, total } => {
                self.layers.insert(layer.clone(), (*current, total.unwrap_or(*current)));
                let sum =
                    |sum: (u64, u64), one: &(u64, u64)| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1));
                let (current, total) = self.layers.values().fold((0, 0), sum);
                bar.set_length(total);
                bar.set_position(current);
            }
            PullEvent::Done(_) => self.finish(),
            _ => {}
        }
    }

    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn begin() -> ProgressBar {
    let bar = ProgressBar::no_length().with_message("pulling the image");
    if bar.is_hidden() {
        eprintln!("pulling the image");
    }
    if let Ok(style) = ProgressStyle::with_template(COUNTED) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.finish();
    }
}
