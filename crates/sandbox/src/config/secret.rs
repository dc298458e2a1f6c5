//! URLs that may hold a password.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Holds the URL of an index or a proxy, which may have a user name and a password in it.
///
/// Neither [`Debug`](fmt::Debug) nor serialization shows them; [`expose`](Self::expose) does.
///
/// ```
/// use inline_sandbox::SecretUrl;
///
/// let url = SecretUrl::new("https://alice:secret@pypi.example.com/simple");
/// assert_eq!(format!("{url:?}"), "https://***@pypi.example.com/simple");
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Takes a URL as it is.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Returns the URL with its password, for the program that connects.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return "***".to_owned();
        };
        // A token may also stand in the query or the fragment.
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let (address, after) = rest.split_at(end);
        let after = if after.is_empty() { "" } else { "?***" };
        // A password may hold a slash or an `@` that someone forgot to escape: all up to the last `@` is hidden.
        match address.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://***@{host}{after}"),
            None => format!("{scheme}://{address}{after}"),
        }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}
