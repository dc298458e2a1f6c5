//! Text in a code block, out of which nothing leads.

use super::ansi::{self, ESCAPE};
use super::clip::length;
use super::visible::{picture, settled};

/// Stands between what Discord would take together.
const BREAK: char = '\u{200b}';
const FENCE: &str = "```";
/// What looks like a mention even where it is none.
const MENTIONS: [&str; 4] = ["<@", "<#", "@everyone", "@here"];

/// Holds text that can stand in a code block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clean {
    pub(super) text: String,
    /// Whether it has colours, which only an `ansi` block shows.
    pub(super) is_coloured: bool,
}

/// Makes what a program printed fit to stand in a code block.
pub(super) fn clean(printed: &str) -> Clean {
    let settled = settled(printed);
    let mut clean = Clean::default();
    let mut rest = settled.as_str();
    while let Some(character) = rest.chars().next() {
        if character == ESCAPE
            && let Some((length, colour)) = ansi::colour(rest)
        {
            clean.is_coloured |= !colour.is_empty();
            clean.text.push_str(&colour);
            rest = &rest[length..];
            continue;
        }
        if character == '`' && clean.text.ends_with("``") {
            clean.text.push(BREAK);
        }
        match picture(character) {
            Some(picture) => clean.text.push_str(&picture),
            None => clean.text.push(character),
        }
        rest = &rest[character.len_utf8()..];
    }
    clean.text = without_mentions(clean.text);
    clean
}

fn without_mentions(mut text: String) -> String {
    for mention in MENTIONS {
        if text.contains(mention) {
            let (first, second) = mention.split_at(1);
            text = text.replace(mention, &format!("{first}{BREAK}{second}"));
        }
    }
    text
}

/// Returns a code block of `text`, which is clean; an empty one is nothing.
pub(super) fn fenced(clean: &Clean) -> String {
    let text = clean.text.trim_end_matches('\n');
    if text.is_empty() {
        return String::new();
    }
    let language = if clean.is_coloured { "ansi" } else { "" };
    // A word alone on the first line would be taken for the language.
    format!("{FENCE}{language}\n{text}\n{FENCE}")
}

/// Returns a code block of what was printed, whatever it is; it is for the caller to know that it is short.
pub(crate) fn block(printed: &str) -> String {
    fenced(&clean(printed))
}

/// Returns `text`, such as the name of a file, on one line of at most `max` characters and without backticks; one that is
/// longer ends with an ellipsis.
pub(crate) fn line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let shown = match character {
            '`' => 'ˋ'.to_string(),
            '\n' => '␊'.to_string(),
            '\t' => '␉'.to_string(),
            _ => picture(character).unwrap_or_else(|| character.to_string()),
        };
        if length(&line) + length(&shown) >= max {
            line.push('…');
            break;
        }
        line.push_str(&shown);
    }
    line
}

/// Returns `text`, such as the name of a file, on one line between backticks.
pub(crate) fn inline(text: &str) -> String {
    const MAX: usize = 120;
    let shown = without_mentions(line(text, MAX));
    if shown.is_empty() {
        return "` `".to_owned();
    }
    format!("`{shown}`")
}

/// Returns what was printed as the content of a text file: without what a terminal would be steered with.
pub(crate) fn file_text(printed: &str) -> String {
    let mut text = String::with_capacity(printed.len());
    let mut rest = printed;
    while let Some(character) = rest.chars().next() {
        if character == ESCAPE
            && let Some((length, _)) = ansi::colour(rest)
        {
            rest = &rest[length..];
            continue;
        }
        match picture(character) {
            Some(picture) if character != '\r' => text.push_str(&picture),
            _ => text.push(character),
        }
        rest = &rest[character.len_utf8()..];
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OVERRIDE: char = '\u{202e}';

    #[test]
    fn nothing_ends_the_block() {
        assert_eq!(block("a```b"), "```\na``\u{200b}`b\n```");
        assert_eq!(block("``````"), "```\n``\u{200b}``\u{200b}``\n```");
        assert_eq!(block("\n\n"), "");
    }

    #[test]
    fn nobody_is_mentioned() {
        let shown = block("<@1> <@&2> <#3> @everyone @here");
        for mention in MENTIONS {
            assert!(!shown.contains(mention), "{shown}");
        }
    }

    #[test]
    fn colours_make_an_ansi_block_and_other_sequences_are_text() {
        assert_eq!(block("\u{1b}[31mred\u{1b}[0m"), "```ansi\n\u{1b}[31mred\u{1b}[0m\n```");
        assert_eq!(block("\u{1b}[2Jgone"), "```\n␛[2Jgone\n```");
        assert_eq!(file_text("\u{1b}[31mred\u{1b}[0m\u{202e}"), "red⟨U+202E⟩");
    }

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(inline("a`b\nc"), "`aˋb␊c`");
        assert_eq!(inline(""), "` `");
        assert!(inline(&"x".repeat(500)).chars().count() < 130);
        assert_eq!(inline("good\rbad"), "`good␍bad`");
    }

    proptest! {
        #[test]
        fn no_text_leads_out(text in "[`<@#a\\n\u{1b}\\[0-9;m\u{200b}\u{202e}]{0,80}") {
            let shown = block(&text);
            let inner = shown.strip_prefix("```").and_then(|shown| shown.strip_suffix("```")).unwrap_or_default();
            prop_assert!(!inner.contains("```"));
            prop_assert!(MENTIONS.iter().all(|mention| !inner.contains(mention)));
            prop_assert!(!inner.contains(OVERRIDE));
            let name = inline(&text);
            prop_assert_eq!(name.matches('`').count(), 2);
            prop_assert!(!name.contains('\n') && MENTIONS.iter().all(|mention| !name.contains(mention)));
            prop_assert!(length(&line(&text, 20)) <= 20);
        }
    }
}
