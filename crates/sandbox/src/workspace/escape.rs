//! Names of any bytes as text that can be shown and typed.

use std::borrow::Cow;

/// Writes any bytes so that they can be shown, and read back by [`unescape`].
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let push_escaped = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            text.push_str("\\x");
            push_hex(text, *byte);
        }
    };
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                _ if misleads(character) => push_escaped(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => text.push(character),
            }
        }
        push_escaped(&mut text, chunk.invalid());
    }
    text
}

/// Writes a byte as two lower-case digits.
pub(super) fn push_hex(text: &mut String, byte: u8) {
    text.extend(
        [byte >> 4, byte & 0xf]
            .into_iter()
            .filter_map(|digit| char::from_digit(digit.into(), 16)),
    );
}

/// Returns whether a character does something else on a screen than to be seen.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(character, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Reads back what [`escape`] wrote; a backslash before anything else stands for itself.
pub(super) fn unescape(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('\\') {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = match after {
            [b'x', high, low, ..] if first == b'\\' => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = hex {
            bytes.push(high << 4 | low);
            rest = after.get(3..).unwrap_or_default();
        } else {
            bytes.push(first);
            let doubled = first == b'\\' && after.first() == Some(&b'\\');
            rest = if doubled {
                after.get(1..).unwrap_or_default()
            } else {
                after
            };
        }
    }
    Cow::Owned(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
