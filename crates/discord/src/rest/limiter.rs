//! Discord's limits: no call is made before its time.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::bucket::{Bucket, Decision};

/// So many buckets are known before those that bind nothing any more are forgotten.
const SWEEP_AT: usize = 1_024;

/// Knows what may still be called, and until when that holds.
#[derive(Default)]
pub(super) struct Limiter {
    state: Mutex<State>,
    /// Told whenever something is learned, or a call is over.
    changed: Notify,
}

#[derive(Default)]
struct State {
    buckets: HashMap<String, Bucket>,
    /// Until when no call at all is made.
    held: Option<Instant>,
}

/// Is the turn of one call, which lasts until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    limiter: &'a Limiter,
    bucket: String,
}

impl Limiter {
    /// Waits until a call of `bucket` may be made, and counts it.
    pub(super) async fn turn(&self, bucket: String) -> Turn<'_> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let decision = self.state().decide(&bucket, Instant::now());
            match decision {
                Decision::Go => return Turn { limiter: self, bucket },
                Decision::Until(until) => sleep_until(until).await,
                Decision::Later => changed.await,
            }
        }
    }

    /// Makes no call at all for a while.
    fn hold_all(&self, after: Duration) {
        let mut state = self.state();
        state.held = state.held.max(Some(Instant::now() + after));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Takes what Discord says of the bucket with an answer.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let remaining = text("x-ratelimit-remaining").and_then(|value| value.parse().ok());
        let after = text("x-ratelimit-reset-after")
            .and_then(|value| value.parse::<f64>().ok())
            .filter(|after| (0.0..86_400.0).contains(after))
            .map(Duration::from_secs_f64);
        self.change(|bucket| match (remaining, after) {
            (Some(remaining), Some(after)) => bucket.learn(remaining, after, Instant::now()),
            _ => bucket.learn_nothing(),
        });
    }

    /// Makes no call of the bucket, or none at all, for a while.
    pub(super) fn hold(&self, after: Duration, all: bool) {
        if all {
            self.limiter.hold_all(after);
        } else {
            self.change(|bucket| bucket.hold(Instant::now() + after));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Bucket)) {
        if let Some(bucket) = self.limiter.state().buckets.get_mut(&self.bucket) {
            change(bucket);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.change(Bucket::end);
        self.limiter.changed.notify_waiters();
    }
}

impl State {
    fn decide(&mut self, bucket: &str, now: Instant) -> Decision {
        if let Some(held) = self.held.filter(|held| *held > now) {
            return Decision::Until(held);
        }
        if self.buckets.len() >= SWEEP_AT && !self.buckets.contains_key(bucket) {
            self.buckets.retain(|_, bucket| bucket.binds(now));
        }
        self.buckets.entry(bucket.to_owned()).or_default().decide(now)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names of buckets have the tokens of interactions in them.
        let buckets = self.state().buckets.len();
        f.debug_struct("Limiter")
            .field("buckets", &buckets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(remaining: &'static str, after: &'static str) -> HeaderMap {
        let value = HeaderValue::from_static;
        HeaderMap::from_iter([
            ("x-ratelimit-remaining".parse().unwrap(), value(remaining)),
            ("x-ratelimit-reset-after".parse().unwrap(), value(after)),
        ])
    }

    async fn waited(limiter: &Limiter, bucket: &str) -> u128 {
        let begun = Instant::now();
        drop(limiter.turn(bucket.to_owned()).await);
        begun.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_used_up_waits_and_the_rest_does_not() {
        let limiter = Limiter::default();
        limiter.turn("a".to_owned()).await.learn(&headers("1", "2.5"));
        assert_eq!(waited(&limiter, "a").await, 0);
        assert_eq!(waited(&limiter, "b").await, 0);
        assert!(waited(&limiter, "a").await >= 2_500);
        assert_eq!(waited(&limiter, "a").await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_bucket_takes_one_call_at_a_time() {
        let limiter = Limiter::default();
        let first = limiter.turn("a".to_owned()).await;
        let second = tokio::time::timeout(Duration::from_secs(9), limiter.turn("a".to_owned())).await;
        assert!(second.is_err());
        first.learn(&headers("4", "5"));
        drop(first);
        assert_eq!(waited(&limiter, "a").await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_holds_nobody_up() {
        let limiter = Limiter::default();
        drop(limiter.turn("a".to_owned()).await);
        assert_eq!(waited(&limiter, "a").await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_its_bucket_or_all() {
        let limiter = Limiter::default();
        limiter.turn("a".to_owned()).await.hold(Duration::from_secs(1), false);
        assert_eq!(waited(&limiter, "b").await, 0);
        assert!(waited(&limiter, "a").await >= 1_000);
        limiter.turn("a".to_owned()).await.hold(Duration::from_secs(3), true);
        assert!(waited(&limiter, "b").await >= 3_000);
    }

    #[tokio::test(start_paused = true)]
    async fn what_binds_nothing_is_forgotten() {
        let limiter = Limiter::default();
        for number in 0..SWEEP_AT {
            limiter.turn(number.to_string()).await.learn(&headers("0", "1"));
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        drop(limiter.turn("next".to_owned()).await);
        assert_eq!(limiter.state().buckets.len(), 1);
    }
}
