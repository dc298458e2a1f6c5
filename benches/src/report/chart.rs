//! The ratios as a chart: a bar for each figure of time, and a line where the floor is.

use inline::{Error, ErrorKind, Result};
use plotters::prelude::{
    BLACK, Color, DrawResult, IntoDrawingArea, IntoFont, PathElement, RGBColor, Rectangle, SVGBackend, Text, TextStyle,
    WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figure::{Figure, Goal};
use crate::summary::Unit;

const ROW: i32 = 22;
const BAR: i32 = 14;
const HEAD: i32 = 64;
const MARGIN: i32 = 16;
/// Where the bars begin, and where a ratio of [`MAX_RATIO`] ends.
const LEFT: i32 = 420;
const RIGHT: i32 = 900;
const WIDTH: i32 = 980;
/// What is longer is cut, and its number says by how much.
const MAX_RATIO: f64 = 2.0;
const MET: RGBColor = RGBColor(46, 125, 50);
const NOT_MET: RGBColor = RGBColor(198, 40, 40);
const NO_GOAL: RGBColor = RGBColor(120, 130, 140);
const FONT: &str = "sans-serif";

/// Draws what takes time and has a floor.
///
/// # Errors
///
/// - [`ErrorKind::Unexpected`] if the drawing fails.
pub(super) fn svg(figures: &[Figure]) -> Result<String> {
    let bars: Vec<&Figure> = figures
        .iter()
        .filter(|figure| figure.unit() == Unit::Milliseconds && figure.floor.is_some())
        .collect();
    let rows = i32::try_from(bars.len()).unwrap_or(i32::MAX / ROW);
    let height = HEAD + rows * ROW + MARGIN;
    let mut text = String::new();
    draw(&bars, height, &mut text)
        .map_err(|error| Error::new(ErrorKind::Unexpected, format!("cannot draw the chart: {error}")))?;
    Ok(text)
}

fn draw<'a>(bars: &[&Figure], height: i32, text: &'a mut String) -> DrawResult<(), SVGBackend<'a>> {
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    let title = style(16, HPos::Left);
    area.draw(&Text::new(
        "Time of Inline over its floor (medians; less is faster)",
        (MARGIN, 24),
        title,
    ))?;
    let (middle, bottom) = (style(12, HPos::Center), height - MARGIN);
    let line = |x, strength| PathElement::new([(x, HEAD - 6), (x, bottom)], BLACK.mix(strength));
    for ratio in [0.0, 0.5, 1.0, 1.5, MAX_RATIO] {
        let x = position(ratio);
        area.draw(&line(x, 0.15))?;
        area.draw(&Text::new(format!("{ratio} x"), (x, HEAD - 14), middle.clone()))?;
    }
    area.draw(&line(position(1.0), 0.9))?;
    let mut top = HEAD;
    for figure in bars {
        let ratio = figure.ratio().unwrap_or_default();
        let end = position(ratio);
        let centre = top + ROW / 2;
        let floor = figure.floor.as_ref().map_or("", |floor| &floor.name);
        let label = format!("{}: {} / {floor}", figure.driver, figure.name);
        area.draw(&Text::new(label, (LEFT - 8, centre), style(12, HPos::Right)))?;
        let colour = match figure.is_met() {
            Some(true) => MET,
            Some(false) => NOT_MET,
            None => NO_GOAL,
        };
        let bar = [(LEFT, centre - BAR / 2), (end, centre + BAR / 2)];
        area.draw(&Rectangle::new(bar, colour.filled()))?;
        if let Some(Goal::AtMost(goal) | Goal::P99AtMost(goal)) = figure.goal
            && goal <= MAX_RATIO
        {
            let x = position(goal);
            area.draw(&PathElement::new(
                [(x, top + 2), (x, top + ROW - 2)],
                BLACK.stroke_width(2),
            ))?;
        }
        area.draw(&Text::new(
            format!("{ratio:.2}"),
            (end.max(position(1.0)) + 8, centre),
            style(12, HPos::Left),
        ))?;
        top += ROW;
    }
    area.present()
}

fn style(points: u32, side: HPos) -> TextStyle<'static> {
    TextStyle::from((FONT, points).into_font()).pos(Pos::new(side, VPos::Center))
}

#[expect(clippy::cast_possible_truncation, reason = "the share is at most one")]
fn position(ratio: f64) -> i32 {
    let share = ratio.clamp(0.0, MAX_RATIO) / MAX_RATIO;
    LEFT + (f64::from(RIGHT - LEFT) * share).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Floor;
    use crate::summary::Summary;

    #[test]
    fn each_time_beside_a_floor_has_a_bar_with_its_ratio() {
        let of = |unit, value| Summary::of(unit, vec![value]);
        let floor = Floor::new("docker run", of(Unit::Milliseconds, 2.0));
        let figures = [
            Figure::beside(
                "cold run",
                "docker",
                of(Unit::Milliseconds, 1.0),
                floor,
                Some(Goal::AtMost(1.0)),
            ),
            Figure::alone("memory", "docker", of(Unit::Mebibytes, 7.0), None),
        ];
        let svg = svg(&figures).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(
            svg.contains("docker: cold run / docker run") && svg.contains("0.50"),
            "{svg}"
        );
        assert!(!svg.contains("memory"), "{svg}");
    }
}
