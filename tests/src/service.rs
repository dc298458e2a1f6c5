//! What the suites of the sandbox service share: engines by name, and a configuration with the images of the tests.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use inline::{ContainerRuntime, Environment, ImageReference, Settings};
use inline_sandbox::{LanguageConfig, Owner, SandboxConfig, SandboxError};
use libtest_mimic::Failed;

use crate::engine::CALL_TIMEOUT;
use crate::environment::{INLINE_TEST, INLINE_TEST_REGISTRY, patience, patient, variable};

/// The languages that the tests run.
const LANGUAGES: [&str; 3] = ["python", "node", "bash"];

/// An engine that can be named in `INLINE_TEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Docker.
    Docker,
    /// Rootless Podman.
    Podman,
    /// Rootless Podman with resource limits in the place of control groups.
    PodmanRlimit,
    /// The embedded driver, on what is installed on this machine.
    Embedded,
    /// The same with resource limits in the place of control groups.
    EmbeddedRlimit,
}

impl Engine {
    /// Holds every engine.
    pub const ALL: [Self; 5] = [
        Self::Docker,
        Self::Podman,
        Self::PodmanRlimit,
        Self::Embedded,
        Self::EmbeddedRlimit,
    ];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::PodmanRlimit => "podman-rlimit",
            Self::Embedded => "embedded",
            Self::EmbeddedRlimit => "embedded-rlimit",
        }
    }

    /// Returns the name of its driver.
    pub fn driver(self) -> &'static str {
        self.name().trim_end_matches("-rlimit")
    }

    /// Returns whether `INLINE_TEST` names the engine and programs with limits can run on it.
    pub fn is_tested(self) -> bool {
        let named = variable(INLINE_TEST).unwrap_or_default();
        self.limits_bind() && named.split(',').any(|name| name.trim() == self.name())
    }

    /// Returns whether resource limits stand in for control groups.
    pub fn is_rlimit(self) -> bool {
        matches!(self, Self::PodmanRlimit | Self::EmbeddedRlimit)
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
        self.driver() != "podman" || tun().is_ok()
    }

    /// Returns the image that the tests run a language in.
    ///
    /// # Errors
    ///
    /// - In words, if no registry is named.
    pub fn image(self, language: &str) -> Result<ImageReference, Failed> {
        if self.driver() == "embedded" {
            return Ok("host".parse()?);
        }
        let registry = variable(INLINE_TEST_REGISTRY).ok_or("`INLINE_TEST_REGISTRY` is not set")?;
        let name = match language {
            "python" => "python:3.11-slim",
            "node" => "node:20-slim",
            _ => "alpine:latest",
        };
        Ok(format!("{registry}/{name}").parse()?)
    }

    /// Returns the lines of a configuration file that choose the engine and the images of the tests.
    ///
    /// # Errors
    ///
    /// - As for [`image`](Self::image) and [`patience`].
    pub fn configuration(self) -> Result<String, Failed> {
        let mut text = String::new();
        for (key, value) in self.settings()? {
            text = text + key + " = '" + &value + "'\n";
        }
        for language in LANGUAGES {
            let image = self.image(language)?.to_string();
            text = text + "languages." + language + ".image = '" + &image + "'\n";
        }
        Ok(text)
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
        let overrides = self.settings()?;
        let overrides: Vec<_> = overrides.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let mut settings = Settings::load(None, &environment, &overrides)?;
        let runtime = settings.take()?;
        settings.finish()?;
        Ok(inline::connect(&runtime).await?)
    }

    /// Returns the keys that choose the engine, with their values.
    fn settings(self) -> Result<Vec<(&'static str, String)>, String> {
        let limits = if self.is_rlimit() { "rlimit" } else { "cgroup" };
        let mut settings = vec![("driver", self.driver().to_owned())];
        settings.extend(match self {
            Self::Docker => vec![("docker.call_timeout", call_timeout()?)],
            Self::Podman | Self::PodmanRlimit => vec![
                ("podman.call_timeout", call_timeout()?),
                ("podman.limits", limits.to_owned()),
            ],
            Self::Embedded | Self::EmbeddedRlimit => vec![
                ("embedded.call_timeout", call_timeout()?),
                ("embedded.limits", limits.to_owned()),
                // Packages come from an index on this machine.
                ("embedded.host_network", "true".to_owned()),
            ],
        });
        Ok(settings)
    }
}

/// Returns how long a call to an engine may take, as configurations have it.
///
/// # Errors
///
/// - As for [`patience`].
pub fn call_timeout() -> Result<String, String> {
    Ok(format!("{}s", patient(CALL_TIMEOUT)?.as_secs()))
}

/// Returns the configuration of a service of `engine` on `directory`, with the images of the tests.
///
/// # Errors
///
/// - As for [`Engine::image`] and [`patience`].
pub fn config(engine: Engine, directory: &Path) -> Result<SandboxConfig, Failed> {
    let mut config = SandboxConfig::default();
    config.base_dir = Some(directory.join("base"));
    config.pull_on_startup = false;
    let patience = patience()?;
    config.limits.timeout *= patience;
    config.limits.max_timeout *= patience;
    config.packages.timeout *= patience;
    config.limits.memory = 128 << 20;
    config.limits.tmpfs = 16 << 20;
    config.limits.workspace_bytes = 64 << 20;
    config.admission.rate_limit.runs = 10_000.try_into()?;
    config.languages = languages(engine)?;
    Ok(config)
}

/// Returns the languages with the images of the tests.
///
/// # Errors
///
/// - As for [`Engine::image`].
pub fn languages(engine: Engine) -> Result<BTreeMap<String, LanguageConfig>, Failed> {
    let configured = LANGUAGES.map(|name| {
        let mut language = LanguageConfig::default();
        language.image = Some(engine.image(name)?);
        Ok((name.to_owned(), language))
    });
    configured.into_iter().collect()
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
