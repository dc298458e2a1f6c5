//! One error type for every driver: callers branch on the kind, people read the message.

use std::error::Error as StdError;
use std::fmt;

/// The result of a call to a driver.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what went wrong in a call to a driver.
///
/// # Design
///
/// The type is opaque and holds no third-party type in its public face, so that a driver may change the library it
/// stands on without breaking anyone. [`Display`](fmt::Display) prints the driver, the operation, the message and, on
/// a line of its own, the hint; it never prints the source, which a chain printer reaches through
/// [`source`](StdError::source).
///
/// # Example: what a person sees
///
/// ```
/// use inline_runtime::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::ImageNotFound, "image `python:3.13` not found")
///     .with_driver("docker")
///     .with_operation("create")
///     .with_hint("pull it first");
/// assert_eq!(error.to_string(), "docker create: image `python:3.13` not found\nhint: pull it first");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    driver: Option<&'static str>,
    operation: Option<&'static str>,
    message: String,
    hint: Option<String>,
    transient: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`] that a caller can branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The engine or a registry cannot be reached, or went away in the middle of a call. Transient.
    Unavailable,
    /// The operating system refuses this user: the socket, the subordinate ids, a path.
    PermissionDenied,
    /// A registry wants a login, or refuses the one it was given.
    Unauthorized,
    /// The configuration names something that is not there or makes no sense.
    InvalidConfig,
    /// The spec contradicts itself or was refused by the engine.
    InvalidSpec,
    /// The driver cannot enforce what the spec asks for; the message says why and the hint how to mend it.
    Unsupported,
    /// No such image here, or none in the registry.
    ImageNotFound,
    /// No such container.
    ContainerNotFound,
    /// The name is taken, or the container was started before.
    AlreadyExists,
    /// The container is not running.
    NotRunning,
    /// The program to run does not exist in the image or cannot be executed.
    CommandNotFound,
    /// Disk, memory or a rate limit ran out.
    ResourceExhausted,
    /// The call itself, not the user's program, took longer than its bound. Transient.
    Timeout,
    /// Everything else; the source tells.
    Unexpected,
}

impl Error {
    /// Creates an error of `kind`; it is transient if the kind is by its nature.
    ///
    /// The message starts in lower case, has no full stop and puts literals in backticks.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            driver: None,
            operation: None,
            message: message.into(),
            hint: None,
            transient: matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout),
            source: None,
        }))
    }

    /// Sets the driver that the error comes from.
    #[must_use]
    pub fn with_driver(mut self, driver: &'static str) -> Self {
        self.0.driver = Some(driver);
        self
    }

    /// Sets the operation that failed, a method name of the trait.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Sets the cure that is shown on a line of its own.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets whether the same call may succeed later.
    #[must_use]
    pub fn with_transient(mut self, transient: bool) -> Self {
        self.0.transient = transient;
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the kind to branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the driver that the error comes from, if one was involved.
    pub fn driver(&self) -> Option<&'static str> {
        self.0.driver
    }

    /// Returns the operation that failed, if one was under way.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the message alone, without driver, operation and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the cure, if one is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.driver, self.0.operation) {
            (Some(driver), Some(operation)) => write!(f, "{driver} {operation}: ")?,
            (Some(one), None) | (None, Some(one)) => write!(f, "{one}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("driver", &self.0.driver)
            .field("operation", &self.0.operation)
            .field("message", &self.0.message)
            .field("hint", &self.0.hint)
            .field("transient", &self.0.transient)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_never_prints_the_source() {
        let error = Error::new(ErrorKind::Unexpected, "no answer")
            .with_operation("info")
            .with_source(std::io::Error::other("secret detail"));
        assert_eq!(error.to_string(), "info: no answer");
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("secret detail")
        );
    }

    #[test]
    fn transience_follows_the_kind_and_can_be_set() {
        assert!(Error::new(ErrorKind::Timeout, "x").is_transient());
        assert!(!Error::new(ErrorKind::Unsupported, "x").is_transient());
        assert!(
            Error::new(ErrorKind::ResourceExhausted, "x")
                .with_transient(true)
                .is_transient()
        );
    }

    #[test]
    fn error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
