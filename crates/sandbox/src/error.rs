//! One error type for the service; a user's program that fails is a verdict, not an error.

mod busy;

use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use busy::Seconds;
use inline_runtime::ImageReference;

use crate::PackageManager;

pub use busy::BusyReason;

/// The result of a call to the service.
pub type Result<T, E = SandboxError> = std::result::Result<T, E>;

/// The cause of an error whose type is nobody's business.
type Source = Box<dyn StdError + Send + Sync>;

/// Says why the service did not do what it was asked.
///
/// Every variant is data for a face to word as it likes; [`Display`](std::fmt::Display) words it for a person. It never
/// prints the source, which a chain printer reaches through [`source`](StdError::source). The cure, where there is one,
/// is [`hint`](Self::hint).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The text names no owner.
    #[error("`{}` is not an owner: {why}", .owner.escape_debug())]
    InvalidOwner {
        /// The text, cut to a bounded length.
        owner: String,
        /// The part that breaks the grammar.
        why: &'static str,
    },
    /// There is no such sandbox, file, session or package.
    #[error("{what} `{}` not found", .name.escape_debug())]
    NotFound {
        /// The kind of thing: `sandbox`, `file` …
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The thing is there already.
    #[error("{what} `{}` already exists", .name.escape_debug())]
    AlreadyExists {
        /// The kind of thing: `sandbox`, `file` …
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The path leads out of the workspace, or cannot be used for this.
    #[error("path `{}` cannot be used: {why}", .path.escape_debug())]
    InvalidPath {
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The workspace holds more than it may, or would after this.
    #[error("the workspace would hold {used} {what}, {limit} are allowed")]
    QuotaExceeded {
        /// The unit: `bytes` or `files`.
        what: &'static str,
        /// What it holds, or would.
        used: u64,
        /// What it may hold.
        limit: u64,
    },
    /// The service cannot take this run now.
    #[error("{reason}")]
    Busy {
        /// What there is too much of.
        reason: BusyReason,
        /// When it is worth while to come back.
        retry_after: Duration,
    },
    /// Another process has the base directory open.
    #[error("the base directory `{}` is in use by another process", .path.display())]
    InUse {
        /// The base directory.
        path: PathBuf,
    },
    /// The operator does not let owners choose this image.
    #[error("image `{}` is not among those that may be chosen", .image.escape_debug())]
    ImageNotAllowed {
        /// The image.
        image: String,
    },
    /// No such language is configured.
    #[error("language `{}` is not known; there are: {}", .language.escape_debug(), .known.join(", "))]
    UnknownLanguage {
        /// The language as it was asked for.
        language: String,
        /// The languages that there are.
        known: Vec<String>,
    },
    /// The language has no sessions.
    #[error("language `{}` has no sessions", .language.escape_debug())]
    NoSessions {
        /// The language.
        language: String,
    },
    /// The image has not the interpreter of the language.
    #[error("image `{}` has no interpreter of language `{}`", .image.familiar(), .language.escape_debug())]
    NoInterpreter {
        /// The language.
        language: String,
        /// The image.
        image: ImageReference,
    },
    /// The image has not the package manager.
    #[error("image `{}` has no {manager}", .image.familiar())]
    NoPackageManager {
        /// The package manager.
        manager: PackageManager,
        /// The image.
        image: ImageReference,
    },
    /// The program cannot be run on any system.
    #[error("the program cannot be run: {why}")]
    InvalidProgram {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The program is longer than the operator allows.
    #[error("the source has {len} bytes, {max} are allowed")]
    SourceTooLarge {
        /// The length of the source in bytes.
        len: u64,
        /// The most that is allowed, in bytes.
        max: u64,
    },
    /// A file or an export is larger than it may be.
    #[error("the {what} has {size} bytes or more, {max} are allowed")]
    TooLarge {
        /// The kind of thing: `file`, `export` …
        what: &'static str,
        /// The size as far as it was seen, in bytes.
        size: u64,
        /// The most that is allowed, in bytes.
        max: u64,
    },
    /// The package specifier is malformed or not allowed.
    #[error("package `{}` cannot be installed: {why}", .specifier.escape_debug())]
    InvalidPackage {
        /// The specifier, cut to a bounded length.
        specifier: String,
        /// What is wrong with it.
        why: String,
    },
    /// A caller asked for a limit that makes no sense.
    #[error("limit `{limit}` cannot be {value}: {why}")]
    InvalidLimit {
        /// The name of the limit.
        limit: &'static str,
        /// What was asked for.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operator's configuration makes no sense.
    #[error("configuration `{key}`: {why}")]
    InvalidConfig {
        /// The dotted path of the key.
        key: String,
        /// What is wrong with its value.
        why: String,
    },
    /// The operating system refused a call on the service's own files.
    #[error("{operation} was refused by the operating system")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The refusal.
        #[source]
        source: std::io::Error,
    },
    /// A call to the store did not succeed.
    #[error("the store could not {operation}")]
    Store {
        /// What it was to do.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
    /// The store's file cannot be opened: it is damaged, no database, or of a newer version.
    #[error("the store `{}` cannot be used: {why}", .path.display())]
    StoreUnusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
    /// The store holds something that this version does not understand.
    #[error("the store holds a {what} that cannot be read: `{}`", .value.escape_debug())]
    StoreValue {
        /// The kind of value.
        what: &'static str,
        /// The value, cut to a bounded length.
        value: String,
    },
    /// The container engine refused or cannot be reached.
    #[error("the container engine did not do its part")]
    Runtime(#[source] inline_runtime::Error),
}

impl SandboxError {
    /// Returns the cure, if one is known, as a sentence of its own.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidOwner { .. } => "write it as `kind:name`, such as `local:alice`".to_owned(),
            Self::NotFound { what: "sandbox", .. } => "create it first".to_owned(),
            Self::AlreadyExists { what: "file", .. } => "choose another name, or ask for it to be replaced".to_owned(),
            Self::QuotaExceeded { .. } => "remove some files first".to_owned(),
            Self::Busy { retry_after, .. } => format!("try again in {}", Seconds(*retry_after)),
            Self::SourceTooLarge { .. } => {
                "write the data to a file of the workspace and read it from there".to_owned()
            }
            Self::InvalidPackage { .. } => "give a name with an optional version, such as `numpy==2.1`".to_owned(),
            Self::InvalidLimit { .. } => "leave it out to take the operator's limit".to_owned(),
            Self::InUse { .. } => "end that process, or set another `base_dir` for this one".to_owned(),
            Self::NoInterpreter { language, .. } => format!(
                "install it there (`host` is this machine), or let `languages.{}.image` name an image that has it",
                language.escape_debug()
            ),
            Self::NoPackageManager { .. } => {
                "install it there (`host` is this machine), or let the language have an image that has it".to_owned()
            }
            Self::ImageNotAllowed { .. } => "the operator can add it to `allowed_images`".to_owned(),
            Self::StoreUnusable { .. } => {
                "restore a copy, or move the file away to begin an empty one; workspaces are kept".to_owned()
            }
            Self::StoreValue { .. } => "it was written by a newer version: go back to that".to_owned(),
            Self::Runtime(error) => return error.hint().map(ToOwned::to_owned),
            Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::InvalidPath { .. }
            | Self::TooLarge { .. }
            | Self::UnknownLanguage { .. }
            | Self::NoSessions { .. }
            | Self::InvalidProgram { .. }
            | Self::InvalidConfig { .. }
            | Self::Io { .. }
            | Self::Store { .. } => return None,
        })
    }

    /// Returns when it is worth while to come back, if the refusal is for now only.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Makes a function that turns an [`std::io::Error`] met in `operation` into an error of ours, for `map_err`.
    pub(crate) fn io(operation: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { operation, source }
    }
}

impl From<inline_runtime::Error> for SandboxError {
    fn from(error: inline_runtime::Error) -> Self {
        Self::Runtime(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Owner;

    #[test]
    fn a_refusal_for_now_says_when_to_come_back() {
        let owner: Owner = "local:alice".parse().unwrap();
        let error = SandboxError::Busy {
            reason: BusyReason::RateLimited {
                owner,
                allowed: 10,
                period: Duration::from_mins(1),
            },
            retry_after: Duration::from_millis(2_500),
        };
        assert_eq!(
            error.to_string(),
            "`local:alice` asks too often: 10 runs in 60 s are allowed"
        );
        assert_eq!(error.hint().as_deref(), Some("try again in 2.5 s"));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(2_500)));
    }

    #[test]
    fn the_source_is_reached_and_never_printed() {
        let inner =
            inline_runtime::Error::new(inline_runtime::ErrorKind::Unavailable, "no answer").with_hint("start it");
        let error = SandboxError::from(inner);
        assert!(!error.to_string().contains("no answer"));
        assert!(
            error
                .source()
                .is_some_and(|source| source.to_string().contains("no answer"))
        );
        assert_eq!(error.hint().as_deref(), Some("start it"));
        assert_eq!(error.retry_after(), None);
    }

    #[test]
    fn what_a_user_typed_cannot_write_to_a_terminal() {
        let error = SandboxError::InvalidPath {
            path: "\u{1b}[2J".to_owned(),
            why: "no".to_owned(),
        };
        assert!(!error.to_string().contains('\u{1b}'));
    }
}
