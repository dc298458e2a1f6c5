//! The figures as a page for readers.

use std::fmt::Write;

use super::Report;
use super::table::{goal, number};
use crate::figure::Figure;
use crate::summary::Summary;

const INTRODUCTION: &str = "\
# Benchmarks

This page is written by `cargo run --release -p inline-bench -- --docs`: do not edit it. Each figure stands beside its floor,
the same done without Inline on the same machine. Both are measured in one run and in turn, so that both meet the same
noise: the ratio is the number to read, and the machine under it the one to mind.

![Time of Inline over its floor](benchmarks.svg)

A bar is green where the goal is met, red where it is not, grey where there is none; the black tick is the goal.
Bars end at 2 x, numbers do not.
";

/// What no program can know: how the figures are taken, and why a goal is missed.
const NOTES: &str = include_str!("notes.md");

pub(super) fn markdown(report: &Report) -> String {
    let figures = &report.figures;
    let mut page = INTRODUCTION.to_owned();
    if report.quick {
        page.push_str("\n**Taken with `--quick`: few samples, not for numbers.**\n");
    }
    page.push_str("\n## The machine\n\n| | |\n|---|---|\n");
    for (name, value) in &report.machine.facts {
        row(&mut page, &[name, value]);
    }
    page.push_str("\n## Goals\n\n| figure | driver | ours | floor | ratio | goal | |\n");
    page.push_str("|---|---|---:|---:|---:|---|---|\n");
    for figure in figures {
        if let Some(is_met) = figure.is_met() {
            row(&mut page, &judged(figure, is_met).each_ref().map(String::as_str));
        }
    }
    page.push_str("\n## All figures\n\n| figure | driver | unit | min | median | p95 | p99 | floor | min | median | p95 | p99 | ratio |\n");
    page.push_str("|---|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|\n");
    for figure in figures {
        let floor = figure.floor.as_ref();
        let cells: [&str; 7] = [
            &figure.name,
            &figure.driver,
            figure.unit().name(),
            &spread(&figure.ours),
            floor.map_or("", |floor| floor.name.as_str()),
            &floor.map_or_else(|| " | | | ".to_owned(), |floor| spread(&floor.summary)),
            &ratio(figure),
        ];
        row(&mut page, &cells);
    }
    if !report.missing.is_empty() {
        page.push_str("\n## Not measured\n\n");
        report
            .missing
            .iter()
            .for_each(|what| page.push_str(&["- ", what, "\n"].concat()));
    }
    page.push('\n');
    page.push_str(NOTES);
    page
}

/// Returns the cells of a figure with a goal: what that is of, and whether it is met.
fn judged(figure: &Figure, is_met: bool) -> [String; 7] {
    let told = |summary| {
        let (unit, value) = (figure.unit(), figure.judged(summary));
        format!("{} {}", number(unit, value), unit.name())
    };
    let floor = figure.floor.as_ref();
    [
        figure.name.clone(),
        figure.driver.clone(),
        told(&figure.ours),
        floor.map_or_else(String::new, |floor| {
            format!("{} ({})", told(&floor.summary), floor.name)
        }),
        ratio(figure),
        goal(figure),
        if is_met { "met" } else { "**not met**" }.to_owned(),
    ]
}

fn spread(summary: &Summary) -> String {
    let percentiles = [summary.min, summary.median, summary.p95, summary.p99];
    percentiles.map(|value| number(summary.unit, value)).join(" | ")
}

fn ratio(figure: &Figure) -> String {
    figure.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

fn row(page: &mut String, cells: &[&str]) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Floor, Goal};
    use crate::summary::Unit;

    #[test]
    fn goals_come_first_and_every_row_has_as_many_cells_as_its_head() {
        let of = |value| Summary::of(Unit::Milliseconds, vec![value]);
        let figures = vec![
            Figure::beside(
                "cold run",
                "docker",
                of(3.0),
                Floor::new("by hand", of(2.0)),
                Some(Goal::AtMost(1.05)),
            ),
            Figure::alone("install", "docker", of(9.0), None),
        ];
        let mut report = Report::new(true);
        report.figures = figures;
        report.missing.push("docker soak".to_owned());
        let page = markdown(&report);
        assert!(page.contains("| cold run | docker | 3.00 ms | 2.00 ms (by hand) | 1.50 | ≤ 1.05 x | **not met** |"));
        let (goals, all) = page.split_once("## All figures").unwrap();
        assert!(!goals.contains("install") && all.contains("| install |"));
        let rows: Vec<usize> = all
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(rows, vec![14; 4]);
        assert!(page.contains("`--quick`") && page.contains("- docker soak\n"));
    }
}
