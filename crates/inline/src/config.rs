//! The configuration: a file, the environment over it, the command line over both.

use std::fmt;
use std::path::Path;

use config::{File, FileFormat};
use inline_runtime::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::env::{self, Environment};
use crate::keys;

#[cfg(feature = "docker")]
pub(crate) type DockerConfig = inline_docker::DockerConfig;
#[cfg(feature = "podman")]
pub(crate) type PodmanConfig = inline_podman::PodmanConfig;
// Without its driver a table is carried along unread: naming the driver is the error, not its settings.
#[cfg(not(feature = "docker"))]
pub(crate) type DockerConfig = std::collections::BTreeMap<String, serde_json::Value>;
#[cfg(not(feature = "podman"))]
pub(crate) type PodmanConfig = std::collections::BTreeMap<String, serde_json::Value>;

/// The file that is read when none is named, if it is there.
const DEFAULT_FILE: &str = "inline.toml";
/// A configuration file is not larger than this, so that a wrong path cannot fill the memory.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Holds all that an operator can set.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// Which engine runs the containers, and how it is reached: the keys at the top of the file.
    pub runtime: RuntimeConfig,
}

/// Says which engine runs the containers, and how it is reached.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RuntimeConfig {
    /// The driver; `auto` by default.
    pub driver: DriverChoice,
    /// How Docker is reached.
    pub docker: DockerConfig,
    /// How Podman is reached.
    pub podman: PodmanConfig,
}

/// Names a driver, or leaves the choice to what answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DriverChoice {
    /// The first that answers: Docker, then Podman.
    #[default]
    Auto,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl DriverChoice {
    /// Holds every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Docker, Self::Podman];

    /// Returns the word that configuration uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

impl fmt::Display for DriverChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for DriverChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name);
                let error = Error::new(
                    ErrorKind::InvalidConfig,
                    format!("there is no driver `{}`", text.escape_debug()),
                );
                match keys::nearest(text, names.into_iter()) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error.with_hint(format!("use one of `{}`", names.join("`, `"))),
                }
            })
    }
}

impl Config {
    /// Loads the configuration: defaults, the file over them, `environment` over both, `overrides` over all.
    ///
    /// The file is `file`, else the one that `INLINE_CONFIG` names, else `inline.toml` in the current directory if it is
    /// there. `overrides` are dotted keys with their values, from a command line: `("driver", "podman")`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] if the file cannot be read, a key or `INLINE_*` variable is unknown (the nearest known
    ///   one is named), or a value is empty or does not fit.
    ///
    /// # Example: the environment wins over the file
    ///
    /// ```
    /// use inline::{Config, DriverChoice, Environment};
    ///
    /// let environment: Environment = [("INLINE_DRIVER", "podman")].into_iter().collect();
    /// let config = Config::load(None, &environment, &[])?;
    /// assert_eq!(config.runtime.driver, DriverChoice::Podman);
    /// # Ok::<(), inline::Error>(())
    /// ```
    pub fn load(file: Option<&Path>, environment: &Environment, overrides: &[(&str, &str)]) -> Result<Self> {
        if let Some((name, near)) = environment.unknown() {
            return Err(unknown("the environment", "variable", name, near));
        }
        if environment.get(env::DOCKER_BINARY).is_some() {
            warn!(
                "`{}` has no effect: the engine's API is used, not its binary",
                env::DOCKER_BINARY
            );
        }
        let named = file.or_else(|| environment.get(env::INLINE_CONFIG).map(Path::new));
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match read(path) {
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                let message = format!("cannot read the configuration file `{}`", path.display());
                return Err(Error::new(ErrorKind::InvalidConfig, message).with_source(error));
            }
            Ok(text) => text,
        };
        merge(&text, environment, overrides).map_err(|error| match error {
            Problem::Unknown(key, near) => unknown(&format!("`{}`", path.display()), "key", &key, near.as_deref()),
            Problem::Unreadable(error) => Error::new(
                ErrorKind::InvalidConfig,
                format!("`{}` is not valid: {error}", path.display()),
            ),
            Problem::Unfit(error) => {
                let (key, why) = (error.path().to_string(), error.inner());
                Error::new(
                    ErrorKind::InvalidConfig,
                    format!("the value of `{key}` does not fit: {why}"),
                )
            }
        })
    }
}

enum Problem {
    Unknown(String, Option<String>),
    Unreadable(config::ConfigError),
    Unfit(serde_path_to_error::Error<serde_json::Error>),
}

impl From<config::ConfigError> for Problem {
    fn from(error: config::ConfigError) -> Self {
        Self::Unreadable(error)
    }
}

fn merge(text: &str, environment: &Environment, overrides: &[(&str, &str)]) -> Result<Config, Problem> {
    // Docker's own tools look for registry logins below the user's home.
    let logins = environment.get(env::HOME).map(|home| format!("{home}/.docker"));
    let mut builder = config::Config::builder().add_source(File::from_str(text, FileFormat::Toml));
    if let Some(directory) = logins.filter(|_| cfg!(feature = "docker")) {
        builder = builder.set_default("docker.docker_config", directory)?;
    }
    for (key, value) in variables(environment) {
        builder = builder.set_override_option(key, value)?;
    }
    for (key, value) in overrides {
        builder = builder.set_override(key, *value)?;
    }
    let given: serde_json::Value = builder.build()?.try_deserialize()?;
    let known = serde_json::to_value(RuntimeConfig::default())
        .map_err(|error| config::ConfigError::Message(error.to_string()))?;
    match keys::unknown(&given, &known, "") {
        Some((key, near)) => Err(Problem::Unknown(key, near)),
        None => Ok(Config {
            runtime: serde_path_to_error::deserialize(given).map_err(Problem::Unfit)?,
        }),
    }
}

/// Lists the keys that variables set, with what they set them to.
fn variables(environment: &Environment) -> [(&'static str, Option<config::Value>); 9] {
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| environment.get(name))
            .map(config::Value::from)
    };
    // Docker's own tools take any value of this one as a yes.
    let verify = environment
        .get(env::DOCKER_TLS_VERIFY)
        .map(|_| config::Value::from(true));
    [
        ("driver", first(&[env::INLINE_DRIVER])),
        ("docker.host", first(&[env::INLINE_DOCKER_HOST, env::DOCKER_HOST])),
        ("docker.cert_path", first(&[env::DOCKER_CERT_PATH])),
        ("docker.tls_verify", verify),
        ("docker.docker_config", first(&[env::DOCKER_CONFIG])),
        ("docker.runtime_dir", first(&[env::XDG_RUNTIME_DIR])),
        ("podman.host", first(&[env::INLINE_PODMAN_HOST, env::CONTAINER_HOST])),
        ("podman.runtime_dir", first(&[env::XDG_RUNTIME_DIR])),
        ("podman.limits", first(&[env::INLINE_PODMAN_LIMITS])),
    ]
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!(
            "it is larger than {MAX_FILE_BYTES} bytes"
        )));
    }
    std::fs::read_to_string(path)
}

fn unknown(place: &str, what: &str, name: &str, near: Option<&str>) -> Error {
    let error = Error::new(
        ErrorKind::InvalidConfig,
        format!("{place} has an unknown {what} `{}`", name.escape_debug()),
    );
    match near {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint("`inline.example.toml` shows all that can be set"),
    }
}
