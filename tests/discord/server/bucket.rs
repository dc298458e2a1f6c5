//! Rate limits: of each route, of the whole application, and those that a case provokes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::route::Route;

/// What the whole application may send in a second.
const GLOBAL: (usize, Duration) = (50, Duration::from_secs(1));
/// A request that was under way when the refusal was sent came too early without knowing.
const UNDER_WAY: Duration = Duration::from_millis(150);
/// What the clocks of both sides may differ by.
const SLACK: Duration = Duration::from_millis(30);

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What this application sends on one route.
    User,
    /// What all applications send on one route.
    Shared,
    /// All that this application sends.
    Global,
}

impl Scope {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Shared => "shared",
            Self::Global => "global",
        }
    }
}

/// A refusal that a case asks for.
#[derive(Clone, Debug)]
pub(crate) struct Injected {
    /// Which requests: those that [`Route::is`] matches.
    pub(crate) method: &'static str,
    pub(crate) template: &'static [&'static str],
    pub(crate) retry_after: Duration,
    pub(crate) scope: Scope,
}

/// A refusal: how long to wait, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) retry_after: Duration,
    pub(super) scope: Scope,
}

/// What the headers of an answer tell.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) bucket: String,
    pub(super) limit: usize,
    pub(super) remaining: usize,
    pub(super) reset_after: Duration,
}

struct Block {
    from: Instant,
    until: Instant,
}

#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    count: usize,
}

/// All limits.
#[derive(Default)]
pub(crate) struct Buckets {
    pub(crate) injected: Vec<Injected>,
    /// How many requests were refused.
    pub(crate) refused: usize,
    windows: HashMap<String, Window>,
    blocks: HashMap<String, Block>,
}

impl Buckets {
    /// Counts a request.
    ///
    /// # Errors
    ///
    /// - A refusal, if it is one too many; the words complain of one that was sent while it was known to be.
    pub(super) fn count(&mut self, route: &Route, now: Instant) -> (Result<Option<Standing>, Refusal>, Option<String>) {
        let bucket = route.bucket();
        // Both have no part in the application's own limit, and the first none of its own.
        let is_callback = bucket.starts_with("POST /interactions/");
        let is_global = !is_callback && !bucket.contains("/webhooks/");
        let mut complaint = None;
        let blocked = self.blocks.get(&bucket).into_iter();
        let blocked = blocked.chain(self.blocks.get("").filter(|_| is_global));
        for block in blocked {
            if now > block.from + UNDER_WAY && now + SLACK < block.until {
                let early = block.until.duration_since(now);
                complaint = Some(format!(
                    "{route} came {early:?} before the end of the limit that refused it"
                ));
            }
        }
        if let Some(refusal) = self.refusal(route, &bucket, is_global, now) {
            self.refused += 1;
            let key = if refusal.scope == Scope::Global { "" } else { &bucket };
            let until = now + refusal.retry_after;
            self.blocks.insert(key.to_owned(), Block { from: now, until });
            return (Err(refusal), complaint);
        }
        if is_callback {
            return (Ok(None), complaint);
        }
        if is_global {
            self.window("", GLOBAL.1, now).count += 1;
        }
        let (limit, length) = limit(&bucket);
        let window = self.window(&bucket, length, now);
        window.count += 1;
        let standing = Standing {
            limit,
            remaining: limit - window.count,
            reset_after: (window.from + length).saturating_duration_since(now),
            bucket,
        };
        (Ok(Some(standing)), complaint)
    }

    fn refusal(&mut self, route: &Route, bucket: &str, is_global: bool, now: Instant) -> Option<Refusal> {
        let injected = self.injected.iter().position(|one| route.is(one.method, one.template));
        if let Some(at) = injected {
            let Injected { retry_after, scope, .. } = self.injected.remove(at);
            return Some(Refusal { retry_after, scope });
        }
        let mut full = |key: &str, (limit, length): (usize, Duration), scope| {
            let window = self.window(key, length, now);
            let retry_after = (window.from + length).saturating_duration_since(now);
            (window.count >= limit).then_some(Refusal { retry_after, scope })
        };
        let own = full(bucket, limit(bucket), Scope::User);
        own.or_else(|| {
            if is_global {
                full("", GLOBAL, Scope::Global)
            } else {
                None
            }
        })
    }

    /// Returns what was sent since the window of a bucket began; all of it comes back at once, at its end.
    fn window(&mut self, bucket: &str, length: Duration, now: Instant) -> &mut Window {
        let begun = Window { from: now, count: 0 };
        let window = self.windows.entry(bucket.to_owned()).or_insert(begun);
        if window.from + length <= now {
            *window = begun;
        }
        window
    }
}

/// Returns how many requests a bucket has, in which time.
fn limit(bucket: &str) -> (usize, Duration) {
    let is_message = bucket.contains("/messages");
    match bucket.split(' ').next() {
        Some("DELETE") if is_message => (5, Duration::from_secs(1)),
        _ if bucket.contains("/webhooks/") => (5, Duration::from_secs(2)),
        _ if bucket.starts_with("POST /interactions/") => (usize::MAX, Duration::from_secs(1)),
        Some("POST" | "PATCH") if is_message => (5, Duration::from_secs(5)),
        _ => (10, Duration::from_secs(2)),
    }
}
