//! What Discord limits together: so many calls in a window of time.

use std::time::Duration;

use tokio::time::Instant;

/// What a clock that is not quite ours, and the way there, make of a window's end.
const MARGIN: Duration = Duration::from_millis(50);
/// Windows whose ends differ by less are the same.
const SAME_WINDOW: Duration = Duration::from_millis(500);

/// Counts the calls of one window.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Whether Discord has ever told of a limit.
    is_limited: bool,
    /// How many may still begin.
    remaining: u32,
    /// When the window ends; `None` until the first answer in it.
    reset: Option<Instant>,
    in_flight: u32,
}

/// Says when a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Now; it is counted.
    Go,
    /// Not before this.
    Until(Instant),
    /// When more is known.
    Later,
}

impl Default for Bucket {
    /// One call finds out how many there may be.
    fn default() -> Self {
        Self {
            is_limited: false,
            remaining: 1,
            reset: None,
            in_flight: 0,
        }
    }
}

impl Bucket {
    pub(super) fn decide(&mut self, now: Instant) -> Decision {
        if self.reset.is_some_and(|reset| reset <= now) {
            // One call finds out what the next window has: it may be a part of what there was.
            self.reset = None;
            self.remaining = 1_u32.saturating_sub(self.in_flight);
        }
        if let Some(left) = self.remaining.checked_sub(1) {
            self.remaining = left;
            self.in_flight += 1;
            return Decision::Go;
        }
        self.reset.map_or(Decision::Later, Decision::Until)
    }

    /// Takes what Discord says with the answer to a call that is still in flight.
    pub(super) fn learn(&mut self, remaining: u32, after: Duration, now: Instant) {
        let reset = now + after + MARGIN;
        // Those that are under way may not be counted there yet.
        let left = remaining.saturating_sub(self.in_flight.saturating_sub(1));
        let is_same = self.reset.is_some_and(|known| reset < known + SAME_WINDOW);
        // Answers come in any order: an early one that comes late widens nothing.
        self.remaining = if is_same { self.remaining.min(left) } else { left };
        self.reset = self.reset.filter(|_| is_same).max(Some(reset));
        self.is_limited = true;
    }

    /// Takes that Discord says nothing: there is no limit of this kind.
    pub(super) fn learn_nothing(&mut self) {
        if !self.is_limited {
            self.remaining = u32::MAX;
        }
    }

    pub(super) fn hold(&mut self, until: Instant) {
        self.is_limited = true;
        self.remaining = 0;
        self.reset = self.reset.max(Some(until + MARGIN));
    }

    /// Takes that a call is over.
    pub(super) fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.in_flight == 0 && self.reset.is_none() && self.remaining == 0 {
            // Nothing was learned of it: the next one finds out.
            self.remaining = 1;
        }
    }

    /// Returns whether a call could still have to wait for it.
    pub(super) fn binds(&self, now: Instant) -> bool {
        self.in_flight > 0 || self.reset.is_some_and(|reset| reset > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn no_more_begin_than_the_window_has() {
        let mut bucket = Bucket::default();
        let now = Instant::now();
        assert_eq!(bucket.decide(now), Decision::Go);
        assert_eq!(bucket.decide(now), Decision::Later);
        bucket.learn(4, WINDOW, now);
        bucket.end();
        for _ in 0..4 {
            assert_eq!(bucket.decide(now), Decision::Go);
        }
        assert_eq!(bucket.decide(now), Decision::Until(now + WINDOW + MARGIN));
        // The answers come the other way round.
        bucket.learn(0, WINDOW, now);
        bucket.learn(3, WINDOW, now);
        assert!(matches!(bucket.decide(now), Decision::Until(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_finds_out_what_the_next_window_has() {
        let mut bucket = Bucket::default();
        let now = Instant::now();
        assert_eq!(bucket.decide(now), Decision::Go);
        bucket.learn(0, WINDOW, now);
        bucket.end();
        let later = now + WINDOW + MARGIN;
        assert_eq!(bucket.decide(later), Decision::Go);
        assert_eq!(bucket.decide(later), Decision::Later);
        bucket.learn(2, WINDOW, later);
        bucket.end();
        for _ in 0..2 {
            assert_eq!(bucket.decide(later), Decision::Go);
        }
        assert_eq!(bucket.decide(later), Decision::Until(later + WINDOW + MARGIN));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let mut bucket = Bucket::default();
        let now = Instant::now();
        assert_eq!(bucket.decide(now), Decision::Go);
        bucket.learn_nothing();
        for _ in 0..100 {
            assert_eq!(bucket.decide(now), Decision::Go);
        }
    }
}
