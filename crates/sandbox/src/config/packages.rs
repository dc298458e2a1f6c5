//! Where packages come from.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SecretUrl, invalid};
use crate::Result;
use crate::packages::SpecifierPolicy;

/// Says where packages come from, and what may be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PackageConfig {
    /// The index of pip; `None` is the image's own, usually `PyPI`.
    pub pip_index_url: Option<SecretUrl>,
    /// The registry of npm; `None` is the image's own, usually `npmjs`.
    pub npm_registry: Option<SecretUrl>,
    /// A file of certificate authorities in PEM form that both trust; `None` is the image's own.
    pub ca_bundle: Option<PathBuf>,
    /// The HTTP proxy that both go through. Default none.
    pub proxy: Option<SecretUrl>,
    /// Whether an `https` URL may stand for a package. Default `false`.
    pub allow_urls: bool,
    /// Whether a directory or an archive of the workspace, `./…`, may stand for a package. Default `false`: its build has
    /// network, and sees the workspace.
    pub allow_paths: bool,
    /// Whether a package may be built from its source where there is no wheel. Default `false`: a build runs the package's
    /// own code, with network, though without anything of the user's or of other owners.
    pub source_builds: bool,
    /// How many packages one command may name. Default 32.
    pub max_specifiers: NonZeroUsize,
    /// How long one command may take. Default 5 min.
    #[serde(with = "inline_runtime::human::duration")]
    pub timeout: Duration,
}

impl Default for PackageConfig {
    fn default() -> Self {
        Self {
            pip_index_url: None,
            npm_registry: None,
            ca_bundle: None,
            proxy: None,
            allow_urls: false,
            allow_paths: false,
            source_builds: false,
            max_specifiers: const { NonZeroUsize::new(32).unwrap() },
            timeout: Duration::from_mins(5),
        }
    }
}

impl PackageConfig {
    /// Returns what a caller may name.
    pub fn specifier_policy(&self) -> SpecifierPolicy {
        SpecifierPolicy {
            allow_urls: self.allow_urls,
            allow_paths: self.allow_paths,
            max_specifiers: self.max_specifiers.get(),
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        for (key, url) in [
            ("packages.pip_index_url", &self.pip_index_url),
            ("packages.npm_registry", &self.npm_registry),
            ("packages.proxy", &self.proxy),
        ] {
            let Some(url) = url.as_ref().map(SecretUrl::expose) else {
                continue;
            };
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(invalid(key, "it is not an `https://` or `http://` URL"));
            }
            if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Err(invalid(key, "it has a space or a control character in it"));
            }
        }
        if self.ca_bundle.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(invalid("packages.ca_bundle", "it is not an absolute path"));
        }
        if self.timeout.is_zero() {
            return Err(invalid("packages.timeout", "it is zero"));
        }
        Ok(())
    }
}
