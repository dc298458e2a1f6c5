//! Whoever a sandbox belongs to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Result, SandboxError};

const MAX_KIND_BYTES: usize = 16;
const MAX_NAME_BYTES: usize = 128;

/// Names whoever a sandbox belongs to: `discord:<user id>`, `mcp:<name>`, `local:<user>`.
///
/// The kind says which face speaks for the owner: a lower-case letter, then lower-case letters, digits or hyphens, at
/// most 16 bytes. The name is 1 to 128 printable ASCII characters without spaces, so that an owner can stand in a
/// label, a log line or a terminal as it is. Two owners are the same if they are the same text. Clones are cheap.
///
/// ```
/// use inline_sandbox::Owner;
///
/// let owner: Owner = "discord:80351110224678912".parse()?;
/// assert_eq!((owner.kind(), owner.name()), ("discord", "80351110224678912"));
/// assert_eq!(owner, Owner::new("discord", "80351110224678912")?);
/// assert!("nobody".parse::<Owner>().is_err());
/// # Ok::<(), inline_sandbox::SandboxError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner(Arc<str>);

impl Owner {
    /// Creates the owner `kind:name`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidOwner`] with the part that breaks the grammar.
    pub fn new(kind: &str, name: &str) -> Result<Self> {
        match check(kind, name) {
            Ok(()) => Ok(Self(format!("{kind}:{name}").into())),
            Err(why) => Err(invalid(&format!("{kind}:{name}"), why)),
        }
    }

    /// Returns the face that speaks for the owner: what stands before the first colon.
    pub fn kind(&self) -> &str {
        self.parts().0
    }

    /// Returns the name within the kind: what stands after the first colon.
    pub fn name(&self) -> &str {
        self.parts().1
    }

    /// Returns the whole text, `kind:name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }
}

fn check(kind: &str, name: &str) -> Result<(), &'static str> {
    if !kind.starts_with(|first: char| first.is_ascii_lowercase())
        || !kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        return Err("the kind is lower-case letters, digits and hyphens, and begins with a letter");
    }
    if kind.len() > MAX_KIND_BYTES {
        return Err("the kind is longer than 16 bytes");
    }
    if name.is_empty() {
        return Err("the name is empty");
    }
    if name.len() > MAX_NAME_BYTES {
        return Err("the name is longer than 128 bytes");
    }
    if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the name is printable ASCII without spaces");
    }
    Ok(())
}

fn invalid(text: &str, why: &'static str) -> SandboxError {
    // What is refused may be of any length; an error is not.
    let shown = text.chars().take(MAX_KIND_BYTES + MAX_NAME_BYTES).collect();
    SandboxError::InvalidOwner { owner: shown, why }
}

impl FromStr for Owner {
    type Err = SandboxError;

    /// Parses `kind:name`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidOwner`] with the part that breaks the grammar.
    fn from_str(text: &str) -> Result<Self> {
        let (kind, name) = text.split_once(':').ok_or_else(|| invalid(text, "there is no colon"))?;
        Self::new(kind, name)
    }
}

impl TryFrom<String> for Owner {
    type Error = SandboxError;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.as_str().to_owned()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["discord:1", "mcp:claude/desktop:2", "local:root", "k8s-web:a@b.c"] {
            let owner: Owner = text.parse().unwrap();
            assert_eq!(owner.to_string(), text);
            let json = serde_json::to_string(&owner).unwrap();
            assert_eq!(serde_json::from_str::<Owner>(&json).unwrap(), owner);
        }
        assert_eq!("mcp:a:b".parse::<Owner>().unwrap().name(), "a:b");
    }

    #[test]
    fn what_could_mislead_is_refused() {
        let long_name = format!("local:{}", "a".repeat(129));
        let long_kind = format!("{}:a", "a".repeat(17));
        for text in [
            "",
            ":",
            "local",
            "local:",
            ":root",
            "Local:root",
            "1local:root",
            "-:root",
            "lo cal:root",
            "local:ro ot",
            "local:ro\not",
            "local:\u{202e}toor",
            "local:rööt",
            long_name.as_str(),
            long_kind.as_str(),
        ] {
            assert!(
                matches!(text.parse::<Owner>(), Err(SandboxError::InvalidOwner { .. })),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_error_is_bounded() {
        let error = "x".repeat(1 << 20).parse::<Owner>().unwrap_err();
        assert!(error.to_string().len() < 512);
    }
}
