//! Tells what went wrong between a registry and us.

use std::time::Duration;

use inline_runtime::{Error, ErrorKind, ImageReference};
use oci_client::errors::{OciEnvelope, OciErrorCode};

/// Says that no answer came.
pub(super) fn unreachable(reference: &ImageReference, error: reqwest::Error) -> Error {
    let registry = reference.registry();
    // An address that may not be asked, or one behind too many others, will be no other next time.
    let leads_astray = error.is_builder() || error.is_redirect();
    let (kind, message) = if leads_astray {
        (
            ErrorKind::Unexpected,
            format!("the registry `{registry}` leads to where no image may come from"),
        )
    } else {
        (
            ErrorKind::Unavailable,
            format!("the registry `{registry}` cannot be reached"),
        )
    };
    Error::new(kind, message)
        .with_transient(!leads_astray)
        .with_source(error)
}

/// Says that an answer took too long, or stopped in the middle.
pub(super) fn slow(reference: &ImageReference, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "the registry `{}` did not answer within {limit:?}",
            reference.registry()
        ),
    )
    .with_transient(true)
    .with_hint("raise `call_timeout` for a registry that is slow")
}

/// Says why a registry refuses, by status and what came with it.
pub(super) fn refused(reference: &ImageReference, status: u16, why: &[u8]) -> Error {
    let registry = reference.registry();
    let code = serde_json::from_slice(why).ok().and_then(|envelope: OciEnvelope| {
        let first = envelope.errors.into_iter().next();
        first.map(|error| error.code)
    });
    let (kind, message) = match kind(status, code.as_ref()) {
        ErrorKind::ImageNotFound => (
            ErrorKind::ImageNotFound,
            format!("image `{reference}` is not in its registry, or needs a login"),
        ),
        ErrorKind::Unauthorized => (
            ErrorKind::Unauthorized,
            format!("the registry `{registry}` refuses `{reference}` to this login"),
        ),
        ErrorKind::Unavailable => (
            ErrorKind::Unavailable,
            format!("the registry `{registry}` is out of order (status {status})"),
        ),
        ErrorKind::ResourceExhausted => (
            ErrorKind::ResourceExhausted,
            format!("the registry `{registry}` allows no more pulls for now"),
        ),
        kind => (
            kind,
            format!("the registry `{registry}` did not give `{reference}` (status {status})"),
        ),
    };
    let is_transient = matches!(kind, ErrorKind::Unavailable | ErrorKind::ResourceExhausted);
    Error::new(kind, message).with_transient(is_transient)
}

/// Says that a connection broke in the middle of an answer.
pub(super) fn broken(reference: &ImageReference, error: reqwest::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("a part of `{reference}` did not come whole"),
    )
    .with_transient(true)
    .with_source(error)
}

/// Says that what came is not what was asked for.
pub(super) fn other_digest(reference: &ImageReference) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("a part of `{reference}` is not what its digest says"),
    )
}

/// Says that an image is for other machines.
pub(super) fn no_platform(reference: &ImageReference) -> Error {
    let architecture = std::env::consts::ARCH;
    Error::new(
        ErrorKind::ImageNotFound,
        format!("image `{reference}` is not there for Linux on `{architecture}`"),
    )
}

/// Says that an answer has more bytes than are read.
pub(super) fn too_long(most: usize) -> Error {
    invalid(&format!("a part of it that should be short has more than {most} bytes"))
}

/// Says that a registry's image cannot be used.
pub(super) fn invalid(why: &str) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("the registry's image is not usable: {why}"),
    )
}

/// The status says who is asked to do what, the code why; a login that is missing is known by either.
fn kind(status: u16, code: Option<&OciErrorCode>) -> ErrorKind {
    match (status, code) {
        (401, _) | (403, None) => ErrorKind::Unauthorized,
        (400..=499, Some(code)) => of_code(code),
        (404, None) => ErrorKind::ImageNotFound,
        (429, None) => ErrorKind::ResourceExhausted,
        (500..=599, _) => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    }
}

fn of_code(code: &OciErrorCode) -> ErrorKind {
    match code {
        OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound => ErrorKind::ImageNotFound,
        OciErrorCode::Unauthorized | OciErrorCode::Denied => ErrorKind::Unauthorized,
        OciErrorCode::Toomanyrequests => ErrorKind::ResourceExhausted,
        _ => ErrorKind::Unexpected,
    }
}
