//! Where the engine is, and how long calls to it may take.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::env;

/// Describes how to reach a Docker engine.
///
/// The default is the engine of this machine without any registry login. [`from_env`](Self::from_env) does what the
/// `docker` command does.
///
/// ```
/// use inline_docker::DockerConfig;
///
/// let config = DockerConfig::from_env(|name| (name == "DOCKER_HOST").then(|| "tcp://10.0.0.7:2375".to_owned()));
/// assert_eq!(config.host.as_deref(), Some("tcp://10.0.0.7:2375"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DockerConfig {
    /// The engine: `unix://PATH`, `tcp://HOST[:PORT]`, `http://…`, `https://…` (feature `tls`) or
    /// `ssh://[USER@]HOST[:PORT]` (feature `ssh`).
    ///
    /// `None` takes the first socket that exists:
    ///
    /// 1. `/var/run/docker.sock`
    /// 2. `docker.sock` in [`runtime_dir`](Self::runtime_dir), where a rootless engine listens
    pub host: Option<String>,
    /// The directory of `ca.pem`, `cert.pem` and `key.pem` for `https://`; `None` takes
    /// [`docker_config`](Self::docker_config).
    pub cert_path: Option<PathBuf>,
    /// Whether `tcp://` means `https://`. Default `false`. There is no TLS without verification.
    pub tls_verify: bool,
    /// The directory of the `config.json` with the registry logins, usually `~/.docker`; `None` is no login.
    pub docker_config: Option<PathBuf>,
    /// The user's runtime directory, usually `/run/user/UID`; `None` looks for no rootless engine.
    pub runtime_dir: Option<PathBuf>,
    /// The bound on each call to the engine. Default 30 s. In files `30s` or plain seconds.
    #[serde(with = "inline_runtime::human::duration")]
    pub call_timeout: Duration,
    /// The longest that a pull may go without any progress. Default 2 min.
    #[serde(with = "inline_runtime::human::duration")]
    pub pull_timeout: Duration,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            host: None,
            cert_path: None,
            tls_verify: false,
            docker_config: None,
            runtime_dir: None,
            call_timeout: Duration::from_secs(30),
            pull_timeout: Duration::from_mins(2),
        }
    }
}

impl DockerConfig {
    /// Creates a config from an environment, given as a look-up by the names in [`mod@env`].
    ///
    /// An empty value counts as none.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| variable(name).filter(|value| !value.is_empty());
        let path = |name| text(name).map(PathBuf::from);
        Self {
            host: text(env::DOCKER_HOST),
            cert_path: path(env::DOCKER_CERT_PATH),
            tls_verify: text(env::DOCKER_TLS_VERIFY).is_some(),
            docker_config: path(env::DOCKER_CONFIG).or_else(|| Some(path(env::HOME)?.join(".docker"))),
            runtime_dir: path(env::XDG_RUNTIME_DIR),
            ..Self::default()
        }
    }

    /// Sets the engine.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets the directory of the certificates.
    #[must_use]
    pub fn with_cert_path(mut self, cert_path: impl Into<PathBuf>) -> Self {
        self.cert_path = Some(cert_path.into());
        self
    }

    /// Sets whether `tcp://` means `https://`.
    #[must_use]
    pub fn with_tls_verify(mut self, tls_verify: bool) -> Self {
        self.tls_verify = tls_verify;
        self
    }

    /// Sets the directory of `config.json`.
    #[must_use]
    pub fn with_docker_config(mut self, docker_config: impl Into<PathBuf>) -> Self {
        self.docker_config = Some(docker_config.into());
        self
    }

    /// Sets the user's runtime directory.
    #[must_use]
    pub fn with_runtime_dir(mut self, runtime_dir: impl Into<PathBuf>) -> Self {
        self.runtime_dir = Some(runtime_dir.into());
        self
    }

    /// Sets the bound on each call.
    #[must_use]
    pub fn with_call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// Sets the longest that a pull may go without progress.
    #[must_use]
    pub fn with_pull_timeout(mut self, pull_timeout: Duration) -> Self {
        self.pull_timeout = pull_timeout;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &'static [(&str, &str)]) -> DockerConfig {
        DockerConfig::from_env(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_as_the_docker_command_reads_it() {
        let config = from(&[
            ("DOCKER_HOST", "tcp://engine"),
            ("DOCKER_CERT_PATH", "/certs"),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CONFIG", "/logins"),
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
        ]);
        let expected = DockerConfig::default()
            .with_host("tcp://engine")
            .with_cert_path("/certs")
            .with_tls_verify(true)
            .with_docker_config("/logins")
            .with_runtime_dir("/run/user/1000");
        assert_eq!(config, expected);
    }

    #[test]
    fn empty_variables_are_none_and_logins_are_at_home() {
        let config = from(&[
            ("DOCKER_HOST", ""),
            ("DOCKER_TLS_VERIFY", ""),
            ("DOCKER_CONFIG", ""),
            ("HOME", "/home/me"),
        ]);
        assert_eq!(config, DockerConfig::default().with_docker_config("/home/me/.docker"));
    }

    #[test]
    fn unknown_keys_are_refused_and_durations_have_units() {
        let config: DockerConfig = serde_json::from_str(r#"{"call_timeout": "1.5s"}"#).unwrap();
        assert_eq!(config.call_timeout, Duration::from_millis(1500));
        assert!(serde_json::from_str::<DockerConfig>(r#"{"hots": "unix:///x"}"#).is_err());
    }
}
