//! Lists containers by their labels.

use containers_api::url::encoded_pair;
use inline_runtime::{Container, ListFilter, Result};
use serde::Serialize;

use crate::answer::Listed;
use crate::engine::Engine;

#[derive(Debug, Serialize)]
struct Filters {
    label: Vec<String>,
}

/// Lists what a filter chooses, in any state.
pub(crate) async fn list(engine: &Engine, filter: &ListFilter) -> Result<Vec<Container>> {
    let path = format!("/containers/json?all=true&{}", encoded_pair("filters", filters(filter)));
    let listed: Vec<Listed> = engine.client.get(&path).await?;
    // The service takes some characters in a label as a pattern; what it lets through is looked at again.
    Ok(listed
        .into_iter()
        .map(Listed::into_container)
        .filter(|container| filter.matches(&container.labels))
        .collect())
}

/// A label with such a character is left to the second look alone.
fn filters(filter: &ListFilter) -> String {
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte))
    };
    let label = filter
        .labels
        .iter()
        .filter(|(name, value)| is_plain(name) && is_plain(value))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    // Text always serializes.
    serde_json::to_string(&Filters { label }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_are_patterns_are_not_sent() {
        let filter = ListFilter::instance("test").with_label("a", "b*");
        assert_eq!(filters(&filter), r#"{"label":["inline.instance=test"]}"#);
    }
}
