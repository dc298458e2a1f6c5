//! The figures as lines of a terminal.

use crate::figure::{Figure, Goal};
use crate::summary::Unit;

pub(super) fn head() -> String {
    format!(
        "{:44} {:9} {:>6} {:>8} {:>8} {:>8} {:>8}  {:24} {:>8} {:>8} {:>6}  {}",
        "figure", "driver", "unit", "min", "median", "p95", "p99", "floor", "median", "p99", "ratio", "goal"
    )
}

pub(super) fn line(figure: &Figure) -> String {
    let (unit, ours) = (figure.unit(), &figure.ours);
    let [min, median, p95, p99] = [ours.min, ours.median, ours.p95, ours.p99].map(|value| number(unit, value));
    let (floor, floor_median, floor_p99) = match &figure.floor {
        Some(floor) => (
            floor.name.as_str(),
            number(unit, floor.summary.median),
            number(unit, floor.summary.p99),
        ),
        None => ("", String::new(), String::new()),
    };
    let line = format!(
        "{:44} {:9} {:>6} {min:>8} {median:>8} {p95:>8} {p99:>8}  {floor:24} {floor_median:>8} {floor_p99:>8} {:>6}  {}",
        figure.name,
        figure.driver,
        unit.name(),
        figure.ratio().map_or_else(String::new, |ratio| format!("{ratio:.3}")),
        verdict(figure),
    );
    line.trim_end().to_owned()
}

/// Returns the goal in words and whether it is met.
pub(super) fn verdict(figure: &Figure) -> String {
    match figure.is_met() {
        Some(true) => format!("{}: met", goal(figure)),
        Some(false) => format!("{}: NOT MET", goal(figure)),
        None => String::new(),
    }
}

/// Returns the goal in words: `≤ 1.05 x`, `≥ 200 MB/s`, `p99 ≤ 150 ms`.
pub(super) fn goal(figure: &Figure) -> String {
    let unit = match (&figure.floor, figure.unit()) {
        (Some(_), _) => " x",
        (None, Unit::Count) => "",
        (None, unit) => &format!(" {}", unit.name()),
    };
    match figure.goal {
        Some(Goal::AtMost(bound)) => format!("≤ {bound}{unit}"),
        Some(Goal::AtLeast(bound)) => format!("≥ {bound}{unit}"),
        Some(Goal::P99AtMost(bound)) => format!("p99 ≤ {bound}{unit}"),
        None => String::new(),
    }
}

/// Returns a number with three digits that tell something; a count is whole.
pub(super) fn number(unit: Unit, value: f64) -> String {
    let decimals = match value.abs() {
        _ if unit == Unit::Count => 0,
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Floor;
    use crate::summary::Summary;

    #[test]
    fn goals_are_told_with_what_they_are_of() {
        let of = |unit| Summary::of(unit, vec![1.0]);
        let floor = Floor::new("by hand", of(Unit::Milliseconds));
        let ratio = Figure::beside("a", "docker", of(Unit::Milliseconds), floor, Some(Goal::AtMost(1.05)));
        assert_eq!(goal(&ratio), "≤ 1.05 x");
        let absolute = Figure::alone("a", "docker", of(Unit::MegabytesPerSecond), Some(Goal::AtLeast(200.0)));
        assert_eq!(verdict(&absolute), "≥ 200 MB/s: NOT MET");
        let tail = Figure::alone("a", "docker", of(Unit::Milliseconds), Some(Goal::P99AtMost(150.0)));
        assert_eq!(verdict(&tail), "p99 ≤ 150 ms: met");
        let none = Figure::alone("a", "docker", of(Unit::Count), None);
        assert_eq!(verdict(&none), "");
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [0.123, 1.234, 12.34, 1234.5].map(|value| number(Unit::Percent, value)),
            ["0.12", "1.23", "12.3", "1234"]
        );
    }
}
