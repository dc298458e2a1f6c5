//! Where an engine is: what `DOCKER_HOST` can say.

use std::fmt;
use std::path::{Path, PathBuf};

use inline_runtime::{Error, ErrorKind, Result};

use crate::DockerConfig;

/// Where a rootful engine listens on every distribution.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// The socket's name in the runtime directory of a user with a rootless engine.
const ROOTLESS_SOCKET: &str = "docker.sock";
const HTTP_PORT: u16 = 2375;
const HTTPS_PORT: u16 = 2376;

/// One way to reach an engine. It holds no secret and prints as the URL that a user would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Unix(PathBuf),
    /// `host:port`.
    Http(String),
    Https {
        /// `host:port`.
        authority: String,
        /// The directory of the certificates.
        certificates: PathBuf,
    },
    /// `[user@]host[:port]`.
    Ssh(String),
}

impl Endpoint {
    /// Reads the endpoint out of a config; looks for the default sockets where it names none.
    pub(crate) fn resolve(config: &DockerConfig) -> Result<Self> {
        match &config.host {
            Some(host) => Self::parse(host, config),
            None => Self::find(config.runtime_dir.as_deref()),
        }
    }

    /// Takes the first default socket that exists. One that cannot be looked at is taken too: opening it tells why.
    fn find(runtime_dir: Option<&Path>) -> Result<Self> {
        let rootless = runtime_dir.map(|directory| directory.join(ROOTLESS_SOCKET));
        let candidates = [Some(PathBuf::from(DEFAULT_SOCKET)), rootless];
        let found = candidates
            .iter()
            .flatten()
            .find(|socket| socket.try_exists().unwrap_or(true));
        found.cloned().map(Self::Unix).ok_or_else(|| {
            let tried: Vec<_> = candidates
                .iter()
                .flatten()
                .map(|socket| format!("`{}`", socket.display()))
                .collect();
            Error::new(
                ErrorKind::Unavailable,
                format!("no Docker socket at {}", tried.join(" or at ")),
            )
            .with_hint("install and start Docker, or say where it is with `DOCKER_HOST`")
        })
    }

    fn parse(host: &str, config: &DockerConfig) -> Result<Self> {
        let (scheme, rest) = host
            .trim()
            .split_once("://")
            .ok_or_else(|| invalid(host, "it has no scheme"))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "unix" => Err(invalid(host, "the path of the socket is not absolute")),
            "tcp" if config.tls_verify => Self::https(host, rest, config),
            "http" if config.tls_verify => Err(invalid(host, "`tls_verify` is set, and `http` is not encrypted")),
            "tcp" | "http" => authority(host, rest, Some(HTTP_PORT)).map(Self::Http),
            "https" => Self::https(host, rest, config),
            "ssh" => ssh(host, rest).map(Self::Ssh),
            _ => Err(invalid(host, "the scheme is unknown")),
        }
    }

    fn https(host: &str, rest: &str, config: &DockerConfig) -> Result<Self> {
        let certificates = config
            .cert_path
            .as_ref()
            .or(config.docker_config.as_ref())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidConfig,
                    format!("`{host}` needs certificates, and `cert_path` names none"),
                )
                .with_hint("set `DOCKER_CERT_PATH` to the directory of `ca.pem`, `cert.pem` and `key.pem`")
            })?;
        Ok(Self::Https {
            authority: authority(host, rest, Some(HTTPS_PORT))?,
            certificates: certificates.clone(),
        })
    }

    /// Returns whether the engine is reached without a network, so that it probably shares this machine's kernel.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Http(authority) => write!(f, "tcp://{authority}"),
            Self::Https { authority, .. } => write!(f, "https://{authority}"),
            Self::Ssh(destination) => write!(f, "ssh://{destination}"),
        }
    }
}

/// Takes `host[:port]`, with brackets around an IPv6 address, and adds the default port where there is one.
fn authority(host: &str, rest: &str, default_port: Option<u16>) -> Result<String> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (name, port) = match authority.rsplit_once(':') {
        // A colon inside of brackets belongs to an IPv6 address.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_address = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    let is_host = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => is_address(address),
        None => !name.is_empty() && name.bytes().all(is_name),
    };
    if !is_host {
        return Err(invalid(host, "it names no host, or more than a host and a port"));
    }
    match port.map(str::parse::<u16>) {
        None => Ok(default_port.map_or(name.to_owned(), |port| format!("{name}:{port}"))),
        Some(Ok(port)) if port != 0 => Ok(format!("{name}:{port}")),
        Some(_) => Err(invalid(host, "the port is not a number from 1 to 65535")),
    }
}

/// Takes `[user@]host[:port]`; a password has no place there, since `ssh` asks for keys.
fn ssh(host: &str, rest: &str) -> Result<String> {
    let (user, rest) = rest
        .split_once('@')
        .map_or((None, rest), |(user, rest)| (Some(user), rest));
    let is_user = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if user.is_some_and(|user| user.is_empty() || user.starts_with('-') || !user.bytes().all(is_user)) {
        return Err(
            Error::new(ErrorKind::InvalidConfig, "the user of the `ssh://` host is not a name")
                .with_hint("write `ssh://[USER@]HOST[:PORT]`, without a password: `ssh` takes keys"),
        );
    }
    if rest.starts_with('-') {
        return Err(invalid(host, "it names no host"));
    }
    let destination = authority(host, rest, None)?;
    Ok(user.map_or(destination.clone(), |user| format!("{user}@{destination}")))
}

fn invalid(host: &str, why: &str) -> Error {
    // What stands before an `@` may be a password.
    let shown = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
    Error::new(
        ErrorKind::InvalidConfig,
        format!("`{}` is not the host of an engine: {why}", shown.escape_debug()),
    )
    .with_hint("write `unix:///path/docker.sock`, `tcp://host:2375`, `https://host:2376` or `ssh://user@host`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(host: &str) -> Result<Endpoint> {
        Endpoint::resolve(&DockerConfig::default().with_cert_path("/certs").with_host(host))
    }

    #[test]
    fn hosts_are_understood() {
        for (host, printed) in [
            ("unix:///run/docker.sock", "unix:///run/docker.sock"),
            ("tcp://engine", "tcp://engine:2375"),
            ("tcp://[::1]/", "tcp://[::1]:2375"),
            ("http://10.0.0.7:80", "tcp://10.0.0.7:80"),
        ] {
            assert_eq!(parse(host).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for host in [
            "",
            "docker.sock",
            "unix://docker.sock",
            "tcp://",
            "tcp://a b",
            "tcp://host:0",
            "tcp://host:port",
            "tcp://host/path",
            "tcp://::1",
            "npipe:////./pipe/docker_engine",
            "fd://",
        ] {
            assert_eq!(parse(host).unwrap_err().kind(), ErrorKind::InvalidConfig, "{host}");
        }
    }

    #[test]
    fn passwords_never_print() {
        for host in ["tcp://me:hunter2@host", "ssh://me:hunter2@host"] {
            let error = parse(host).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn https_takes_its_certificates_from_the_config() {
        let config = DockerConfig::default().with_host("tcp://engine").with_tls_verify(true);
        assert_eq!(Endpoint::resolve(&config).unwrap_err().kind(), ErrorKind::InvalidConfig);
        let expected = Endpoint::Https {
            authority: "engine:2376".to_owned(),
            certificates: PathBuf::from("/certs"),
        };
        assert_eq!(Endpoint::resolve(&config.with_cert_path("/certs")).unwrap(), expected);
        assert_eq!(parse("https://engine").unwrap(), expected);
    }

    #[test]
    fn ssh_destinations_have_no_options() {
        // The port is left to the user's `ssh` configuration.
        assert_eq!(parse("ssh://me@host").unwrap(), Endpoint::Ssh("me@host".to_owned()));
        for host in ["ssh://-oProxyCommand=x@host", "ssh://-oProxyCommand", "ssh://a@b@c"] {
            assert_eq!(parse(host).unwrap_err().kind(), ErrorKind::InvalidConfig, "{host}");
        }
    }

    #[test]
    fn tls_is_never_dropped() {
        let config = DockerConfig::default().with_host("http://engine").with_tls_verify(true);
        assert_eq!(Endpoint::resolve(&config).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }

    #[test]
    fn the_rootless_socket_comes_second() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join(ROOTLESS_SOCKET);
        std::fs::write(&socket, "").unwrap();
        let found = Endpoint::find(Some(directory.path())).unwrap();
        let rootful = Endpoint::Unix(DEFAULT_SOCKET.into());
        assert!(found == rootful || found == Endpoint::Unix(socket), "{found}");
    }
}
