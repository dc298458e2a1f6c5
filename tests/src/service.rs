//! What the suites of the sandbox service share: engines by name, and a configuration with the images of the tests.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use inline::{Config, ContainerRuntime, Environment};
use inline_sandbox::{LanguageConfig, Owner, SandboxConfig, SandboxError};
use libtest_mimic::Failed;

use crate::environment::{INLINE_TEST, INLINE_TEST_REGISTRY, variable};

/// An engine that can be named in `INLINE_TEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Docker.
    Docker,
    /// Rootless Podman.
    Podman,
    /// Rootless Podman with resource limits in the place of control groups.
    PodmanRlimit,
}

impl Engine {
    /// Holds every engine.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::PodmanRlimit];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::PodmanRlimit => "podman-rlimit",
        }
    }

    /// Returns whether `INLINE_TEST` names the engine and programs with limits can run on it.
    pub fn is_tested(self) -> bool {
        let named = variable(INLINE_TEST).unwrap_or_default();
        self.limits_bind() && named.split(',').any(|name| name.trim() == self.name())
    }

    /// Returns whether limits bind on this host.
    ///
    /// Without control groups of the second version rootless Podman refuses limits, unless the operator allows others.
    pub fn limits_bind(self) -> bool {
        self != Self::Podman || Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
    }

    /// Returns whether containers can have a network on this host: that of a rootless Podman needs a device.
    pub fn has_network(self) -> bool {
        let tun = || OpenOptions::new().read(true).write(true).open("/dev/net/tun");
        self == Self::Docker || tun().is_ok()
    }

    /// Connects to the engine of the usual variables.
    ///
    /// # Errors
    ///
    /// - In words, if it does not answer.
    pub async fn connect(self) -> Result<Arc<dyn ContainerRuntime>, Failed> {
        let names = ["DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR"];
        let variables = names.map(|name| (name, variable(name).unwrap_or_default()));
        let environment: Environment = variables
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let overrides: &[(&str, &str)] = match self {
            Self::Docker => &[("driver", "docker")],
            Self::Podman => &[("driver", "podman")],
            Self::PodmanRlimit => &[("driver", "podman"), ("podman.limits", "rlimit")],
        };
        Ok(inline::connect(&Config::load(None, &environment, overrides)?.runtime).await?)
    }
}

/// Returns the configuration of a service on `directory`, with the images of the tests.
///
/// # Errors
///
/// - In words, if no registry is named.
pub fn config(directory: &Path) -> Result<SandboxConfig, Failed> {
    let registry = variable(INLINE_TEST_REGISTRY).ok_or("`INLINE_TEST_REGISTRY` is not set")?;
    let mut config = SandboxConfig::default();
    config.base_dir = Some(directory.join("base"));
    config.pull_on_startup = false;
    config.limits.memory = 128 << 20;
    config.limits.tmpfs = 16 << 20;
    config.limits.workspace_bytes = 64 << 20;
    config.admission.rate_limit.runs = 10_000.try_into()?;
    for (name, image) in [
        ("python", "python:3.11-slim"),
        ("node", "node:20-slim"),
        ("bash", "alpine:latest"),
    ] {
        let mut language = LanguageConfig::default();
        language.image = Some(format!("{registry}/{image}").parse()?);
        config.languages.insert(name.to_owned(), language);
    }
    Ok(config)
}

/// Tells an error with its cause.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub fn told(error: SandboxError) -> Failed {
    let cause = std::error::Error::source(&error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    format!("{error}{cause}").into()
}

/// Returns the owner `local:name`.
///
/// # Errors
///
/// - In words, if that is none.
pub fn owner(name: &str) -> Result<Owner, Failed> {
    Owner::new("local", name).map_err(told)
}
