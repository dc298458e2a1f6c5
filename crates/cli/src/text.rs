//! Sizes and times for people.

use std::time::{Duration, SystemTime};

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// Returns a span in its largest unit: `3 h`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "s"));
    format!("{} {name}", seconds / unit)
}

/// Returns how long ago `time` was: `3 h ago`.
pub(crate) fn ago(time: SystemTime) -> String {
    format!("{} ago", span(time.elapsed().unwrap_or_default()))
}

/// Returns a size with the unit that a person would use: `64.8 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let (shift, unit) = match bytes {
        0..1_024 => return format!("{bytes} B"),
        1_024..1_048_576 => (10, "KiB"),
        1_048_576..1_073_741_824 => (20, "MiB"),
        _ => (30, "GiB"),
    };
    // Tenths, rounded down.
    let tenths = (bytes >> (shift - 10)) * 10 / 1_024;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(span(Duration::from_hours(7 * 24)), "7 d");
        assert_eq!(span(Duration::ZERO), "0 s");
        assert_eq!(size(1_023), "1023 B");
        assert_eq!(size(67_947_725), "64.7 MiB");
        assert_eq!(size(3 << 29), "1.5 GiB");
    }
}
