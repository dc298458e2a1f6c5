//! How values of Rust stand in columns of SQLite, which has signed numbers and text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Owner, Result, SandboxError};

const MILLIS_PER_DAY: i64 = 86_400_000;
/// How much of a value that cannot be read is shown.
const MAX_SHOWN_CHARS: usize = 100;

/// Returns milliseconds since the epoch; what lies before or too far ahead is cut.
pub(super) fn millis(at: SystemTime) -> i64 {
    span(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(super) fn time(millis: i64) -> SystemTime {
    UNIX_EPOCH + duration(millis)
}

/// Returns the day of UTC since the epoch.
pub(super) fn day(at: SystemTime) -> i64 {
    millis(at) / MILLIS_PER_DAY
}

/// Returns milliseconds.
pub(super) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn duration(millis: i64) -> Duration {
    Duration::from_millis(count(millis))
}

pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn owner(text: &str) -> Result<Owner> {
    text.parse().map_err(|_| unreadable("owner", text))
}

pub(super) fn unreadable(what: &'static str, value: &str) -> SandboxError {
    SandboxError::StoreValue {
        what,
        value: value.chars().take(MAX_SHOWN_CHARS).collect(),
    }
}
