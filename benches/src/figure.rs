//! One figure: what was measured of ours, beside its floor, and what is asked of it.

use serde::{Deserialize, Serialize};

use crate::summary::{Summary, Unit};

/// What was measured, with what it is held against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) ours: Summary,
    pub(crate) floor: Option<Floor>,
    /// Of the ratio where there is a floor, otherwise in the unit.
    pub(crate) goal: Option<Goal>,
}

/// The same done without Inline, on the same machine and in turn with ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Floor {
    pub(crate) name: String,
    pub(crate) summary: Summary,
}

/// What a figure is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// The median is to be no more.
    AtMost(f64),
    /// The median is to be no less.
    AtLeast(f64),
    /// Of a hundred samples, 99 are to be no more.
    P99AtMost(f64),
}

impl Goal {
    pub(crate) const fn number(self) -> f64 {
        match self {
            Self::AtMost(number) | Self::AtLeast(number) | Self::P99AtMost(number) => number,
        }
    }

    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(goal) | Self::P99AtMost(goal) => value <= goal,
            Self::AtLeast(goal) => value >= goal,
        }
    }
}

impl Floor {
    pub(crate) fn new(name: impl Into<String>, summary: Summary) -> Self {
        Self {
            name: name.into(),
            summary,
        }
    }
}

impl Figure {
    /// Holds what was measured against a floor; the goal is of the ratio.
    pub(crate) fn beside(
        name: impl Into<String>,
        driver: impl Into<String>,
        ours: Summary,
        floor: Floor,
        goal: Option<Goal>,
    ) -> Self {
        Self {
            name: name.into(),
            driver: driver.into(),
            ours,
            floor: Some(floor),
            goal,
        }
    }

    /// Tells what was measured; the goal is in its unit.
    pub(crate) fn alone(name: impl Into<String>, driver: impl Into<String>, ours: Summary, goal: Option<Goal>) -> Self {
        Self {
            name: name.into(),
            driver: driver.into(),
            ours,
            floor: None,
            goal,
        }
    }

    pub(crate) const fn unit(&self) -> Unit {
        self.ours.unit
    }

    /// Returns ours over the floor: the medians, or the 99th percentiles where the goal is of those.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let floor = self.floor.as_ref()?.summary;
        Some(self.judged(&self.ours) / self.judged(&floor))
    }

    /// Returns whether the goal is met, if there is one.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let value = self.ratio().unwrap_or_else(|| self.judged(&self.ours));
        self.goal.map(|goal| goal.is_met_by(value))
    }

    /// Returns what the goal is of.
    pub(crate) fn judged(&self, summary: &Summary) -> f64 {
        match self.goal {
            Some(Goal::P99AtMost(_)) => summary.p99,
            _ => summary.median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(samples: &[f64]) -> Summary {
        Summary::of(Unit::Milliseconds, samples.to_vec())
    }

    #[test]
    fn a_goal_beside_a_floor_is_of_the_ratio() {
        let met = |goal| {
            let floor = Floor::new("by hand", summary(&[10.0]));
            Figure::beside("cold run", "docker", summary(&[11.0]), floor, goal).is_met()
        };
        assert_eq!(met(Some(Goal::AtMost(1.05))), Some(false));
        assert_eq!(met(Some(Goal::AtMost(1.2))), Some(true));
        assert_eq!(met(Some(Goal::AtLeast(1.0))), Some(true));
        assert_eq!(met(None), None);
    }

    #[test]
    fn a_goal_alone_is_in_the_unit_and_of_its_own_percentile() {
        let met = |goal| Figure::alone("deadline", "docker", summary(&[100.0, 120.0, 200.0]), Some(goal)).is_met();
        assert_eq!(met(Goal::AtMost(150.0)), Some(true));
        assert_eq!(met(Goal::P99AtMost(150.0)), Some(false));
        assert_eq!(met(Goal::AtLeast(150.0)), Some(false));
    }
}
