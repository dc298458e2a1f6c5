//! What a failed pull means: what registries say, in the engine's words.

use bollard::errors::Error as ClientError;
use inline_runtime::{Error, ErrorKind};

use crate::endpoint::Endpoint;
use crate::error::{error, from_client, sentence};

/// What engines and registries say when a pull fails, lower case; the first match counts.
const PULL_RULES: &[(&str, ErrorKind)] = &[
    ("toomanyrequests", ErrorKind::ResourceExhausted),
    ("too many requests", ErrorKind::ResourceExhausted),
    ("no space left on device", ErrorKind::ResourceExhausted),
    ("manifest unknown", ErrorKind::ImageNotFound),
    ("name unknown", ErrorKind::ImageNotFound),
    ("repository name not known", ErrorKind::ImageNotFound),
    ("no matching manifest", ErrorKind::ImageNotFound),
    // Some registries say this for a repository that is not there, too.
    ("access denied", ErrorKind::Unauthorized),
    ("resource is denied", ErrorKind::Unauthorized),
    ("denied: ", ErrorKind::Unauthorized),
    ("unauthorized: ", ErrorKind::Unauthorized),
    ("401 unauthorized", ErrorKind::Unauthorized),
    ("authentication required", ErrorKind::Unauthorized),
    ("no basic auth credentials", ErrorKind::Unauthorized),
    ("connection refused", ErrorKind::Unavailable),
    ("connection reset", ErrorKind::Unavailable),
    ("no such host", ErrorKind::Unavailable),
    ("server misbehaving", ErrorKind::Unavailable),
    ("network is unreachable", ErrorKind::Unavailable),
    ("no route to host", ErrorKind::Unavailable),
    ("i/o timeout", ErrorKind::Unavailable),
    ("timeout exceeded", ErrorKind::Unavailable),
    ("handshake timeout", ErrorKind::Unavailable),
    ("request canceled", ErrorKind::Unavailable),
    ("server gave http response to https client", ErrorKind::Unavailable),
    ("service unavailable", ErrorKind::Unavailable),
    ("bad gateway", ErrorKind::Unavailable),
    ("unexpected eof", ErrorKind::Unavailable),
];

/// Translates what ended a pull of an image from `registry`.
pub(crate) fn from_pull(endpoint: &Endpoint, registry: &str, failure: ClientError) -> Error {
    let message = match &failure {
        ClientError::DockerResponseServerError { message, .. } => message,
        ClientError::DockerStreamError { error } => error,
        _ => return from_client(endpoint, failure),
    };
    let lower = message.to_lowercase();
    let rule = PULL_RULES.iter().find(|(text, _)| lower.contains(text));
    let kind = match (rule, &failure) {
        (Some((_, kind)), _) => *kind,
        (None, ClientError::DockerResponseServerError { status_code: 404, .. }) => ErrorKind::ImageNotFound,
        (None, ClientError::DockerResponseServerError { status_code: 400, .. }) => ErrorKind::InvalidSpec,
        (None, _) => ErrorKind::Unexpected,
    };
    let error = match kind {
        ErrorKind::Unavailable => error(
            kind,
            format!(
                "registry `{registry}` does not answer the engine: {}",
                sentence(message)
            ),
        ),
        ErrorKind::Unauthorized => error(
            kind,
            format!("registry `{registry}` refuses the pull: {}", sentence(message)),
        )
        .with_hint("log in with `docker login`, and check the name: a missing repository may look the same"),
        ErrorKind::ResourceExhausted if lower.contains("no space") => {
            error(kind, sentence(message)).with_hint("free space on the engine's disk: `docker system prune`")
        }
        ErrorKind::ResourceExhausted => error(
            kind,
            format!("registry `{registry}` limits the rate: {}", sentence(message)),
        )
        .with_transient(true)
        .with_hint("wait, or log in with `docker login` for a higher limit"),
        _ => error(kind, sentence(message)),
    };
    error.with_source(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> ClientError {
        ClientError::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        }
    }

    fn pull(status: u16, message: &str) -> Error {
        let endpoint = Endpoint::Unix("/run/docker.sock".into());
        from_pull(&endpoint, "registry.example", answer(status, message))
    }

    #[test]
    fn pull_failures_become_kinds() {
        for (status, message, kind) in [
            (
                404,
                "manifest for 127.0.0.1:5000/x:none not found: manifest unknown: manifest unknown",
                ErrorKind::ImageNotFound,
            ),
            (
                404,
                "pull access denied for x, repository does not exist or may require 'docker login': denied",
                ErrorKind::Unauthorized,
            ),
            (
                500,
                "Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused",
                ErrorKind::Unavailable,
            ),
            (
                500,
                "Get \"https://x/v2/\": dial tcp: lookup x: no such host",
                ErrorKind::Unavailable,
            ),
            (
                500,
                "Get \"https://x/v2/\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
                ErrorKind::Unavailable,
            ),
            (
                500,
                "Get \"https://x/v2/\": no basic auth credentials",
                ErrorKind::Unauthorized,
            ),
            (
                404,
                "manifest for x/denied:none not found: manifest unknown: manifest unknown",
                ErrorKind::ImageNotFound,
            ),
            (
                500,
                "Head \"https://x/v2/y/manifests/z\": unauthorized: incorrect username or password",
                ErrorKind::Unauthorized,
            ),
            (
                429,
                "toomanyrequests: You have reached your pull rate limit",
                ErrorKind::ResourceExhausted,
            ),
            (
                500,
                "open /var/lib/docker/x: no space left on device",
                ErrorKind::ResourceExhausted,
            ),
            (
                500,
                "filesystem layer verification failed for digest sha256:0",
                ErrorKind::Unexpected,
            ),
        ] {
            let error = pull(status, message);
            assert_eq!(error.kind(), kind, "{status} {message}");
            if kind == ErrorKind::Unavailable {
                assert!(error.message().contains("`registry.example`"), "{error}");
            }
        }
        let rate = pull(429, "toomanyrequests: slow down");
        assert!(rate.is_transient());
        let full = pull(500, "no space left on device");
        assert!(!full.is_transient());
    }
}
