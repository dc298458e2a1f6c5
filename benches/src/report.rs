//! Prints the figures.

use std::path::Path;

use inline::{Error, ErrorKind, Result};

use crate::figure::Figure;

pub(crate) fn print(figures: &[Figure]) {
    eprintln!(
        "{:10} {:10} {:>9} {:>9} {:>9}   {:22} {:>9} {:>9}   {:>6} {:>6}",
        "figure", "driver", "median", "p95", "p99", "floor", "median", "p95", "ratio", "goal"
    );
    for figure in figures {
        let (ours, floor) = (figure.ours, figure.floor.summary);
        eprintln!(
            "{:10} {:10} {:>6.1} {u} {:>6.1} {u} {:>6.1} {u}   {:22} {:>6.1} {u} {:>6.1} {u}   {:>6.3} {:>6.2}  {}",
            figure.name,
            figure.driver,
            ours.median,
            ours.p95,
            ours.p99,
            figure.floor.name,
            floor.median,
            floor.p95,
            figure.ratio,
            figure.goal,
            if figure.met { "met" } else { "NOT MET" },
            u = figure.unit,
        );
    }
}

pub(crate) fn write_json(figures: &[Figure], path: &Path) -> Result<()> {
    let text = serde_json::to_vec_pretty(figures).map_err(std::io::Error::other);
    text.and_then(|text| std::fs::write(path, text)).map_err(|error| {
        Error::new(ErrorKind::Unexpected, format!("cannot write `{}`", path.display())).with_source(error)
    })
}
