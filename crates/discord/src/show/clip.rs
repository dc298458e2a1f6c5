//! Text that fits: Discord takes 2,000 characters.

use std::borrow::Cow;

use super::ansi::ESCAPE;
use super::block::Clean;

/// The most characters of a message.
pub(crate) const MAX_CONTENT: usize = 2_000;
/// The most lines of output in a message; more of them push a conversation off the screen.
const MAX_LINES: usize = 40;

/// Returns the length of `text` as Discord's strictest count has it.
pub(crate) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Returns `text` as Discord takes it, which is its start if it is too long.
pub(crate) fn fitting(text: &str) -> Cow<'_, str> {
    const END: &str = "\n…";
    if length(text) <= MAX_CONTENT {
        return Cow::Borrowed(text);
    }
    let mut left = MAX_CONTENT - length(END);
    let end = text
        .char_indices()
        .find(|(_, character)| match left.checked_sub(character.len_utf16()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .map_or(text.len(), |(index, _)| index);
    Cow::Owned(format!("{}{END}", &text[..end]))
}

/// Keeps the start of `clean` within `room` characters; says whether anything was left out.
pub(super) fn head(clean: &Clean, room: usize) -> (Clean, bool) {
    let mut left = room;
    let mut lines = 0;
    let end = clean
        .text
        .char_indices()
        .find(|(_, character)| {
            lines += usize::from(*character == '\n');
            let fits = character.len_utf16() <= left && lines < MAX_LINES;
            left = left.saturating_sub(character.len_utf16());
            !fits
        })
        .map_or(clean.text.len(), |(index, _)| index);
    let rest = clean.text[end..].trim_matches('\n');
    let kept = &clean.text[..end];
    // Half a colour is none.
    let kept = match kept.rfind(ESCAPE) {
        Some(start) if !kept[start..].contains('m') => &kept[..start],
        _ => kept,
    };
    (with_text(clean, kept), !rest.is_empty())
}

/// Keeps the end of `clean` within `room` characters; says whether anything was left out.
pub(super) fn tail(clean: &Clean, room: usize) -> (Clean, bool) {
    let text = clean.text.trim_end_matches('\n');
    let mut left = room;
    let mut lines = 0;
    let start = text
        .char_indices()
        .rev()
        .find(|(_, character)| {
            lines += usize::from(*character == '\n');
            let fits = character.len_utf16() <= left && lines < MAX_LINES;
            left = left.saturating_sub(character.len_utf16());
            !fits
        })
        .map_or(0, |(index, character)| index + character.len_utf8());
    let is_cut = start > 0;
    let mut kept = &text[start..];
    if is_cut {
        // A line that is not whole goes, unless there is no other; half a colour goes with it.
        kept = match kept.find('\n') {
            Some(end) if end + 1 < kept.len() && !text[..start].ends_with('\n') => &kept[end + 1..],
            _ => kept,
        };
        let half_colour = text[..start]
            .rfind(ESCAPE)
            .filter(|escape| !text[*escape..start].contains('m'));
        if half_colour.is_some() && text[start..].as_ptr() == kept.as_ptr() {
            kept = kept.split_once('m').map_or("", |(_, rest)| rest);
        }
    }
    (with_text(clean, kept), is_cut)
}

fn with_text(clean: &Clean, text: &str) -> Clean {
    Clean {
        text: text.to_owned(),
        is_coloured: clean.is_coloured && text.contains(ESCAPE),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::block::clean;
    use super::*;

    #[test]
    fn what_fits_stays() {
        let text = clean("one\ntwo\n");
        assert_eq!(head(&text, 100), (text.clone(), false));
        assert_eq!(tail(&text, 100).0.text, "one\ntwo");
        assert!(!tail(&text, 100).1);
    }

    #[test]
    fn the_start_or_the_end_is_kept() {
        let text = clean("first line\nsecond line\nthird line");
        let (kept, is_cut) = head(&text, 14);
        assert_eq!((kept.text.as_str(), is_cut), ("first line\nsec", true));
        let (kept, is_cut) = tail(&text, 14);
        assert_eq!((kept.text.as_str(), is_cut), ("third line", true));
    }

    #[test]
    fn many_lines_are_cut() {
        let text = clean(&"x\n".repeat(200));
        assert_eq!(head(&text, 10_000).0.text.lines().count(), MAX_LINES);
        assert_eq!(tail(&text, 10_000).0.text.lines().count(), MAX_LINES);
    }

    #[test]
    fn emoji_count_as_discord_counts_them() {
        assert_eq!(length("👍"), 2);
        assert_eq!(head(&clean("👍👍👍"), 5).0.text, "👍👍");
    }

    #[test]
    fn half_a_colour_is_left_out() {
        let text = clean("ab\u{1b}[31mred");
        for room in 0..20 {
            let kept = head(&text, room).0.text;
            assert_eq!(
                kept.matches(ESCAPE).count(),
                kept.matches("[31m").count(),
                "{room} {kept:?}"
            );
            let kept = tail(&text, room).0.text;
            assert!(
                !kept.starts_with("[31m") && !kept.starts_with("31m") && !kept.starts_with("1m"),
                "{room} {kept:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_room(text in ".{0,200}", room in 0_usize..100) {
            let text = clean(&text);
            prop_assert!(length(&head(&text, room).0.text) <= room);
            prop_assert!(length(&tail(&text, room).0.text) <= room);
        }

        #[test]
        fn whatever_is_said_fits(text in "(a|👍|\n){1990,2010}") {
            prop_assert!(length(&fitting(&text)) <= MAX_CONTENT);
            prop_assert_eq!(fitting(&text) == text, length(&text) <= MAX_CONTENT);
        }
    }
}
