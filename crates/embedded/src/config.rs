//! Which images there are, by what means limits may bind, and how long calls may take.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::env;
use crate::limits::LimitPolicy;

/// Describes what the driver may use of this machine.
///
/// The default runs the `host` image alone, under limits of control groups where they bind and else of each process.
///
/// ```
/// use inline_embedded::EmbeddedConfig;
///
/// let config = EmbeddedConfig::default().with_image("alpine:latest", "/srv/images/alpine.tar.gz");
/// assert_eq!(config.images.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EmbeddedConfig {
    /// Images by their reference: each the directory or the tarball (`tar`, `tar.gz`) of a root filesystem. A directory is used
    /// in place and never written to. Default none; the image `host` is always there.
    pub images: BTreeMap<String, PathBuf>,
    /// The directory in which tarballs are unpacked and pulled images are kept. `None` has no such images.
    /// [`from_env`](Self::from_env) takes `inline-images` in the user's data directory. It is made when it is first needed.
    pub store: Option<PathBuf>,
    /// How long an image is kept there that no container uses. Default 30 days. In files `30d` or plain seconds.
    #[serde(with = "inline_runtime::human::duration")]
    pub image_retention: Duration,
    /// Directories and files of this machine that the `host` image shows besides `/usr`, at the same place, read-only: an
    /// interpreter below `/opt`, say. Default none.
    pub host_paths: Vec<PathBuf>,
    /// Whether a spec that asks for a network gets that of this machine. Default `false`: such a spec is refused.
    ///
    /// There is no bridge between the two: with it a program reaches all that listens on this machine, also on loopback.
    pub host_network: bool,
    /// By what means limits may bind. Default [`LimitPolicy::Rlimit`]: without an engine there is nobody to delegate control
    /// groups to a user, and what is enforced instead is said by the capabilities.
    pub limits: LimitPolicy,
    /// The most that can be written to a root filesystem that is not read-only. It lies in memory. Default 64 MiB.
    #[serde(with = "inline_runtime::human::size")]
    pub root_size: u64,
    /// The bound on each call. Default 30 s. In files `30s` or plain seconds.
    #[serde(with = "inline_runtime::human::duration")]
    pub call_timeout: Duration,
    /// The bound on a whole pull. Default 15 min.
    #[serde(with = "inline_runtime::human::duration")]
    pub pull_timeout: Duration,
    /// Registries, as `host` or `host:port`, that are asked over plain HTTP. Those on a loopback address always are; all others
    /// must speak TLS. Default none.
    pub insecure_registries: Vec<String>,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            images: BTreeMap::new(),
            store: None,
            image_retention: Duration::from_hours(30 * 24),
            host_paths: Vec::new(),
            host_network: false,
            limits: LimitPolicy::Rlimit,
            root_size: 64 << 20,
            call_timeout: Duration::from_secs(30),
            pull_timeout: Duration::from_mins(15),
            insecure_registries: Vec::new(),
        }
    }
}

impl EmbeddedConfig {
    /// Creates a config from an environment, given as a look-up by the names in [`env`](crate::env).
    ///
    /// An empty value counts as none.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let directory = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = directory(env::XDG_DATA_HOME).or_else(|| Some(directory(env::HOME)?.join(".local/share")));
        Self {
            store: data.map(|data| data.join("inline-images")),
            ..Self::default()
        }
    }

    /// Adds an image.
    #[must_use]
    pub fn with_image(mut self, reference: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.images.insert(reference.into(), path.into());
        self
    }

    /// Sets the directory in which images are kept.
    #[must_use]
    pub fn with_store(mut self, store: impl Into<PathBuf>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// Sets how long an image is kept that no container uses.
    #[must_use]
    pub fn with_image_retention(mut self, image_retention: Duration) -> Self {
        self.image_retention = image_retention;
        self
    }

    /// Adds something that the `host` image shows.
    #[must_use]
    pub fn with_host_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.host_paths.push(path.into());
        self
    }

    /// Sets whether a spec that asks for a network gets that of this machine.
    #[must_use]
    pub fn with_host_network(mut self, host_network: bool) -> Self {
        self.host_network = host_network;
        self
    }

    /// Sets by what means limits may bind.
    #[must_use]
    pub fn with_limits(mut self, limits: LimitPolicy) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the most that can be written to a root filesystem that is not read-only, bytes.
    #[must_use]
    pub fn with_root_size(mut self, root_size: u64) -> Self {
        self.root_size = root_size;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_kept_with_the_users_data() {
        let config = |variables: &[(&str, &str)]| {
            let variables: BTreeMap<_, _> = variables.iter().copied().collect();
            EmbeddedConfig::from_env(|name| variables.get(name).map(ToString::to_string)).store
        };
        assert_eq!(config(&[]), None);
        assert_eq!(
            config(&[("HOME", "/home/me"), ("XDG_DATA_HOME", "")]),
            Some("/home/me/.local/share/inline-images".into())
        );
        assert_eq!(
            config(&[("HOME", "/home/me"), ("XDG_DATA_HOME", "/data")]),
            Some("/data/inline-images".into())
        );
    }
}
