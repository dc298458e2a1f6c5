//! How a pull goes.

use std::time::Duration;

use inline_runtime::{ErrorKind, ImageId, PullEvent};

/// Scripts a pull: what it tells, how fast, and how it ends.
///
/// ```
/// use std::time::Duration;
/// use inline_fake::PullScript;
/// use inline_runtime::{ErrorKind, ImageId};
///
/// let slow = PullScript::ends_in(ImageId::new("abc"))
///     .with_progress("layer", 1 << 20, Some(2 << 20))
///     .with_progress("layer", 2 << 20, Some(2 << 20))
///     .with_pause(Duration::from_secs(1));
/// let broken = PullScript::fails(ErrorKind::Unexpected).with_status("unpacking");
/// # let _ = (slow, broken);
/// ```
#[derive(Clone, Debug)]
pub struct PullScript {
    pub(crate) events: Vec<PullEvent>,
    pub(crate) pause: Duration,
    pub(crate) end: Result<ImageId, ErrorKind>,
}

impl PullScript {
    /// Creates a pull that brings an image.
    pub fn ends_in(id: ImageId) -> Self {
        Self {
            events: Vec::new(),
            pause: Duration::ZERO,
            end: Ok(id),
        }
    }

    /// Creates a pull that fails.
    pub fn fails(kind: ErrorKind) -> Self {
        Self {
            events: Vec::new(),
            pause: Duration::ZERO,
            end: Err(kind),
        }
    }

    /// Adds a word on what is done.
    #[must_use]
    pub fn with_status(mut self, text: impl Into<String>) -> Self {
        self.events.push(PullEvent::Status(text.into()));
        self
    }

    /// Adds the growth of a layer to `current` bytes.
    #[must_use]
    pub fn with_progress(mut self, layer: impl Into<String>, current: u64, total: Option<u64>) -> Self {
        self.events.push(PullEvent::Progress {
            layer: layer.into(),
            current,
            total,
        });
        self
    }

    /// Sets how long each event takes; the default is no time.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}
