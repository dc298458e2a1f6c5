//! The names and version ranges of npm: no git, URLs, files or aliases.

const MAX_NAME_BYTES: usize = 214;
/// Longest first, so that `>=` is not read as `>`.
const OPERATORS: [&str; 7] = [">=", "<=", "~>", ">", "<", "^", "~"];

/// Parses `[@scope/]name[@range or tag]`; returns the name and the argument with single spaces.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    // The first character may be the `@` of a scope.
    let (name, version) = match text.char_indices().skip(1).find(|&(_, c)| c == '@') {
        Some((at, _)) => (&text[..at], Some(text[at + 1..].trim())),
        None => (text, None),
    };
    check_name(name)?;
    let argument = match version {
        None => name.to_owned(),
        Some(version) if version.contains([':', '/', '\\', '#']) => {
            return Err("git, URLs, files and aliases are not taken after a name".to_owned());
        }
        Some(version) if is_tag(version) || is_range(version) => {
            let words: Vec<&str> = version.split_ascii_whitespace().collect();
            format!("{name}@{}", words.join(" "))
        }
        Some(version) => return Err(format!("`{version}` is neither a version, a range nor a tag")),
    };
    Ok((name.to_owned(), argument))
}

fn check_name(name: &str) -> Result<(), String> {
    if name.len() > MAX_NAME_BYTES {
        return Err(format!(
            "the name has {} bytes, {MAX_NAME_BYTES} are allowed",
            name.len()
        ));
    }
    let parts = match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').map(|(scope, name)| vec![scope, name]),
        None => Some(vec![name]),
    };
    let parts = parts.ok_or("a scope is followed by `/` and a name")?;
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let valid = |part: &&str| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.bytes().all(inside);
    if !parts.iter().all(valid) {
        return Err("a name is letters, digits, `-`, `.`, `_` and `~`, and begins with a letter or a digit".to_owned());
    }
    if name.eq_ignore_ascii_case("node_modules") || name.eq_ignore_ascii_case("favicon.ico") {
        return Err("the name is reserved".to_owned());
    }
    Ok(())
}

/// Returns whether the text is a tag such as `latest` or `next-14`.
fn is_tag(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Returns whether the text is a range: comparators or `a - b`, in alternatives.
fn is_range(text: &str) -> bool {
    text.split("||").all(|alternative| {
        let words: Vec<&str> = alternative.split_ascii_whitespace().collect();
        match words.as_slice() {
            [] => false,
            [low, "-", high] => is_partial(low) && is_partial(high),
            words => are_comparators(words),
        }
    })
}

/// Returns whether each word is a comparator; its operator may be a word of its own.
fn are_comparators(words: &[&str]) -> bool {
    let mut operator_waits = false;
    for word in words {
        let bare = OPERATORS
            .into_iter()
            .find_map(|operator| word.strip_prefix(operator))
            .unwrap_or(word);
        let bare = bare.strip_prefix('=').unwrap_or(bare);
        let has_operator = bare.len() < word.len();
        if bare.is_empty() && has_operator && !operator_waits {
            operator_waits = true;
        } else if is_partial(bare) && !(has_operator && operator_waits) {
            operator_waits = false;
        } else {
            return false;
        }
    }
    !operator_waits
}

/// Returns whether the text is a version of which parts may be left out or be `x`, `X` or `*`.
fn is_partial(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = split_at_first(text, '+');
    let (numbers, pre_release) = split_at_first(text, '-');
    let number = |part: &str| {
        ["x", "X", "*"].contains(&part) || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let identifiers = |text: &str| {
        text.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    let count = numbers.split('.').count();
    count <= 3
        && numbers.split('.').all(number)
        && (count == 3 || (pre_release.is_none() && build.is_none()))
        && pre_release.is_none_or(identifiers)
        && build.is_none_or(identifiers)
}

fn split_at_first(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_npm() {
        for range in [
            "1",
            "1.2",
            "1.2.3",
            "v1.2.3",
            "=1.2.3",
            "^1.2",
            "~1",
            "~>1.2",
            "*",
            "1.x",
            ">=1 <2",
            ">= 1 < 2",
            "1 - 2.3",
            "1 || ^2.0 || 3 - 4",
            "1.2.3-beta.1+build.5",
            ">=1.0.0-rc.1",
        ] {
            assert!(is_range(range), "{range}");
        }
        for range in [
            "", "|| 1", "1 ||", "1.2.3.4", ">", ">= >= 1", ">= <1", "1.2-beta", "a", "1 -2", "1..2", "1.2.3-", "==>1",
        ] {
            assert!(!is_range(range), "{range}");
        }
    }
}
