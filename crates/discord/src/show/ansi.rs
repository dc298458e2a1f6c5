//! Colours: the sequences that Discord's `ansi` blocks know are kept, near ones are mapped, all others are shown as text.

/// Introduces a sequence, with `[` behind it.
pub(super) const ESCAPE: char = '\u{1b}';
/// No sequence that means anything is longer.
const MAX_SEQUENCE: usize = 64;

/// Reads the colour sequence that `text` begins with; returns its length in bytes, and what Discord understands of it.
pub(super) fn colour(text: &str) -> Option<(usize, String)> {
    let rest = text.strip_prefix(ESCAPE)?.strip_prefix('[')?;
    let length = rest
        .bytes()
        .take(MAX_SEQUENCE)
        .take_while(|byte| byte.is_ascii_digit() || *byte == b';')
        .count();
    if rest.as_bytes().get(length) != Some(&b'm') {
        return None;
    }
    let numbers = rest[..length].split(';').map(|number| {
        // A number that is left out is 0.
        if number.is_empty() {
            Some(0)
        } else {
            number.parse().ok()
        }
    });
    let known = known(numbers.map(|number| number.unwrap_or(u32::MAX)));
    let kept = if known.is_empty() {
        String::new()
    } else {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        format!("{ESCAPE}[{}m", known.join(";"))
    };
    Some((2 + length + 1, kept))
}

/// Returns the attributes that Discord shows.
fn known(mut numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut known = Vec::new();
    while let Some(number) = numbers.next() {
        match number {
            0 | 1 | 4 | 30..=37 | 40..=47 => known.push(number),
            // Bright ones are shown as the plain ones.
            90..=97 | 100..=107 => known.push(number - 60),
            // There is no way back from a single attribute.
            22 | 24 | 39 | 49 => known.push(0),
            38 | 48 => known.extend(extended(number - 8, &mut numbers)),
            _ => {}
        }
    }
    known
}

/// Reads a colour of the larger palettes; `plain` is the first of the eight that are known.
fn extended(plain: u32, numbers: &mut impl Iterator<Item = u32>) -> Option<u32> {
    match numbers.next()? {
        5 => match numbers.next()? {
            colour @ 0..=7 => Some(plain + colour),
            colour @ 8..=15 => Some(plain + colour - 8),
            _ => None,
        },
        2 => {
            numbers.by_ref().take(3).for_each(drop);
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_kept_or_mapped() {
        for (given, kept) in [
            ("\u{1b}[31m", "\u{1b}[31m"),
            ("\u{1b}[m", "\u{1b}[0m"),
            ("\u{1b}[1;32m", "\u{1b}[1;32m"),
            ("\u{1b}[91m", "\u{1b}[31m"),
            ("\u{1b}[38;5;9m", "\u{1b}[31m"),
            ("\u{1b}[48;5;2;1m", "\u{1b}[42;1m"),
            ("\u{1b}[38;2;1;2;3;4m", "\u{1b}[4m"),
            ("\u{1b}[39m", "\u{1b}[0m"),
            ("\u{1b}[3m", ""),
            ("\u{1b}[99999999999m", ""),
        ] {
            assert_eq!(colour(given), Some((given.len(), kept.to_owned())), "{given:?}");
        }
    }

    #[test]
    fn other_sequences_are_not_colours() {
        for given in [
            "\u{1b}[2J",
            "\u{1b}]0;title\u{7}",
            "\u{1b}",
            "\u{1b}[",
            "\u{1b}[31",
            "[31m",
        ] {
            assert_eq!(colour(given), None, "{given:?}");
        }
        let long = format!("\u{1b}[{}m", "1;".repeat(64));
        assert_eq!(colour(&long), None);
    }
}
