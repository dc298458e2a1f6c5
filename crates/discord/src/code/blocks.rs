//! Code between fences, or between single backticks.

const FENCE: &str = "```";
/// So many blocks of one message are joined; more of them are no program that a person wrote.
const MAX_BLOCKS: usize = 20;

/// Holds the code of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extracted {
    /// The word behind the first fence that has one.
    pub(crate) language: Option<String>,
    /// All blocks, one after the other.
    pub(crate) source: String,
}

/// Finds the code in a message: its fenced blocks, or else what stands between single or double backticks.
///
/// Where blocks name different languages, those of the first named one are taken.
pub(crate) fn extract(text: &str) -> Option<Extracted> {
    let text = text.replace("\r\n", "\n");
    let blocks = fenced(&text);
    if blocks.is_empty() {
        // A fence that is not closed, or that nothing stands between, is not two backticks and one.
        return if text.contains(FENCE) { None } else { inline(&text) };
    }
    let language = blocks.iter().find_map(|(language, _)| language.clone());
    let sources: Vec<&str> = blocks
        .iter()
        .filter(|(named, _)| named.is_none() || *named == language)
        .map(|(_, source)| *source)
        .collect();
    Some(Extracted {
        language,
        source: sources.join("\n"),
    })
}

/// Returns the program in the option of a command: a fenced block if there is one, else all of it.
pub(crate) fn source(typed: &str) -> Extracted {
    let whole = || {
        let trimmed = typed.trim();
        let single = trimmed
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix('`'))
            .filter(|rest| !rest.is_empty() && !rest.contains('`'));
        Extracted {
            language: None,
            source: single.unwrap_or(typed).to_owned(),
        }
    };
    if !typed.contains(FENCE) {
        return whole();
    }
    extract(typed).unwrap_or_else(whole)
}

/// Returns what a file is to hold: what is between the fences if that is all there is, else what was typed.
pub(crate) fn content(typed: &str) -> String {
    let inner = typed
        .trim()
        .strip_prefix(FENCE)
        .and_then(|rest| rest.strip_suffix(FENCE))
        .filter(|inner| !inner.contains(FENCE));
    match inner {
        Some(inner) => split(inner).1.to_owned(),
        None => typed.to_owned(),
    }
}

fn fenced(text: &str) -> Vec<(Option<String>, &str)> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(FENCE) {
        let inner = &rest[start + FENCE.len()..];
        let Some(end) = inner.find(FENCE) else {
            break;
        };
        let (language, source) = split(&inner[..end]);
        if !source.trim().is_empty() && blocks.len() < MAX_BLOCKS {
            blocks.push((language, source));
        }
        rest = &inner[end + FENCE.len()..];
    }
    blocks
}

/// Splits what stands between fences into the language and the code, as Discord's own client does.
fn split(block: &str) -> (Option<String>, &str) {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'#' | b'_' | b'.'))
    };
    match block.split_once('\n') {
        Some((first, code)) if is_word(first.trim_end()) => {
            (Some(first.trim_end().to_ascii_lowercase()), code.trim_end_matches('\n'))
        }
        // A first line that is empty is the fence's own.
        Some((first, code)) if first.trim().is_empty() => (None, code.trim_end_matches('\n')),
        _ => (None, block.trim_end_matches('\n')),
    }
}

/// Takes the pieces between runs of one or two backticks.
fn inline(text: &str) -> Option<Extracted> {
    let mut sources = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].bytes().take_while(|byte| *byte == b'`').count().min(2);
        let inner = &rest[start + ticks..];
        let Some(end) = inner.find(&"``"[..ticks]) else {
            break;
        };
        if !inner[..end].trim().is_empty() && sources.len() < MAX_BLOCKS {
            sources.push(&inner[..end]);
        }
        rest = &inner[end + ticks..];
    }
    (!sources.is_empty()).then(|| Extracted {
        language: None,
        source: sources.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Option<(Option<String>, String)> {
        extract(text).map(|found| (found.language, found.source))
    }

    fn code(language: Option<&str>, source: &str) -> (Option<String>, String) {
        (language.map(ToOwned::to_owned), source.to_owned())
    }

    #[test]
    fn fenced_blocks() {
        for (text, expected) in [
            ("look:\n```py\nprint(1)\n```\nnice", Some(code(Some("py"), "print(1)"))),
            ("```\nprint(1)\n```", Some(code(None, "print(1)"))),
            ("```print(1)```", Some(code(None, "print(1)"))),
            ("```py print(1)```", Some(code(None, "py print(1)"))),
            ("```PY\r\nprint(1)\r\n```", Some(code(Some("py"), "print(1)"))),
            ("```C++\nint x;\n```", Some(code(Some("c++"), "int x;"))),
            ("```py\n    indented\n```", Some(code(Some("py"), "    indented"))),
            ("```py\na\n``` and ```py\nb\n```", Some(code(Some("py"), "a\nb"))),
            ("```py\na\n```\n```\nb\n```", Some(code(Some("py"), "a\nb"))),
            ("```py\na\n```\n```js\nb\n```", Some(code(Some("py"), "a"))),
            ("```py\nprint('`')\n```", Some(code(Some("py"), "print('`')"))),
            ("```py\n```", None),
            ("```py\nnever closed", None),
        ] {
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn inline_code() {
        for (text, expected) in [
            ("run `1 + 1` please", Some(code(None, "1 + 1"))),
            ("``a`b``", Some(code(None, "a`b"))),
            ("`a` and `b`", Some(code(None, "a\nb"))),
            ("nothing", None),
            ("` `", None),
            ("a ` alone", None),
        ] {
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_option_is_code_with_or_without_fences() {
        assert_eq!(source("print(1)").source, "print(1)");
        assert_eq!(source("`print(1)`").source, "print(1)");
        assert_eq!(source("`a` + `b`").source, "`a` + `b`");
        assert_eq!(source("```js\n1\n```").language.as_deref(), Some("js"));
        assert_eq!(source("print('```')").source, "print('```')");
    }

    #[test]
    fn a_file_holds_what_was_typed() {
        for (typed, expected) in [
            ("`a`", "`a`"),
            ("# Title\n```py\nx\n```", "# Title\n```py\nx\n```"),
            ("```\na\n``` ```\nb\n```", "```\na\n``` ```\nb\n```"),
            ("```py\nprint(1)\n```", "print(1)"),
            ("```", "```"),
            ("``````", ""),
        ] {
            assert_eq!(content(typed), expected, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[`a\\n ]{0,60}") {
            if let Some(found) = extract(&text) {
                prop_assert!(found.source.len() <= text.len());
            }
            source(&text);
            prop_assert!(content(&text).len() <= text.len());
        }
    }
}
