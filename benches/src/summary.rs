//! How samples spread.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "MiB")]
    Mebibytes,
    #[serde(rename = "runs/s")]
    RunsPerSecond,
    #[serde(rename = "MB/s")]
    MegabytesPerSecond,
    #[serde(rename = "%")]
    Percent,
    #[serde(rename = "count")]
    Count,
}

/// The spread of a figure's samples, in its unit.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) unit: Unit,
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::RunsPerSecond => "runs/s",
            Self::MegabytesPerSecond => "MB/s",
            Self::Percent => "%",
            Self::Count => "count",
        }
    }
}

impl Summary {
    /// Summarises samples; there must be one at least.
    pub(crate) fn of(unit: Unit, mut samples: Vec<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        // The smallest sample that so many of a hundred do not exceed: of few samples the worst is the 99th.
        let at = |percent: usize| samples[(samples.len() * percent).div_ceil(100).max(1) - 1];
        Self {
            unit,
            min: at(0),
            median: at(50),
            p95: at(95),
            p99: at(99),
        }
    }

    /// Summarises durations in milliseconds; there must be one at least.
    pub(crate) fn of_durations(samples: Vec<Duration>) -> Self {
        let milliseconds = samples.into_iter().map(|sample| sample.as_secs_f64() * 1e3);
        Self::of(Unit::Milliseconds, milliseconds.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_of_sorted_samples() {
        let summary = Summary::of_durations((1..=100).rev().map(Duration::from_millis).collect());
        let spread = [summary.min, summary.median, summary.p95, summary.p99];
        assert_eq!(spread.map(|value| value.to_string()), ["1", "50", "95", "99"]);
    }

    #[test]
    fn the_worst_of_few_samples_is_not_left_out() {
        let summary = Summary::of(Unit::Count, vec![3.0, 9.0, 1.0]);
        let spread = [summary.min, summary.median, summary.p95, summary.p99];
        assert_eq!(spread.map(|value| value.to_string()), ["1", "3", "9", "9"]);
    }

    #[test]
    fn a_unit_is_called_the_same_everywhere() {
        for unit in [Unit::Milliseconds, Unit::RunsPerSecond, Unit::Percent] {
            assert_eq!(serde_json::to_value(unit).unwrap(), unit.name());
        }
    }
}
