//! What is set of the engine.

use std::fmt;
use std::path::Path;

use inline_runtime::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::env::Environment;
use crate::{Settings, keys};

#[cfg(feature = "docker")]
pub(crate) type DockerConfig = inline_docker::DockerConfig;
#[cfg(feature = "podman")]
pub(crate) type PodmanConfig = inline_podman::PodmanConfig;
// Without its driver a table is carried along unread: naming the driver is the error, not its settings.
#[cfg(not(feature = "docker"))]
pub(crate) type DockerConfig = std::collections::BTreeMap<String, serde_json::Value>;
#[cfg(not(feature = "podman"))]
pub(crate) type PodmanConfig = std::collections::BTreeMap<String, serde_json::Value>;

/// Holds all that an operator can set of a program without settings of its own.
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
    /// Loads the configuration of a program that has no other settings; [`Settings`] is for those that have.
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
        let mut settings = Settings::load(file, environment, overrides)?;
        let runtime = settings.take()?;
        settings.finish()?;
        Ok(Self { runtime })
    }
}
