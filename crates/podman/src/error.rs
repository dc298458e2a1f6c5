//! Turns what podman-api and the service say into errors of the contract.
//!
//! The service answers 500 to nearly everything, so the message decides, not the status.

use std::error::Error as StdError;
use std::io;

use containers_api::conn::Error as ConnectionError;
use inline_runtime::{Error, ErrorKind};
use podman_api::Error as ApiError;

use crate::engine::DRIVER;

/// What a part of a message of the service means; the first entry that matches wins.
const SERVICE: [(&str, ErrorKind); 24] = [
    ("no such container", ErrorKind::ContainerNotFound),
    ("image not known", ErrorKind::ImageNotFound),
    ("is already in use", ErrorKind::AlreadyExists),
    ("container state improper", ErrorKind::NotRunning),
    ("can only create exec sessions on running", ErrorKind::NotRunning),
    // crun names the executable; runc quotes it behind `exec:`.
    ("executable file", ErrorKind::CommandNotFound),
    ("open executable", ErrorKind::CommandNotFound),
    ("exec: \"", ErrorKind::CommandNotFound),
    ("exec format error", ErrorKind::CommandNotFound),
    ("no space left on device", ErrorKind::ResourceExhausted),
    ("disk quota exceeded", ErrorKind::ResourceExhausted),
    ("cannot allocate memory", ErrorKind::ResourceExhausted),
    (NO_INIT, ErrorKind::Unsupported),
    (HYBRID, ErrorKind::Unsupported),
    ("unresolvable CDI devices", ErrorKind::Unsupported),
    ("opening seccomp profile failed", ErrorKind::Unsupported),
    ("/oom_score_adj", ErrorKind::Unsupported),
    ("setrlimit", ErrorKind::Unsupported),
    ("setting rlimit", ErrorKind::Unsupported),
    ("matching entries in", ErrorKind::InvalidSpec),
    ("unknown capability", ErrorKind::InvalidSpec),
    ("workdir \"", ErrorKind::InvalidSpec),
    ("chdir", ErrorKind::InvalidSpec),
    ("statfs ", ErrorKind::InvalidSpec),
];

/// What a part of an error of a pull means. Registries and the network speak here, in lower and upper case.
const PULL: [(&str, ErrorKind); 21] = [
    ("manifest unknown", ErrorKind::ImageNotFound),
    ("name unknown", ErrorKind::ImageNotFound),
    ("repository name not known", ErrorKind::ImageNotFound),
    ("toomanyrequests", ErrorKind::ResourceExhausted),
    ("too many requests", ErrorKind::ResourceExhausted),
    ("no space left on device", ErrorKind::ResourceExhausted),
    ("disk quota exceeded", ErrorKind::ResourceExhausted),
    ("unauthorized", ErrorKind::Unauthorized),
    ("authentication required", ErrorKind::Unauthorized),
    ("access to the resource is denied", ErrorKind::Unauthorized),
    ("invalid username/password", ErrorKind::Unauthorized),
    ("connection refused", ErrorKind::Unavailable),
    ("no such host", ErrorKind::Unavailable),
    ("server misbehaving", ErrorKind::Unavailable),
    ("i/o timeout", ErrorKind::Unavailable),
    ("tls handshake timeout", ErrorKind::Unavailable),
    ("network is unreachable", ErrorKind::Unavailable),
    ("no route to host", ErrorKind::Unavailable),
    ("connection reset by peer", ErrorKind::Unavailable),
    ("503 (service unavailable)", ErrorKind::Unavailable),
    ("502 (bad gateway)", ErrorKind::Unavailable),
];

const NO_INIT: &str = "container-init binary not found";
const HYBRID: &str = "cgroups in hybrid mode not supported";
/// What the service adds to the words of the OCI runtime.
const REPETITIONS: [&str; 3] = [
    ": OCI runtime attempted to invoke a command that was not found",
    ": OCI permission denied",
    ": OCI runtime error",
];
/// What stands around the id of a container whose process could not be made.
const PREPARING: &str = "preparing container ";
const FOR_ATTACH: &str = " for attach: ";
const USE_RUNC: &str = "this host has both versions of control groups, which crun refuses: give the service runc, by \
                        `runtime = \"runc\"` under `[engine]` in `containers.conf`";
const INSTALL_INIT: &str = "install `catatonit` where the service runs";
const HTTP_REGISTRY: &str = "the registry speaks plain HTTP: name it in `insecure_registries` if that is what you want";

/// Says which operation an error comes from.
pub(crate) fn named(operation: &'static str) -> impl Fn(Error) -> Error + Copy + Send + 'static {
    move |error| error.with_driver(DRIVER).with_operation(operation)
}

/// Turns an error of podman-api in a pull into one of the contract.
pub(crate) fn from_pull_api(error: ApiError) -> Error {
    match error {
        ApiError::Fault { message, .. } | ApiError::Error(ConnectionError::Fault { message, .. }) => {
            from_pull(&message)
        }
        error => from_api(error),
    }
}

/// Turns an error of podman-api into one of the contract.
pub(crate) fn from_api(error: ApiError) -> Error {
    match error {
        ApiError::Fault { message, .. } | ApiError::Error(ConnectionError::Fault { message, .. }) => {
            from_service(&message)
        }
        ApiError::Error(error) => from_connection(error),
        error @ ApiError::IO(_) => lost(error),
        error => Error::new(ErrorKind::Unexpected, "the service gave an answer that makes no sense").with_source(error),
    }
}

/// Turns what the service says into an error of the contract.
pub(crate) fn from_service(message: &str) -> Error {
    let message = without_repetition(message);
    let error = Error::new(kind_of(message, &SERVICE), message);
    let hints = [(NO_INIT, INSTALL_INIT), (HYBRID, USE_RUNC)];
    match hints.into_iter().find(|(part, _)| message.contains(part)) {
        Some((_, hint)) => error.with_hint(hint),
        None => error,
    }
}

/// Turns what the service says of a pull into an error of the contract.
pub(crate) fn from_pull(message: &str) -> Error {
    let message = message.trim();
    let error = Error::new(kind_of(&message.to_ascii_lowercase(), &PULL), message);
    if message.contains("server gave HTTP response to HTTPS client") {
        error.with_hint(HTTP_REGISTRY)
    } else {
        error
    }
}

/// Creates the error for a connection that broke off.
pub(crate) fn lost(source: impl StdError + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "the connection to the service was lost").with_source(source)
}

fn from_connection(error: ConnectionError) -> Error {
    let ConnectionError::Hyper(error) = error else {
        return match error {
            error @ (ConnectionError::IO(_) | ConnectionError::ConnectionNotUpgraded) => lost(error),
            error => Error::new(ErrorKind::Unexpected, "the request to the service went wrong").with_source(error),
        };
    };
    if !error.is_connect() {
        return lost(error);
    }
    let refused = io_kind(&error) == Some(io::ErrorKind::PermissionDenied);
    let (kind, message) = if refused {
        (
            ErrorKind::PermissionDenied,
            "the socket of the service is not open to this user",
        )
    } else {
        (ErrorKind::Unavailable, "the service cannot be reached")
    };
    Error::new(kind, message).with_source(error)
}

/// Finds the kind of the first I/O error in a chain.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

fn kind_of(message: &str, table: &[(&str, ErrorKind)]) -> ErrorKind {
    table
        .iter()
        .find(|(part, _)| message.contains(part))
        .map_or(ErrorKind::Unexpected, |(_, kind)| *kind)
}

/// podman-api joins message and cause, though the message ends in its cause already, and some causes say nothing more. That a
/// process was made for its streams to be attached to says nothing either.
fn without_repetition(message: &str) -> &str {
    let message = message.trim();
    let message = match message.split_once(FOR_ATTACH) {
        Some((start, cause)) if start.contains(PREPARING) => cause,
        _ => message,
    };
    let message = match message.rsplit_once(": ") {
        Some((start, cause)) if start.ends_with(cause) => start,
        _ => message,
    };
    let shorter = REPETITIONS
        .iter()
        .find_map(|repetition| message.strip_suffix(repetition));
    shorter.unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_service_have_their_kinds() {
        let runc = r#"runc: runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found"#;
        for (message, kind) in [
            (
                r#"no container with name or ID "x" found: no such container"#,
                ErrorKind::ContainerNotFound,
            ),
            ("127.0.0.1:5/nosuch:latest: image not known", ErrorKind::ImageNotFound),
            (
                r#"creating container storage: the container name "x" is already in use by 2b. You have to remove that container to be able to reuse that name: that name is already in use"#,
                ErrorKind::AlreadyExists,
            ),
            (
                "can only kill running containers. 2b is in state created: container state improper",
                ErrorKind::NotRunning,
            ),
            (
                "crun: executable file `nosuch` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found",
                ErrorKind::CommandNotFound,
            ),
            (
                "crun: open executable: Permission denied: OCI permission denied",
                ErrorKind::CommandNotFound,
            ),
            (runc, ErrorKind::CommandNotFound),
            (
                "crun: write to /proc/self/oom_score_adj: Permission denied: OCI permission denied",
                ErrorKind::Unsupported,
            ),
            (
                "crun: chdir `/nosuch`: No such file or directory: OCI runtime attempted to invoke a command that was not found",
                ErrorKind::InvalidSpec,
            ),
            (
                "unable to find user nosuch: no matching entries in passwd file",
                ErrorKind::InvalidSpec,
            ),
            (
                r#"workdir "/nosuch" does not exist on container 1f"#,
                ErrorKind::InvalidSpec,
            ),
            ("statfs /nosuch: no such file or directory", ErrorKind::InvalidSpec),
            (r#""CAP_NOSUCH": unknown capability"#, ErrorKind::InvalidSpec),
            ("something else", ErrorKind::Unexpected),
        ] {
            assert_eq!(from_service(message).kind(), kind, "{message}");
        }
    }

    #[test]
    fn errors_of_pulls_have_their_kinds() {
        for (message, kind) in [
            (
                "initializing source docker://127.0.0.1:5/a:b: reading manifest b in 127.0.0.1:5/a: manifest unknown: manifest unknown",
                ErrorKind::ImageNotFound,
            ),
            (
                "reading manifest latest in docker.io/library/nosuch: errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required",
                ErrorKind::Unauthorized,
            ),
            (
                "pinging container registry 127.0.0.1:1: Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                ErrorKind::Unavailable,
            ),
            ("dial tcp: lookup nosuch.invalid: no such host", ErrorKind::Unavailable),
            (
                "writing blob: storing blob to file \"/var/tmp/x\": Digest did not match",
                ErrorKind::Unexpected,
            ),
            (
                "parsing image configuration: Error fetching blob: invalid status code from registry 404 (Not Found)",
                ErrorKind::Unexpected,
            ),
            (
                "toomanyrequests: You have reached your pull rate limit",
                ErrorKind::ResourceExhausted,
            ),
            (
                "writing blob: write /var/tmp/x: no space left on device",
                ErrorKind::ResourceExhausted,
            ),
        ] {
            assert_eq!(from_pull(message).kind(), kind, "{message}");
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = from_service("a: image not known: image not known");
        assert_eq!(error.message(), "a: image not known");
        assert_eq!(from_service("just this").message(), "just this");
        let error =
            from_service("crun: open executable: Permission denied: OCI permission denied: OCI permission denied");
        assert_eq!(error.message(), "crun: open executable: Permission denied");
        let error = from_service("preparing container 4f2a for attach: crun: something: OCI runtime error");
        assert_eq!(error.message(), "crun: something");
    }

    #[test]
    fn a_missing_init_has_a_cure() {
        let error = from_service(
            "container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file or directory",
        );
        assert_eq!(
            (error.kind(), error.hint()),
            (ErrorKind::Unsupported, Some(INSTALL_INIT))
        );
    }
}
