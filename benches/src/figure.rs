//! One figure: what was measured of ours, beside its floor.

use std::time::Duration;

use serde::Serialize;

/// What was measured, with what it is held against.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    #[serde(rename = "figure")]
    pub(crate) name: &'static str,
    pub(crate) driver: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: Summary,
    pub(crate) floor: Floor,
    /// The median of ours over the median of the floor.
    pub(crate) ratio: f64,
    pub(crate) goal: f64,
    pub(crate) met: bool,
}

/// The floor, by its name.
#[derive(Debug, Serialize)]
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    #[serde(flatten)]
    pub(crate) summary: Summary,
}

/// How samples spread, in the figure's unit.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

impl Figure {
    pub(crate) fn new(name: &'static str, driver: &'static str, ours: Summary, floor: Floor, goal: f64) -> Self {
        let ratio = ours.median / floor.summary.median;
        Self {
            name,
            driver,
            unit: "ms",
            ours,
            floor,
            ratio,
            goal,
            met: ratio <= goal,
        }
    }
}

impl Summary {
    /// Summarises durations in milliseconds; there must be one at least.
    pub(crate) fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        let at = |share: usize| samples[(samples.len() - 1) * share / 100].as_secs_f64() * 1e3;
        Self {
            min: at(0),
            median: at(50),
            p95: at(95),
            p99: at(99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_of_sorted_samples() {
        let summary = Summary::of((1..=101).rev().map(Duration::from_millis).collect());
        assert_eq!(
            (summary.min, summary.median, summary.p95, summary.p99),
            (1.0, 51.0, 96.0, 100.0)
        );
    }
}
