//! The part of PEP 508 that names a package and its versions: no markers, no URLs.

/// Longest first, so that `===` is not read as `==`.
const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];
/// Longest first, so that `alpha` is not read as `a`.
const PRE_RELEASES: [&str; 8] = ["preview", "alpha", "beta", "pre", "rc", "a", "b", "c"];
const POST_RELEASES: [&str; 3] = ["post", "rev", "r"];
const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// Parses `name[extra,…]` and version specifiers; returns the normal name and the argument without spaces.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    let (name, mut rest) = identifier(text).ok_or("a name is letters, digits, `.`, `_` and `-` between the two")?;
    let mut argument = name.to_owned();
    if let Some(inside) = rest.trim_start().strip_prefix('[') {
        let (extras, after) = inside.split_once(']').ok_or("there is a `[` without its `]`")?;
        let extras: Vec<&str> = extras.split(',').map(str::trim).collect();
        if !extras.iter().all(|extra| matches!(identifier(extra), Some((_, "")))) {
            return Err("an extra is letters, digits, `.`, `_` and `-` between the two".to_owned());
        }
        argument.extend(["[", &extras.join(","), "]"]);
        rest = after;
    }
    let rest = rest.trim();
    match rest.chars().next() {
        None => return Ok((normal(name), argument)),
        Some(';') => return Err("environment markers are not taken".to_owned()),
        Some('@') => return Err("URLs and paths are not taken after a name".to_owned()),
        Some('/' | '\\' | ':') => return Err("it is a path or a URL, not a package".to_owned()),
        Some(_) => {}
    }
    let mut specifiers = Vec::new();
    for one in rest.split(',').map(str::trim) {
        let operator = OPERATORS.into_iter().find(|operator| one.starts_with(operator));
        let operator = operator.ok_or("a version begins with `==`, `>=`, `<=`, `~=`, `!=`, `<`, `>` or `===`")?;
        let version = one[operator.len()..].trim_start();
        let exact = match version.strip_suffix(".*") {
            Some(exact) if ["==", "!="].contains(&operator) => exact,
            _ => version,
        };
        if !is_version(exact) {
            return Err(format!("`{version}` is not a version"));
        }
        specifiers.push(format!("{operator}{version}"));
    }
    argument.push_str(&specifiers.join(","));
    Ok((normal(name), argument))
}

/// Splits off a name as PEP 508 has it: letters and digits at both ends, `.`, `_` and `-` between.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let inside = |c: char| c.is_ascii_alphanumeric() || SEPARATORS.contains(&c);
    let end = text.find(|c| !inside(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let at_ends = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !name.ends_with(SEPARATORS);
    at_ends.then_some((name, rest))
}

/// Returns the name as PEP 503 compares it.
pub(crate) fn normal(name: &str) -> String {
    let words: Vec<String> = name
        .split(SEPARATORS)
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

/// Returns whether the text is a version of PEP 440, in the spellings that it allows.
fn is_version(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let (public, local) = match text.split_once('+') {
        Some((public, local)) => (public, Some(local)),
        None => (text.as_str(), None),
    };
    let local_is_valid = local.is_none_or(|local| {
        local
            .split(SEPARATORS)
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    });
    let public = public.strip_prefix('v').unwrap_or(public);
    let release = match public.split_once('!') {
        Some((epoch, release)) if digits(epoch) == Some("") => release,
        Some(_) => return false,
        None => public,
    };
    local_is_valid
        && release_numbers(release).is_some_and(|rest| developmental(post(suffix(rest, &PRE_RELEASES))).is_empty())
}

/// Takes `N(.N)*` off the front.
fn release_numbers(text: &str) -> Option<&str> {
    let mut rest = digits(text)?;
    while let Some(after) = rest.strip_prefix('.').and_then(digits) {
        rest = after;
    }
    Some(rest)
}

/// Takes a post-release off the front, also in its short form `-N`.
fn post(text: &str) -> &str {
    match text.strip_prefix('-').and_then(digits) {
        Some(rest) => rest,
        None => suffix(text, &POST_RELEASES),
    }
}

fn developmental(text: &str) -> &str {
    suffix(text, &["dev"])
}

/// Takes one of `words` with its separators and its number off the front; text without one is left as it is.
fn suffix<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let bare = text.strip_prefix(SEPARATORS).unwrap_or(text);
    let Some(rest) = words.iter().find_map(|word| bare.strip_prefix(word)) else {
        return text;
    };
    let number = rest.strip_prefix(SEPARATORS).and_then(digits);
    number.or_else(|| digits(rest)).unwrap_or(rest)
}

/// Takes one or more digits off the front.
fn digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_pep_440() {
        for version in [
            "1",
            "0.0.1",
            "v1.0",
            "2!1.0",
            "1.0a1",
            "1.0.alpha-2",
            "1.0rc1",
            "1.0.post1",
            "1.0-1",
            "1.0.dev3",
            "1.0a1.post2.dev3",
            "1.0+ubuntu.1",
            "1.0_rc",
            "20240101",
        ] {
            assert!(is_version(version), "{version}");
        }
        for version in [
            "", "x", "1.", ".1", "1..2", "!1", "1!", "1.0+", "1.0+a..b", "1.0/2", "1.0 2", "latest", "1.0;x", "1+2+3",
        ] {
            assert!(!is_version(version), "{version}");
        }
    }

    #[test]
    fn names_compare_in_their_normal_form() {
        assert_eq!(normal("Foo.-_Bar"), "foo-bar");
    }
}
