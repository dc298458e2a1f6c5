//! Finds keys that nothing reads, and the one that was probably meant.

use serde_json::Value;

/// Typing errors are closer than this to what was meant, on a scale where 1 is the same.
const NEAR: f64 = 0.75;

/// Returns the dotted path of the first key of `given` that `known` does not have, and the nearest that it has. A table of
/// `known` that is empty has any key: names that an operator chooses.
pub(crate) fn unknown(given: &Value, known: &Value, parent: &str) -> Option<(String, Option<String>)> {
    let (Value::Object(given), Value::Object(known)) = (given, known) else {
        return None;
    };
    if known.is_empty() {
        return None;
    }
    let path = |key: &str| {
        if parent.is_empty() {
            key.to_owned()
        } else {
            format!("{parent}.{key}")
        }
    };
    given.iter().find_map(|(key, value)| match known.get(key) {
        Some(known) => unknown(value, known, &path(key)),
        None => Some((path(key), nearest(key, known.keys().map(String::as_str)).map(path))),
    })
}

/// Returns the candidate that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_key_is_named_with_its_table() {
        let known = json!({"driver": null, "docker": {"host": null, "cert_path": null}});
        assert_eq!(unknown(&json!({"docker": {"host": "x"}}), &known, ""), None);
        assert_eq!(
            unknown(&json!({"docker": {"hots": "x"}}), &known, ""),
            Some(("docker.hots".to_owned(), Some("docker.host".to_owned())))
        );
        assert_eq!(unknown(&json!({"zzz": 1}), &known, ""), Some(("zzz".to_owned(), None)));
        assert_eq!(
            unknown(&json!({"names": {"ruby": {}}}), &json!({"names": {}}), ""),
            None
        );
    }
}
