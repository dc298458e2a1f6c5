//! What is set of the engine.

use std::fmt;

use inline_runtime::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::keys;

#[cfg(feature = "docker")]
pub(crate) type DockerConfig = inline_docker::DockerConfig;
#[cfg(feature = "podman")]
pub(crate) type PodmanConfig = inline_podman::PodmanConfig;
#[cfg(feature = "embedded")]
pub(crate) type EmbeddedConfig = inline_embedded::EmbeddedConfig;
// Without its driver a table is carried along unread: naming the driver is the error, not its settings.
#[cfg(not(feature = "docker"))]
pub(crate) type DockerConfig = std::collections::BTreeMap<String, serde_json::Value>;
#[cfg(not(feature = "podman"))]
pub(crate) type PodmanConfig = std::collections::BTreeMap<String, serde_json::Value>;
#[cfg(not(feature = "embedded"))]
pub(crate) type EmbeddedConfig = std::collections::BTreeMap<String, serde_json::Value>;

/// Says which engine runs the containers, and how it is reached; [`Settings::take`](crate::Settings::take) reads it.
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
    /// What the embedded driver may use of this machine.
    pub embedded: EmbeddedConfig,
}

/// Names a driver, or leaves the choice to what answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DriverChoice {
    /// The first that answers: Docker, then Podman, then the embedded driver.
    #[default]
    Auto,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// No engine: namespaces of this machine.
    Embedded,
}

impl DriverChoice {
    /// Holds every choice.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Docker, Self::Podman, Self::Embedded];

    /// Returns the word that configuration uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Embedded => "embedded",
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
