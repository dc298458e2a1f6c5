//! How often each owner may ask.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::config::RateLimit;
use crate::{BusyReason, Owner, Result, SandboxError};

/// Owners who have not asked for long are forgotten once in so many checks, so that the memory stays bounded.
const CHECKS_BETWEEN_SWEEPS: u32 = 1_024;

/// Keeps the rate of each owner.
pub(super) struct OwnerRates {
    limiter: RateLimiter<Owner, HashMapStateStore<Owner>, TokioClock, NoOpMiddleware<Duration>>,
    limit: RateLimit,
    checks: AtomicU32,
}

/// Reads the runtime's clock, which tests can stop.
#[derive(Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl OwnerRates {
    pub(super) fn new(limit: &RateLimit) -> Self {
        let each = (limit.period / limit.runs.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each)
            .unwrap_or(Quota::per_second(limit.runs))
            .allow_burst(limit.runs);
        Self {
            limiter: RateLimiter::hashmap_with_clock(quota, TokioClock(Instant::now())),
            limit: limit.clone(),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts one run of `owner`, unless that is one too many.
    pub(super) fn check(&self, owner: &Owner) -> Result<()> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_BETWEEN_SWEEPS == CHECKS_BETWEEN_SWEEPS - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(owner).map_err(|refused| {
            let now = self.limiter.clock().now();
            SandboxError::Busy {
                reason: BusyReason::RateLimited {
                    owner: owner.clone(),
                    allowed: self.limit.runs.get(),
                    period: self.limit.period,
                },
                retry_after: refused.earliest_possible().duration_since(now).into(),
            }
        })
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.limiter.len()
    }
}

impl fmt::Debug for OwnerRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerRates")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
