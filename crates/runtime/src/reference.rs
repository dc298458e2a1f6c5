//! Image references in the full OCI grammar.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

const DEFAULT_REGISTRY: &str = "docker.io";
const DEFAULT_TAG: &str = "latest";
const MAX_NAME_BYTES: usize = 255;
const MAX_TAG_BYTES: usize = 128;

/// Names an image: `[registry[:port]/]repository[:tag][@digest]`.
///
/// What is left out is filled in as every engine does: the registry is `docker.io`, its one-word repositories are
/// under `library/`, and where there is neither tag nor digest the tag is `latest`. [`Display`](fmt::Display) prints
/// the full form, which means the same to every engine and never depends on its search list.
///
/// ```
/// use inline_runtime::ImageReference;
///
/// let short: ImageReference = "python:3.11-slim".parse()?;
/// assert_eq!(short.to_string(), "docker.io/library/python:3.11-slim");
///
/// let local: ImageReference = "localhost:5000/team/app".parse()?;
/// assert_eq!((local.registry(), local.repository(), local.tag()), ("localhost:5000", "team/app", Some("latest")));
/// # Ok::<(), inline_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Returns the registry with its port, `docker.io` by default.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository without its registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag; `latest` where the text had neither tag nor digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest with its algorithm: `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns registry and repository, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns what people write for the same image: what is filled in is left out again.
    ///
    /// ```
    /// use inline_runtime::ImageReference;
    ///
    /// let full: ImageReference = "docker.io/library/python:latest".parse()?;
    /// assert_eq!(full.familiar(), "python");
    /// # Ok::<(), inline_runtime::Error>(())
    /// ```
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        let short = full.strip_prefix("docker.io/").unwrap_or(&full);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let short = short.strip_suffix(":latest").unwrap_or(short);
        // Without its first word a name may mean another one.
        match short.parse::<Self>() {
            Ok(same) if same == *self => short.to_owned(),
            _ => full,
        }
    }

    /// Returns what means this image and no other to every engine: the digest without the tag where there is one.
    pub fn pinned(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.name()),
            None => self.to_string(),
        }
    }

    /// Returns whether the registry is on this machine's loopback, where engines speak plain HTTP.
    pub fn is_loopback(&self) -> bool {
        let host = match self.registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => self.registry.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host
                .parse()
                .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for ImageReference {
    type Err = Error;

    /// Parses a reference.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidSpec`] with the part that breaks the grammar.
    fn from_str(text: &str) -> Result<Self> {
        parse(text).map_err(|why| {
            Error::new(
                ErrorKind::InvalidSpec,
                format!("`{}` is not an image reference: {why}", text.escape_debug()),
            )
            .with_hint("write it as `[registry[:port]/]repository[:tag][@sha256:…]`, such as `python:3.11-slim`")
        })
    }
}

impl TryFrom<String> for ImageReference {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ImageReference> for String {
    fn from(reference: ImageReference) -> Self {
        reference.to_string()
    }
}

fn parse(text: &str) -> Result<ImageReference, &'static str> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (
            rest,
            Some(checked(digest, is_digest, "the digest must be `algorithm:hex`")?),
        ),
        None => (text, None),
    };
    // A colon after the last slash starts the tag; one before it belongs to the registry's port.
    let name_end = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[name_end..].split_once(':') {
        Some((last, tag)) => {
            let why = "the tag must be up to 128 letters, digits, `_`, `.` and `-`, and start with neither `.` nor `-`";
            (&rest[..name_end + last.len()], Some(checked(tag, is_tag, why)?))
        }
        None => (rest, None),
    };
    let (registry, path) = split_registry(name);
    if !is_registry(registry) {
        return Err("the registry must be a host name or address with an optional port");
    }
    let repository = if registry == DEFAULT_REGISTRY && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    if path.is_empty() || !repository.split('/').all(is_path_component) {
        return Err("the repository must be lower-case letters and digits, parted by `/`, `.`, `_`, `__` or `-`");
    }
    if registry.len() + 1 + repository.len() > MAX_NAME_BYTES {
        return Err("the name is longer than 255 bytes");
    }
    if name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("64 hexadecimal digits are an image id, not a name");
    }
    let tag = tag.or_else(|| digest.is_none().then(|| DEFAULT_TAG.to_owned()));
    Ok(ImageReference {
        registry: registry.to_owned(),
        repository,
        tag,
        digest,
    })
}

fn checked(part: &str, is_valid: fn(&str) -> bool, why: &'static str) -> Result<String, &'static str> {
    if is_valid(part) { Ok(part.to_owned()) } else { Err(why) }
}

/// The first component is a registry only if it cannot be part of a repository on the default one.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (
                if first == "index.docker.io" {
                    DEFAULT_REGISTRY
                } else {
                    first
                },
                rest,
            )
        }
        _ => (DEFAULT_REGISTRY, name),
    }
}

fn is_registry(registry: &str) -> bool {
    let (host_is_valid, port) = if let Some(rest) = registry.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        (address.parse::<std::net::Ipv6Addr>().is_ok(), port)
    } else {
        let (host, port) = registry.split_at(registry.find(':').unwrap_or(registry.len()));
        (host.split('.').all(is_domain_component), port)
    };
    let port_is_valid = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|p| p > 0),
        None => port.is_empty(),
    };
    host_is_valid && port_is_valid
}

fn is_domain_component(component: &str) -> bool {
    !component.is_empty()
        && component
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !component.starts_with('-')
        && !component.ends_with('-')
}

/// Runs of lower-case letters and digits, parted by one `.`, one or two `_`, or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let parts_are_valid = component
        .split(|c: char| c.is_ascii() && is_word(c as u8))
        .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'));
    let ends_are_words = |bytes: &[u8]| matches!(bytes, [first, .., last] if is_word(*first) && is_word(*last));
    match component.as_bytes() {
        [only] => is_word(*only),
        bytes => ends_are_words(bytes) && parts_are_valid,
    }
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MAX_TAG_BYTES
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let algorithm_is_valid = algorithm.split(['+', '.', '-', '_']).all(|part| {
        part.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let length_is_valid = match algorithm {
        "sha256" => hex.len() == 64,
        "sha512" => hex.len() == 128,
        _ => hex.len() >= 32,
    };
    algorithm_is_valid && length_is_valid && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
