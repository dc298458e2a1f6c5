//! Cutting what is too long for a model, so that the head and the tail stay.

use inline_sandbox::Captured;

use crate::outputs::OutputStream;
use crate::uri::ResourceUri;

/// The share of the head in what stays, in hundredths.
const HEAD_PERCENT: usize = 60;
/// Says that the tail is not the end.
const NOT_KEPT: &str = "\n[the program printed more, which was not kept]";

/// What is shown of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Whether anything is left out that can be read elsewhere.
    pub(crate) is_cut: bool,
}

impl Excerpt {
    /// Returns at most `max` characters of `text`, the note on what is left out included. `is_whole` says whether `text`
    /// is all that there was, and `place` where all of it is.
    pub(crate) fn of(text: &str, is_whole: bool, max: usize, place: &str) -> Self {
        let end = if is_whole { "" } else { NOT_KEPT };
        let total = text.chars().count();
        if total + end.len() <= max {
            return Self {
                text: format!("{text}{end}"),
                is_cut: false,
            };
        }
        // The number that is left out is not longer than that of all.
        let room = max.saturating_sub(note(total, place).len() + end.len());
        let head = room * HEAD_PERCENT / 100;
        let tail = room - head;
        let (head_end, tail_start) = (byte_of(text, head), byte_of(text, total - tail));
        let note = note(total - room, place);
        Self {
            text: format!("{}{note}{}{end}", &text[..head_end], &text[tail_start..]),
            is_cut: true,
        }
    }

    /// Returns what is shown of what the run `id` printed to `stream`.
    pub(crate) fn of_stream(captured: &Captured, id: &str, stream: OutputStream, max: usize) -> Self {
        Self::of(
            &captured.to_text(),
            !captured.truncated,
            max,
            &ResourceUri::output(id, stream),
        )
    }
}

fn note(left_out: usize, place: &str) -> String {
    format!("\n[{left_out} characters left out; they are in the resource {place}]\n")
}

/// Returns where the character of this number begins.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "sandbox://output/0123456789abcdef01234567/stdout";

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(
            Excerpt::of("é".repeat(300).as_str(), true, 300, PLACE).text,
            "é".repeat(300)
        );
        let unkept = Excerpt::of("a", false, 300, PLACE);
        assert!(unkept.text.ends_with("not kept]") && !unkept.is_cut);
    }

    #[test]
    fn head_and_tail_stay_and_the_rest_is_counted() {
        let text = (0..1_000).fold(String::new(), |text, number| text + &format!("é{number}\n"));
        for max in [300, 1_000, 3_500] {
            for is_whole in [true, false] {
                let excerpt = Excerpt::of(&text, is_whole, max, PLACE);
                let shown = excerpt.text.chars().count();
                assert!(excerpt.is_cut && shown <= max && shown + 3 >= max, "{shown} of {max}");
                assert!(excerpt.text.starts_with("é0\né1\n") && excerpt.text.contains("é999\n"));
                let (head, rest) = excerpt.text.split_once("\n[").unwrap();
                let (left_out, rest) = rest.split_once(" characters left out").unwrap();
                let (_, tail) = rest.split_once("]\n").unwrap();
                let kept = head.chars().count() + tail.trim_end_matches(NOT_KEPT).chars().count();
                assert_eq!(left_out.parse::<usize>().unwrap() + kept, text.chars().count());
            }
        }
    }
}
