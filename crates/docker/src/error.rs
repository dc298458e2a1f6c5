//! What an engine's answers mean as kinds of [`Error`].

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error as ClientError;
use inline_runtime::{Error, ErrorKind};

use crate::endpoint::Endpoint;

/// The name of this driver in errors and in `driver()`.
pub(crate) const DRIVER: &str = "docker";

/// Longer messages of an engine are cut; it may quote a whole seccomp profile.
const MAX_MESSAGE_BYTES: usize = 2048;

/// What engines say, lower case, by the status they say it with; the first match counts. The status comes first because
/// messages quote names and commands that callers choose.
const RULES: &[(&[u16], &str, ErrorKind)] = &[
    (&[404], "no such container", ErrorKind::ContainerNotFound),
    (&[404], "no such image", ErrorKind::ImageNotFound),
    (&[404], "no such exec instance", ErrorKind::ContainerNotFound),
    (&[409], "is already in use by container", ErrorKind::AlreadyExists),
    (&[409, 500], "is not running", ErrorKind::NotRunning),
    (&[409, 500], "is paused", ErrorKind::NotRunning),
    (&[400, 500], "unable to find user", ErrorKind::InvalidSpec),
    (&[400, 500], "unable to find group", ErrorKind::InvalidSpec),
    (&[400, 500], "no matching entries in", ErrorKind::InvalidSpec),
    (&[400, 500], "chdir to cwd", ErrorKind::InvalidSpec),
    (&[400, 500], "cannot mkdir", ErrorKind::InvalidSpec),
    (&[400, 500], "seccomp", ErrorKind::InvalidSpec),
    (&[400, 404, 500], "unknown runtime specified", ErrorKind::Unsupported),
    (&[400, 404, 500], "unknown or invalid runtime", ErrorKind::Unsupported),
    (&[400, 500], "could not select device driver", ErrorKind::Unsupported),
    (&[400, 500], "executable file", ErrorKind::CommandNotFound),
    (&[400, 500], "exec: \"", ErrorKind::CommandNotFound),
    (&[400, 500], "exec failed", ErrorKind::CommandNotFound),
    (&[400, 500], "command that was not found", ErrorKind::CommandNotFound),
    (&[400, 500], "oci permission denied", ErrorKind::CommandNotFound),
    (&[400, 500], "no space left on device", ErrorKind::ResourceExhausted),
    (&[400, 500], "cannot allocate memory", ErrorKind::ResourceExhausted),
    (
        &[400, 500],
        "resource temporarily unavailable",
        ErrorKind::ResourceExhausted,
    ),
    (&[400], "", ErrorKind::InvalidSpec),
    (&[401], "", ErrorKind::Unauthorized),
    (&[403], "", ErrorKind::PermissionDenied),
    (&[502, 503, 504], "", ErrorKind::Unavailable),
];

/// Creates an error of this driver.
pub(crate) fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message).with_driver(DRIVER)
}

/// Translates a failed call to the engine at `endpoint`.
pub(crate) fn from_client(endpoint: &Endpoint, failure: ClientError) -> Error {
    let translated = match &failure {
        ClientError::DockerResponseServerError { status_code, message } => from_answer(*status_code, message),
        ClientError::DockerStreamError { error: message } => from_answer(500, message),
        ClientError::RequestTimeoutError => timeout(endpoint),
        ClientError::SocketNotFoundError(_) => unreachable(endpoint, io::ErrorKind::NotFound),
        ClientError::HyperLegacyError { err } if err.is_connect() => unreachable(endpoint, io_kind(&failure)),
        ClientError::IOError { .. } | ClientError::HyperLegacyError { .. } | ClientError::HyperResponseError { .. } => {
            match io_kind(&failure) {
                io::ErrorKind::TimedOut => timeout(endpoint),
                _ => lost(endpoint),
            }
        }
        _ => error(
            ErrorKind::Unexpected,
            format!("the answer of the engine at `{endpoint}` cannot be read"),
        ),
    };
    translated.with_source(failure)
}

/// Translates an answer that is an error.
fn from_answer(status: u16, message: &str) -> Error {
    let lower = message.to_lowercase();
    let rule = RULES
        .iter()
        .find(|(statuses, text, _)| statuses.contains(&status) && lower.contains(text));
    let kind = rule.map_or(ErrorKind::Unexpected, |(_, _, kind)| *kind);
    let error = error(kind, sentence(message))
        .with_transient(matches!(kind, ErrorKind::Unavailable | ErrorKind::ResourceExhausted));
    match kind {
        ErrorKind::ImageNotFound => error.with_hint("pull it first"),
        ErrorKind::Unsupported if lower.contains("runtime") => error
            .with_hint("add the OCI runtime to `runtimes` in the engine's `daemon.json`, or name one that is there"),
        ErrorKind::Unsupported => error.with_hint("install the NVIDIA container toolkit on the engine's host"),
        _ => error,
    }
}

/// Translates the text that an engine printed instead of starting a process.
pub(crate) fn from_start_text(text: &str) -> Error {
    from_answer(500, text)
}

pub(crate) fn timeout(endpoint: &Endpoint) -> Error {
    error(
        ErrorKind::Timeout,
        format!("the engine at `{endpoint}` takes too long to answer"),
    )
    .with_hint("look at its load and its log, or raise `call_timeout`")
}

/// Says that the connection broke off while something was under way.
pub(crate) fn lost(endpoint: &Endpoint) -> Error {
    error(
        ErrorKind::Unavailable,
        format!("the connection to the engine at `{endpoint}` was lost"),
    )
}

/// Says why there is no connection to begin with.
pub(crate) fn unreachable(endpoint: &Endpoint, reason: io::ErrorKind) -> Error {
    let unavailable = |message| {
        error(ErrorKind::Unavailable, message).with_hint("start Docker, or say where it is with `DOCKER_HOST`")
    };
    match (reason, endpoint) {
        (io::ErrorKind::PermissionDenied, Endpoint::Unix(socket)) => error(
            ErrorKind::PermissionDenied,
            format!("this user may not open the Docker socket `{}`", socket.display()),
        )
        .with_hint("add the user to the group `docker` and log in again, or run Docker rootless"),
        (io::ErrorKind::NotFound, Endpoint::Unix(socket)) => {
            unavailable(format!("there is no Docker socket at `{}`", socket.display()))
        }
        (io::ErrorKind::ConnectionRefused, _) => unavailable(format!("no engine listens at `{endpoint}`")),
        (io::ErrorKind::TimedOut, _) => timeout(endpoint),
        _ => unavailable(format!("the engine at `{endpoint}` cannot be reached")),
    }
}

/// Finds the operating system's reason under a client's error.
fn io_kind(failure: &ClientError) -> io::ErrorKind {
    // The client's own error stands for this one and hides it from `source`.
    let mut next: Option<&(dyn StdError + 'static)> = match failure {
        ClientError::IOError { err } => Some(err),
        other => Some(other),
    };
    while let Some(error) = next {
        next = match error.downcast_ref::<io::Error>() {
            // A wrapped one says `Other`, and `source` skips what it wraps.
            Some(wrapper) if wrapper.kind() == io::ErrorKind::Other => wrapper.get_ref().map(|inner| inner as _),
            Some(reason) => return reason.kind(),
            None => error.source(),
        };
    }
    io::ErrorKind::Other
}

/// Makes an engine's message fit behind `docker create: `.
pub(crate) fn sentence(message: &str) -> String {
    let message = message.trim().trim_end_matches('.').trim_end_matches(": unknown");
    // Engines put the names of all layers before the reason of the OCI runtime.
    let message = message
        .rsplit_once("unable to start container process: ")
        .map_or(message, |(_, reason)| reason);
    let end = message.floor_char_boundary(MAX_MESSAGE_BYTES);
    let mut characters = message[..end].chars();
    match (characters.next(), characters.clone().next()) {
        (None, _) => "the engine gives no reason".to_owned(),
        // `OCI runtime …` keeps its capitals.
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(characters).collect(),
        (Some(first), _) => std::iter::once(first).chain(characters).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::Unix("/run/docker.sock".into())
    }

    fn answer(status_code: u16, message: &str) -> ClientError {
        ClientError::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        }
    }

    #[test]
    fn answers_become_kinds() {
        for (status, message, kind) in [
            (404, "No such container: x", ErrorKind::ContainerNotFound),
            (
                404,
                "No such image: docker.io/library/x:latest",
                ErrorKind::ImageNotFound,
            ),
            (
                409,
                "Conflict. The container name \"/x\" is already in use by container \"8f\". You have to remove it.",
                ErrorKind::AlreadyExists,
            ),
            (409, "Container 8f is not running", ErrorKind::NotRunning),
            (
                409,
                "Container 8f is paused, unpause the container before exec",
                ErrorKind::NotRunning,
            ),
            (400, "Unknown runtime specified bogus", ErrorKind::Unsupported),
            (400, "unknown or invalid runtime name: bogus", ErrorKind::Unsupported),
            (
                500,
                "could not select device driver \"\" with capabilities: [[gpu]]",
                ErrorKind::Unsupported,
            ),
            (
                400,
                "invalid mount config for type \"bind\": bind source path does not exist: /x",
                ErrorKind::InvalidSpec,
            ),
            (
                400,
                "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
                 process: exec: \"is not running\": executable file not found in $PATH: unknown",
                ErrorKind::CommandNotFound,
            ),
            (
                400,
                "OCI runtime create failed: exec: \"/etc/passwd\": permission denied: unknown",
                ErrorKind::CommandNotFound,
            ),
            (
                400,
                "crun: executable file `x` not found in $PATH: No such file or directory: OCI runtime attempted to \
                 invoke a command that was not found",
                ErrorKind::CommandNotFound,
            ),
            (
                400,
                "unable to find user nobody2: no matching entries in passwd file",
                ErrorKind::InvalidSpec,
            ),
            (
                500,
                "write /var/lib/docker/x: no space left on device",
                ErrorKind::ResourceExhausted,
            ),
            (403, "authorization denied by plugin x", ErrorKind::PermissionDenied),
            (503, "", ErrorKind::Unavailable),
            (500, "something else", ErrorKind::Unexpected),
        ] {
            let error = from_client(&endpoint(), answer(status, message));
            assert_eq!(error.kind(), kind, "{status} {message}");
            assert!(
                !error.message().is_empty() && !error.message().ends_with('.'),
                "{error}"
            );
        }
    }

    #[test]
    fn the_reason_of_the_operating_system_tells() {
        for (reason, kind) in [
            (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
            (io::ErrorKind::NotFound, ErrorKind::Unavailable),
            (io::ErrorKind::ConnectionRefused, ErrorKind::Unavailable),
            (io::ErrorKind::HostUnreachable, ErrorKind::Unavailable),
            (io::ErrorKind::TimedOut, ErrorKind::Timeout),
        ] {
            let error = unreachable(&endpoint(), reason);
            assert_eq!(error.kind(), kind, "{reason:?}");
            assert!(error.message().contains("/run/docker.sock"), "{error}");
        }
    }

    #[test]
    fn reasons_are_found_under_their_wrappers() {
        let reason = io::Error::new(io::ErrorKind::ConnectionReset, "deep down");
        let failure = ClientError::IOError {
            err: io::Error::other(io::Error::other(reason)),
        };
        assert_eq!(io_kind(&failure), io::ErrorKind::ConnectionReset);
        assert_eq!(from_client(&endpoint(), failure).kind(), ErrorKind::Unavailable);
        assert_eq!(io_kind(&ClientError::RequestTimeoutError), io::ErrorKind::Other);
    }

    #[test]
    fn messages_fit_behind_the_operation() {
        assert_eq!(sentence("No such container: x."), "no such container: x");
        assert_eq!(sentence("OCI runtime create failed"), "OCI runtime create failed");
        let layers =
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"x\": not found: unknown";
        assert_eq!(sentence(layers), "exec: \"x\": not found");
        assert_eq!(sentence(" "), "the engine gives no reason");
        assert_eq!(sentence(&"ä".repeat(4096)).len(), MAX_MESSAGE_BYTES);
    }
}
