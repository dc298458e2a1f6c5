//! Every environment variable that the service reads, each a constant with what it does.

use std::path::PathBuf;

use inline_runtime::human::{parse_duration, parse_size};

use super::{LanguageConfig, SandboxConfig, cpus, invalid};
use crate::Result;

/// Sets the image of `python` and `bash`.
pub const SANDBOX_IMAGE: &str = "SANDBOX_IMAGE";
/// Sets `pull_on_startup`: `1`, `true`, `yes`, `on` or their opposites.
pub const SANDBOX_PULL_ON_STARTUP: &str = "SANDBOX_PULL_ON_STARTUP";
/// Sets `base_dir`; a relative path is one from the current directory.
pub const IL_BASE_DIR: &str = "IL_BASE_DIR";
/// Sets `limits.timeout`, and `limits.max_timeout` where that is shorter.
pub const IL_TIMEOUT_SECONDS: &str = "IL_TIMEOUT_SECONDS";
/// Sets `limits.memory`.
pub const IL_MEMORY: &str = "IL_MEMORY";
/// Sets `limits.cpus`.
pub const IL_CPUS: &str = "IL_CPUS";
/// Sets `retention`: seconds, a duration or `never`.
pub const IL_RETENTION_SECONDS: &str = "IL_RETENTION_SECONDS";
/// Sets `echo_last_expression`: `1`, `true`, `yes`, `on` or their opposites.
pub const ECHO_LAST_EXPR: &str = "ECHO_LAST_EXPR";
/// The user's data directory, where the workspaces are by default.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// The user's home, where the data directory is by default.
pub const HOME: &str = "HOME";

/// Where everything is kept when neither a user nor a home is known.
const SYSTEM_BASE_DIR: &str = "/var/lib/inline";

impl SandboxConfig {
    /// Sets what the environment sets, given as a look-up by the names in [`env`](self), over what is there.
    ///
    /// An empty value counts as none. A base directory that nothing sets is `$XDG_DATA_HOME/inline`, then
    /// `$HOME/.local/share/inline`, then `/var/lib/inline`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`](crate::SandboxError::InvalidConfig) with the name of the variable whose value
    ///   makes no sense.
    pub fn with_env(mut self, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = |name| variable(name).filter(|value| !value.is_empty());
        let path = |name| text(name).map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(directory) = text(IL_BASE_DIR) {
            // Older deployments name it from where they are started.
            let directory = std::path::absolute(directory).map_err(|error| invalid(IL_BASE_DIR, error.to_string()))?;
            self.base_dir = Some(directory);
        }
        self.base_dir = self
            .base_dir
            .or_else(|| Some(path(XDG_DATA_HOME)?.join("inline")))
            .or_else(|| Some(path(HOME)?.join(".local/share/inline")))
            .or_else(|| Some(SYSTEM_BASE_DIR.into()));
        if let Some(image) = text(SANDBOX_IMAGE) {
            let image: inline_runtime::ImageReference = image
                .parse()
                .map_err(|error: inline_runtime::Error| invalid(SANDBOX_IMAGE, error.message()))?;
            for name in ["python", "bash"] {
                let language: &mut LanguageConfig = self.languages.entry(name.to_owned()).or_default();
                language.image = Some(image.clone());
            }
        }
        if let Some(value) = text(SANDBOX_PULL_ON_STARTUP) {
            self.pull_on_startup = flag(SANDBOX_PULL_ON_STARTUP, &value)?;
        }
        if let Some(value) = text(ECHO_LAST_EXPR) {
            self.echo_last_expression = flag(ECHO_LAST_EXPR, &value)?;
        }
        if let Some(value) = text(IL_TIMEOUT_SECONDS) {
            self.limits.timeout =
                parse_duration(&value).map_err(|error| invalid(IL_TIMEOUT_SECONDS, error.message()))?;
            self.limits.max_timeout = self.limits.max_timeout.max(self.limits.timeout);
        }
        if let Some(value) = text(IL_MEMORY) {
            self.limits.memory = parse_size(&value).map_err(|error| invalid(IL_MEMORY, error.message()))?;
        }
        if let Some(value) = text(IL_CPUS) {
            self.limits.nano_cpus = cpus::parse(value.trim())
                .ok_or_else(|| invalid(IL_CPUS, "it is not a number of CPUs such as `0.5`"))?;
        }
        if let Some(value) = text(IL_RETENTION_SECONDS) {
            self.retention = value.parse().map_err(|error| match error {
                crate::SandboxError::InvalidConfig { why, .. } => invalid(IL_RETENTION_SECONDS, why),
                other => other,
            })?;
        }
        Ok(self)
    }
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(invalid(name, "it is neither `true` nor `false`")),
    }
}
