//! Where the service is, how long calls to it may take, and by what means limits may bind.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::env;

/// Describes how to reach Podman.
///
/// The default is a service of this machine, started if need be. [`from_env`](Self::from_env) looks where the `podman`
/// command does.
///
/// ```
/// use inline_podman::PodmanConfig;
///
/// let config = PodmanConfig::from_env(|name| (name == "XDG_RUNTIME_DIR").then(|| "/run/user/1000".to_owned()));
/// assert_eq!(config.runtime_dir.as_deref(), Some("/run/user/1000".as_ref()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PodmanConfig {
    /// The service as `unix:///path/of/its.sock`; no other is tried then.
    ///
    /// `None` takes the first that answers:
    ///
    /// 1. `podman/podman.sock` in [`runtime_dir`](Self::runtime_dir), where a rootless service listens
    /// 2. `/run/podman/podman.sock`, where the one of root listens
    /// 3. one of our own, started by [`binary`](Self::binary) and stopped when the driver is dropped
    pub host: Option<String>,
    /// The user's runtime directory, usually `/run/user/UID`; `None` looks for no rootless service.
    pub runtime_dir: Option<PathBuf>,
    /// The program that a service of our own is started with, by its path or its name in `PATH`. Default `podman`;
    /// `None`, written `false` in files, starts none.
    #[serde(deserialize_with = "program_or_false")]
    pub binary: Option<PathBuf>,
    /// By what means limits may bind. Default [`LimitPolicy::Cgroup`].
    pub limits: LimitPolicy,
    /// The bound on each call to the service. Default 30 s. In files `30s` or plain seconds.
    #[serde(with = "inline_runtime::human::duration")]
    pub call_timeout: Duration,
    /// The bound on a whole pull, since Podman tells no progress within a layer. Default 15 min.
    #[serde(with = "inline_runtime::human::duration")]
    pub pull_timeout: Duration,
    /// Registries, as `host` or `host:port`, that are asked over plain HTTP. Those on a loopback address always are, as
    /// Docker has it; all others must speak TLS. Default none.
    pub insecure_registries: Vec<String>,
}

/// Says by what means limits on memory and processes may bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LimitPolicy {
    /// By control groups alone; where these do not bind, a spec with limits is refused. Default.
    #[default]
    Cgroup,
    /// By resource limits of each process where control groups do not bind.
    ///
    /// That is weaker: a program that forks can use more memory than was asked for, what lies in a tmpfs is not counted,
    /// processes are counted for each user by itself, and CPU cannot be limited. Memory is address space: Python runs in
    /// 256 MiB of it; programs that reserve much more than they use, such as Node.js, want gigabytes.
    ///
    /// The image's `/bin/sh` sets the limits, so there must be one; and a spec that would let a program replace it or
    /// become another user is refused.
    Rlimit,
}

impl Default for PodmanConfig {
    fn default() -> Self {
        Self {
            host: None,
            runtime_dir: None,
            binary: Some(PathBuf::from("podman")),
            limits: LimitPolicy::Cgroup,
            call_timeout: Duration::from_secs(30),
            pull_timeout: Duration::from_mins(15),
            insecure_registries: Vec::new(),
        }
    }
}

impl PodmanConfig {
    /// Creates a config from an environment, given as a look-up by the names in [`env`](crate::env).
    ///
    /// An empty value counts as none.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            host: text(env::CONTAINER_HOST),
            runtime_dir: text(env::XDG_RUNTIME_DIR).map(PathBuf::from),
            ..Self::default()
        }
    }

    /// Sets the service.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets the user's runtime directory.
    #[must_use]
    pub fn with_runtime_dir(mut self, runtime_dir: impl Into<PathBuf>) -> Self {
        self.runtime_dir = Some(runtime_dir.into());
        self
    }

    /// Sets the program that a service of our own is started with; `None` starts none.
    #[must_use]
    pub fn with_binary(mut self, binary: Option<PathBuf>) -> Self {
        self.binary = binary;
        self
    }

    /// Sets by what means limits may bind.
    #[must_use]
    pub fn with_limits(mut self, limits: LimitPolicy) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the bound on each call.
    #[must_use]
    pub fn with_call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// Sets the bound on a whole pull.
    #[must_use]
    pub fn with_pull_timeout(mut self, pull_timeout: Duration) -> Self {
        self.pull_timeout = pull_timeout;
        self
    }

    /// Adds a registry that is asked over plain HTTP.
    #[must_use]
    pub fn with_insecure_registry(mut self, registry: impl Into<String>) -> Self {
        self.insecure_registries.push(registry.into());
        self
    }
}

impl PodmanConfig {
    /// Returns the directory for files of this user's own: the runtime directory, or the one for temporary files.
    pub(crate) fn private_place(&self) -> PathBuf {
        let runtime_dir = self.runtime_dir.clone().filter(|directory| directory.is_dir());
        runtime_dir.unwrap_or_else(std::env::temp_dir)
    }
}

/// TOML has no null, so the way to say "none" in a file is `false`.
fn program_or_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a program such as `podman`, or `false` for none")]
    enum Value {
        Program(PathBuf),
        Switch(bool),
        None,
    }
    match Value::deserialize(deserializer)? {
        Value::Program(program) => Ok(Some(program)),
        Value::Switch(false) | Value::None => Ok(None),
        Value::Switch(true) => Ok(PodmanConfig::default().binary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read_as_the_podman_command_reads_it() {
        let config = PodmanConfig::from_env(|name| match name {
            "CONTAINER_HOST" => Some("unix:///srv/podman.sock".to_owned()),
            "XDG_RUNTIME_DIR" => Some(String::new()),
            _ => None,
        });
        assert_eq!(config, PodmanConfig::default().with_host("unix:///srv/podman.sock"));
    }

    #[test]
    fn files_say_false_for_no_program() {
        let binary = |json: &str| serde_json::from_str::<PodmanConfig>(json).map(|config| config.binary);
        assert_eq!(binary("{}").unwrap(), Some("podman".into()));
        assert_eq!(
            binary(r#"{"binary": "/opt/podman"}"#).unwrap(),
            Some("/opt/podman".into())
        );
        assert_eq!(binary(r#"{"binary": false}"#).unwrap(), None);
        assert!(binary(r#"{"binary": 3}"#).is_err());
    }

    #[test]
    fn a_config_survives_its_own_serialization() {
        let config = PodmanConfig::default()
            .with_binary(None)
            .with_limits(LimitPolicy::Rlimit);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<PodmanConfig>(&text).unwrap(), config);
        assert!(serde_json::from_str::<PodmanConfig>(r#"{"limit": "rlimit"}"#).is_err());
    }
}
