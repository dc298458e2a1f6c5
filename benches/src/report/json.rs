//! The figures as JSON: a list with one object for each figure and floor.

use inline::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::figure::{Figure, Goal};
use crate::summary::Summary;

/// `goal` is a bound of `ratio`; where `floor` is null, so is `ratio`, and `goal` is in `unit`. `goal` and `met` are null
/// for what has no goal.
#[derive(Serialize)]
struct Object<'a> {
    figure: &'a str,
    driver: &'a str,
    unit: &'static str,
    ours: Spread,
    floor: Option<Floor<'a>>,
    ratio: Option<f64>,
    goal: Option<f64>,
    met: Option<bool>,
}

#[derive(Serialize)]
struct Spread {
    min: f64,
    median: f64,
    p95: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Floor<'a> {
    name: &'a str,
    #[serde(flatten)]
    spread: Spread,
}

/// Returns the list.
///
/// # Errors
///
/// - [`ErrorKind::Unexpected`] if a figure is no number.
pub(super) fn text(figures: &[Figure]) -> Result<String> {
    let list: Vec<Object<'_>> = figures.iter().map(object).collect();
    serde_json::to_string_pretty(&list)
        .map(|text| text + "\n")
        .map_err(|error| Error::new(ErrorKind::Unexpected, "a figure cannot be told as JSON").with_source(error))
}

fn object(figure: &Figure) -> Object<'_> {
    Object {
        figure: &figure.name,
        driver: &figure.driver,
        unit: figure.unit().name(),
        ours: spread(&figure.ours),
        floor: figure.floor.as_ref().map(|floor| Floor {
            name: &floor.name,
            spread: spread(&floor.summary),
        }),
        ratio: figure.ratio(),
        goal: figure.goal.map(Goal::number),
        met: figure.is_met(),
    }
}

fn spread(summary: &Summary) -> Spread {
    let &Summary {
        min, median, p95, p99, ..
    } = summary;
    Spread { min, median, p95, p99 }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::figure::Floor;
    use crate::summary::Unit;

    #[test]
    fn a_floor_has_a_ratio_and_what_stands_alone_has_none() {
        let of = |value| Summary::of(Unit::Milliseconds, vec![value]);
        let beside = Figure::beside(
            "cold run",
            "docker",
            of(1.0),
            Floor::new("docker run", of(2.0)),
            Some(Goal::AtMost(1.0)),
        );
        let alone = Figure::alone("session cell", "docker", of(3.0), None);
        let list: Value = serde_json::from_str(&text(&[beside, alone]).unwrap()).unwrap();
        let spread = |value: f64| json!({ "min": value, "median": value, "p95": value, "p99": value });
        let mut floor = spread(2.0);
        floor["name"] = "docker run".into();
        assert_eq!(
            list,
            json!([
                {
                    "figure": "cold run", "driver": "docker", "unit": "ms", "ours": spread(1.0), "floor": floor,
                    "ratio": 0.5, "goal": 1.0, "met": true,
                },
                {
                    "figure": "session cell", "driver": "docker", "unit": "ms", "ours": spread(3.0), "floor": null,
                    "ratio": null, "goal": null, "met": null,
                },
            ])
        );
    }
}
