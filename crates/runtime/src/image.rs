//! Images and how they are pulled.

use std::fmt;

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Identifies an image by its content: `sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageId(String);

/// Describes an image that is on the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// The id.
    pub id: ImageId,
    /// The size on the engine in bytes, if it says.
    pub size: Option<u64>,
}

/// Holds the choices of a pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullOptions {
    /// The login to the registry; by default the driver takes the engine's usual one.
    pub credentials: Option<Credentials>,
}

/// A login to a registry. Its password never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

/// One thing that happened in a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PullEvent {
    /// The engine says what it does, in its own words.
    Status(String),
    /// A layer grew. Comes only from engines that count bytes.
    Progress {
        /// The layer, in the engine's words.
        layer: String,
        /// The bytes that have come.
        current: u64,
        /// The bytes that will come, if known.
        total: Option<u64>,
    },
    /// The image is here. Comes exactly once, and last.
    Done(ImageId),
}

/// Yields what happens in a pull. An error ends it; dropping it gives the pull up.
pub type PullStream = BoxStream<'static, Result<PullEvent>>;

impl ImageId {
    /// Creates an id; a bare hexadecimal one, as Podman prints it, gets its `sha256:`.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        if id.contains(':') {
            Self(id)
        } else {
            Self(format!("sha256:{id}"))
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Image {
    /// Creates a description.
    pub fn new(id: ImageId, size: Option<u64>) -> Self {
        Self { id, size }
    }
}

impl PullOptions {
    /// Sets the login to the registry.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }
}

impl Credentials {
    /// Creates a login.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }

    /// Returns the user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Returns the password; for drivers, to hand to the engine and to nothing else.
    pub fn expose_password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &"***")
            .finish()
    }
}

impl fmt::Display for PullEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(text) => f.write_str(text),
            Self::Progress {
                layer,
                current,
                total: Some(total),
            } => write!(f, "{layer}: {current} of {total} bytes"),
            Self::Progress {
                layer,
                current,
                total: None,
            } => write!(f, "{layer}: {current} bytes"),
            Self::Done(id) => write!(f, "done: {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_never_print() {
        let credentials = Credentials::new("me", "hunter2");
        assert!(!format!("{credentials:?}").contains("hunter2"));
        assert!(!format!("{:?}", PullOptions::default().with_credentials(credentials)).contains("hunter2"));
    }

    #[test]
    fn ids_have_their_algorithm() {
        assert_eq!(ImageId::new("abc").as_str(), "sha256:abc");
        assert_eq!(ImageId::new("sha256:abc").as_str(), "sha256:abc");
    }
}
