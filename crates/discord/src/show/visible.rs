//! Characters that a reader would not see, or that would make the rest read otherwise, are made visible.

/// The picture of the control character 0; those of the others follow.
const PICTURES: u32 = 0x2400;
const DELETE: char = '\u{7f}';

/// Returns what is shown for `character`, if that is not the character itself.
///
/// Line ends and tabs stay; so do the joiners within emoji and scripts.
pub(super) fn picture(character: char) -> Option<String> {
    match character {
        '\n' | '\t' => None,
        DELETE => Some('\u{2421}'.to_string()),
        _ if (character as u32) < 0x20 => char::from_u32(PICTURES + character as u32).map(String::from),
        _ if is_hidden(character) => Some(format!("⟨U+{:04X}⟩", character as u32)),
        _ => None,
    }
}

/// Returns whether a character is not seen itself but changes how, or whether, others are.
fn is_hidden(character: char) -> bool {
    matches!(character,
        // The second set of controls.
        '\u{80}'..='\u{9f}'
        // Marks, embeddings, overrides and isolates of direction.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // Spaces without width, fillers, and ends of lines that are none.
        | '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'
        | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        // Tags, which spell text that nobody sees.
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns each line as a terminal leaves it where `\r` takes its writer back to the line's start.
pub(super) fn settled(text: &str) -> String {
    if !text.contains('\r') {
        return text.to_owned();
    }
    let settled: Vec<&str> = text
        .split('\n')
        .map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            line.rsplit('\r').next().unwrap_or(line)
        })
        .collect();
    settled.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.chars()
            .map(|character| picture(character).unwrap_or_else(|| character.into()))
            .collect()
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(shown("a\0b\u{1b}c\u{7f}"), "a␀b␛c␡");
        assert_eq!(shown("safe\u{202e}exe.txt"), "safe⟨U+202E⟩exe.txt");
        assert_eq!(shown("a\u{200b}b\u{2066}\u{85}"), "a⟨U+200B⟩b⟨U+2066⟩⟨U+0085⟩");
    }

    #[test]
    fn what_people_write_stays() {
        let text = "tab\there\nlinie äöü 漢字 👩\u{200d}👩\u{200d}👧 עברית";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn a_progress_bar_is_its_last_state() {
        assert_eq!(settled("a\r\n10%\r50%\r100%\nend"), "a\n100%\nend");
        assert_eq!(settled("10%\r50%\r"), "50%");
    }
}
