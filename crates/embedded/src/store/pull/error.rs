//! Tells what went wrong between a registry and us.

use std::io;

use inline_runtime::{Error, ErrorKind, ImageReference};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};

/// Maps an error of the library.
pub(super) fn of(error: OciDistributionError, reference: &ImageReference) -> Error {
    let registry = reference.registry();
    let (kind, message) = match kind(&error) {
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
            format!("the registry `{registry}` cannot be reached"),
        ),
        ErrorKind::ResourceExhausted => (
            ErrorKind::ResourceExhausted,
            format!("the registry `{registry}` allows no more pulls for now"),
        ),
        kind => (kind, format!("the registry `{registry}` did not give `{reference}`")),
    };
    let is_transient = matches!(kind, ErrorKind::Unavailable | ErrorKind::ResourceExhausted);
    Error::new(kind, message)
        .with_transient(is_transient)
        .with_source(error)
}

/// Says that a layer or config did not come whole: the connection broke, or what came is not what its digest says.
pub(super) fn broken(reference: &ImageReference, error: io::Error) -> Error {
    let is_digest = matches!(error.get_ref(), Some(inner) if inner.is::<DigestError>());
    let (kind, what) = if is_digest {
        (ErrorKind::Unexpected, "is not what its digest says")
    } else {
        (ErrorKind::Unavailable, "did not come whole")
    };
    Error::new(kind, format!("a part of `{reference}` {what}")).with_source(error)
}

fn kind(error: &OciDistributionError) -> ErrorKind {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => ErrorKind::ImageNotFound,
        OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => {
            ErrorKind::Unauthorized
        }
        OciDistributionError::RegistryError { envelope, .. } => envelope
            .errors
            .first()
            .map_or(ErrorKind::Unexpected, |error| of_code(&error.code)),
        OciDistributionError::ServerError { code, .. } => of_status(*code),
        OciDistributionError::RequestError(error) => match error.status() {
            Some(status) => of_status(status.as_u16()),
            None => ErrorKind::Unavailable,
        },
        OciDistributionError::IoError(_) => ErrorKind::Unavailable,
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

fn of_status(status: u16) -> ErrorKind {
    match status {
        401 | 403 => ErrorKind::Unauthorized,
        404 => ErrorKind::ImageNotFound,
        429 => ErrorKind::ResourceExhausted,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    }
}
