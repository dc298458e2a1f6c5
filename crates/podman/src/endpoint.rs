//! Finds the service: the socket that was named, one of the usual ones, or a service of our own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use inline_runtime::{Error, ErrorKind, Result};
use podman_api::Error as ApiError;
use tokio::net::UnixStream;
use tokio::net::unix::UCred;

use crate::config::PodmanConfig;
use crate::error;
use crate::raw::Client;
use crate::service::Service;

const SCHEME: &str = "unix://";
const ROOTLESS_SOCKET: &str = "podman/podman.sock";
const ROOTFUL_SOCKET: &str = "/run/podman/podman.sock";
/// A service that lives answers a ping in a millisecond, and in this time on any machine.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
const START_ONE: &str = "start one: `systemctl --user enable --now podman.socket`, or install `podman` and let the driver \
                         start one";

/// A service that answers.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) client: Client,
    /// Who listens.
    pub(crate) peer: UCred,
    /// The service, where it is one of our own.
    pub(crate) service: Option<Service>,
}

/// Where to look.
#[derive(Debug, PartialEq, Eq)]
enum Candidates {
    Named(PathBuf),
    Usual(Vec<PathBuf>),
}

/// Finds a service that answers.
pub(crate) async fn find(config: &PodmanConfig) -> Result<Found> {
    let sockets = match candidates(config)? {
        Candidates::Named(socket) => return probe(&socket, config).await,
        Candidates::Usual(sockets) => sockets,
    };
    let mut problem = None;
    for socket in &sockets {
        match probe(socket, config).await {
            Ok(found) => return Ok(found),
            // That a socket is not there is normal; anything else is worth telling if nothing answers.
            Err(error) if is_missing(&error) => {}
            Err(error) => {
                tracing::debug!(socket = %socket.display(), %error, "no answer");
                problem = problem.or(Some(error));
            }
        }
    }
    let Some(binary) = &config.binary else {
        return Err(problem.unwrap_or_else(|| nothing_there(&sockets)));
    };
    match Service::start(binary, config).await {
        Ok((service, peer)) => Ok(Found {
            client: service.client().clone(),
            peer,
            service: Some(service),
        }),
        Err(error) if is_missing(&error) => Err(problem.unwrap_or_else(|| nothing_there(&sockets))),
        Err(error) => Err(error),
    }
}

fn candidates(config: &PodmanConfig) -> Result<Candidates> {
    if let Some(host) = &config.host {
        return match host.strip_prefix(SCHEME) {
            Some(path) if path.starts_with('/') => Ok(Candidates::Named(PathBuf::from(path))),
            _ => Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("`{}` is not the socket of a service on this host", host.escape_debug()),
            )
            .with_hint("write it as `unix:///run/user/1000/podman/podman.sock`")),
        };
    }
    let rootless = config
        .runtime_dir
        .iter()
        .map(|directory| directory.join(ROOTLESS_SOCKET));
    Ok(Candidates::Usual(
        rootless.chain([PathBuf::from(ROOTFUL_SOCKET)]).collect(),
    ))
}

/// Connects to a socket and asks whether Podman is behind it.
pub(crate) async fn probe(socket: &Path, config: &PodmanConfig) -> Result<Found> {
    let path = socket.display();
    let connected = tokio::time::timeout(PING_TIMEOUT, UnixStream::connect(socket)).await;
    let stream = match connected {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(cannot_connect(socket, error)),
        Err(_) => return Err(hangs(socket)),
    };
    let peer = stream.peer_cred().map_err(error::lost)?;
    drop(stream);
    let client = Client::new(socket, config.call_timeout);
    match tokio::time::timeout(PING_TIMEOUT, client.podman.ping()).await {
        Ok(Ok(_)) => Ok(Found {
            client,
            peer,
            service: None,
        }),
        Ok(Err(ApiError::InvalidResponse(_) | ApiError::Fault { .. })) => Err(Error::new(
            ErrorKind::InvalidConfig,
            format!("what answers at `{path}` is not Podman"),
        )),
        Ok(Err(error)) => Err(error::from_api(error)),
        Err(_) => Err(hangs(socket)),
    }
}

fn cannot_connect(socket: &Path, source: io::Error) -> Error {
    let path = socket.display();
    let error = match source.kind() {
        io::ErrorKind::NotFound => {
            Error::new(ErrorKind::Unavailable, format!("there is no socket at `{path}`")).with_hint(START_ONE)
        }
        io::ErrorKind::PermissionDenied => Error::new(
            ErrorKind::PermissionDenied,
            format!("the socket `{path}` is not open to this user"),
        )
        .with_hint("run as the user whose service it is, or use a rootless service of your own"),
        io::ErrorKind::ConnectionRefused => {
            Error::new(ErrorKind::Unavailable, format!("nobody listens at the socket `{path}`"))
                .with_hint("the service that made it is gone: `systemctl --user restart podman.socket`")
        }
        _ => Error::new(ErrorKind::Unavailable, format!("cannot connect to `{path}`")),
    };
    error.with_source(source)
}

fn hangs(socket: &Path) -> Error {
    let seconds = PING_TIMEOUT.as_secs();
    Error::new(
        ErrorKind::Timeout,
        format!(
            "the service at `{}` did not answer within {seconds} s",
            socket.display()
        ),
    )
    .with_hint("it hangs: `systemctl --user restart podman.service`")
}

fn nothing_there(sockets: &[PathBuf]) -> Error {
    let sockets: Vec<String> = sockets.iter().map(|socket| format!("`{}`", socket.display())).collect();
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "no service listens at {}, and none could be started",
            sockets.join(" or ")
        ),
    )
    .with_hint(START_ONE)
}

fn is_missing(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_service_is_the_only_one() {
        let config = PodmanConfig::default()
            .with_host("unix:///srv/podman.sock")
            .with_runtime_dir("/run/user/1000");
        assert_eq!(
            candidates(&config).unwrap(),
            Candidates::Named("/srv/podman.sock".into())
        );
    }

    #[test]
    fn the_users_own_service_comes_first() {
        let config = PodmanConfig::default().with_runtime_dir("/run/user/1000");
        let usual = ["/run/user/1000/podman/podman.sock", "/run/podman/podman.sock"];
        assert_eq!(
            candidates(&config).unwrap(),
            Candidates::Usual(usual.map(PathBuf::from).to_vec())
        );
        let usual = Candidates::Usual(vec!["/run/podman/podman.sock".into()]);
        assert_eq!(candidates(&PodmanConfig::default()).unwrap(), usual);
    }

    #[test]
    fn other_transports_are_refused() {
        for host in [
            "ssh://core@host/run/podman.sock",
            "tcp://127.0.0.1:8080",
            "unix://relative",
            "",
            "/run/x",
        ] {
            let error = candidates(&PodmanConfig::default().with_host(host)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{host}");
        }
    }

    #[tokio::test]
    async fn each_dead_end_has_its_cure() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("podman.sock");
        let config = PodmanConfig::default().with_host(format!("unix://{}", socket.display()));
        let missing = find(&config).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Unavailable);
        assert!(missing.hint().unwrap().contains("podman.socket"));
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let dead = find(&config).await.unwrap_err();
        assert_eq!(dead.kind(), ErrorKind::Unavailable);
        assert!(dead.message().starts_with("nobody listens"), "{dead}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_is_found_out() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("podman.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let config = PodmanConfig::default().with_host(format!("unix://{}", socket.display()));
        assert_eq!(find(&config).await.unwrap_err().kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn nothing_at_all_names_what_was_tried() {
        let directory = tempfile::tempdir().unwrap();
        let config = PodmanConfig::default()
            .with_runtime_dir(directory.path())
            .with_binary(Some(directory.path().join("no-podman")));
        let Err(error) = find(&config).await else {
            return; // a rootful service runs on this machine
        };
        let socket = directory.path().join(ROOTLESS_SOCKET);
        assert!(error.message().contains(&*socket.to_string_lossy()), "{error}");
    }
}
