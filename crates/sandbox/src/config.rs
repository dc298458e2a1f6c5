//! Everything of the service that an operator can set.

mod admission;
mod audit;
pub(crate) mod cpus;
pub mod env;
mod language;
mod packages;
mod retention;
mod secret;
mod session;
mod warm;

use std::collections::BTreeMap;
use std::path::PathBuf;

use inline_runtime::ImageReference;
use serde::{Deserialize, Serialize};

use crate::policy::Limits;
use crate::{ArtifactLimits, Result, SandboxError};

pub use admission::{AdmissionConfig, RateLimit};
pub use audit::AuditConfig;
pub use language::{Language, LanguageConfig};
pub use packages::PackageConfig;
pub use retention::Retention;
pub use secret::SecretUrl;
pub use session::SessionConfig;
pub use warm::WarmConfig;

/// The image of python and bash.
const PYTHON_IMAGE: &str = "python:3.11-slim";
/// The image of node.
const NODE_IMAGE: &str = "node:20-slim";

/// Configures the service.
///
/// The default is safe and complete but for [`base_dir`](Self::base_dir), which [`with_env`](Self::with_env) fills in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SandboxConfig {
    /// The directory of the workspaces and the store.
    ///
    /// `None` is `inline` in the user's data directory, see [`with_env`](Self::with_env).
    pub base_dir: Option<PathBuf>,
    /// The name under which containers are found again; `None` is one made from the path of the base directory.
    ///
    /// Set it where several hosts with the same path share one engine: what carries the name and is not in use is removed.
    pub instance: Option<String>,
    /// The user id that programs run as, never 0; where the service itself is not root, its own. Default 1000.
    pub uid: u32,
    /// The group id that programs run as, never 0; where the service itself is not root, its own. Default 1000.
    pub gid: u32,
    /// Whether images are pulled at start rather than by the first run. Default `true`.
    pub pull_on_startup: bool,
    /// Whether the value of a last expression is printed, unless a sandbox sets it otherwise. Default `true`.
    pub echo_last_expression: bool,
    /// The images that an owner may choose instead of the configured one. Default none.
    pub allowed_images: Vec<ImageReference>,
    /// How long a sandbox is kept without use. Default one week.
    pub retention: Retention,
    /// What a run may use.
    pub limits: Limits,
    /// How many and how large the files are that a run shows for what it made.
    pub artifacts: ArtifactLimits,
    /// How many runs there may be, and how often.
    pub admission: AdmissionConfig,
    /// How many containers are made ahead.
    pub warm: WarmConfig,
    /// How many persistent interpreters there may be.
    pub sessions: SessionConfig,
    /// Where packages come from.
    pub packages: PackageConfig,
    /// What is recorded of each run.
    pub audit: AuditConfig,
    /// Languages by name: more of them, or changes to `python`, `node` and `bash`, which are built in.
    pub languages: BTreeMap<String, LanguageConfig>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            base_dir: None,
            instance: None,
            uid: 1000,
            gid: 1000,
            pull_on_startup: true,
            echo_last_expression: true,
            allowed_images: Vec::new(),
            retention: Retention::default(),
            limits: Limits::default(),
            artifacts: ArtifactLimits::default(),
            admission: AdmissionConfig::default(),
            warm: WarmConfig::default(),
            sessions: SessionConfig::default(),
            packages: PackageConfig::default(),
            audit: AuditConfig::default(),
            languages: BTreeMap::new(),
        }
    }
}

impl SandboxConfig {
    /// Returns the languages that there are: the built-in ones with the operator's changes, and the operator's own.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`] if one of the operator's own lacks its image, command or file name, or a name
    ///   is taken twice.
    pub fn languages(&self) -> Result<BTreeMap<String, Language>> {
        language::resolve(&self.languages)
    }

    /// Returns whether an owner may choose `image`.
    pub fn allows_image(&self, image: &ImageReference) -> bool {
        self.allowed_images.contains(image)
    }

    /// Sets the host's own system as the image of every built-in language for which none is set.
    #[must_use]
    pub fn with_host_image(mut self, image: &ImageReference) -> Self {
        for name in language::built_in_names() {
            self.languages
                .entry(name.to_owned())
                .or_default()
                .image
                .get_or_insert_with(|| image.clone());
        }
        self
    }

    /// Checks that all values make sense together.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`] with the key of the first that does not.
    pub fn validate(&self) -> Result<()> {
        if self.uid == 0 || self.gid == 0 {
            return Err(invalid(
                "uid",
                "programs never run as root: set `uid` and `gid` to 1 or more",
            ));
        }
        if self.base_dir.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(invalid("base_dir", "it is not an absolute path"));
        }
        if self.instance.as_ref().is_some_and(|name| !is_instance_name(name)) {
            return Err(invalid(
                "instance",
                "it is not 1 to 63 letters, digits, `.`, `_` and `-`",
            ));
        }
        self.limits.validate()?;
        self.admission.validate()?;
        self.packages.validate()?;
        self.languages().map(drop)
    }
}

fn is_instance_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=63).contains(&name.len()) && name.bytes().all(plain)
}

fn invalid(key: impl Into<String>, why: impl Into<String>) -> SandboxError {
    SandboxError::InvalidConfig {
        key: key.into(),
        why: why.into(),
    }
}

#[cfg(test)]
mod tests;
