//! How long ago each user asked last.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Refused;

/// So many are remembered before those whose time is over are forgotten.
const SWEEP_AT: usize = 1_024;

/// Remembers when each user ran something last, and how long that one was to wait.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns(Mutex<HashMap<u64, (Instant, Duration)>>);

impl Cooldowns {
    /// Checks that `user` has waited, and begins the next wait.
    pub(crate) fn check(&self, user: u64, cooldown: Option<Duration>) -> Result<(), Refused> {
        let Some(cooldown) = cooldown else {
            return Ok(());
        };
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((begun, _)) = last.get(&user) {
            // What holds now counts, and not what held then: an operator may have thought better of it.
            let left = cooldown.saturating_sub(now.duration_since(*begun));
            if !left.is_zero() {
                return Err(Refused::Cooldown { left });
            }
        }
        if last.len() >= SWEEP_AT {
            last.retain(|_, (begun, cooldown)| now.duration_since(*begun) < *cooldown);
        }
        last.insert(user, (now, cooldown));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Option<Duration> = Some(Duration::from_secs(10));

    #[tokio::test(start_paused = true)]
    async fn a_user_waits_and_others_do_not() {
        let cooldowns = Cooldowns::default();
        assert_eq!(cooldowns.check(1, COOLDOWN), Ok(()));
        tokio::time::advance(Duration::from_secs(4)).await;
        let left = Duration::from_secs(6);
        assert_eq!(cooldowns.check(1, COOLDOWN), Err(Refused::Cooldown { left }));
        assert_eq!(cooldowns.check(2, COOLDOWN), Ok(()));
        assert_eq!(cooldowns.check(1, None), Ok(()));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(cooldowns.check(1, COOLDOWN), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_policy_says_now_counts() {
        let cooldowns = Cooldowns::default();
        assert_eq!(cooldowns.check(1, Some(Duration::MAX)), Ok(()));
        assert!(cooldowns.check(1, Some(Duration::MAX)).is_err());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(cooldowns.check(1, COOLDOWN), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_forgotten() {
        let cooldowns = Cooldowns::default();
        for user in 0..SWEEP_AT as u64 {
            assert_eq!(cooldowns.check(user, COOLDOWN), Ok(()));
        }
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(cooldowns.check(u64::MAX, COOLDOWN), Ok(()));
        assert_eq!(cooldowns.0.lock().unwrap().len(), 1);
    }
}
