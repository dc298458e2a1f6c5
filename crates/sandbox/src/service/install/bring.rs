//! The container that brings packages: it has network, and nothing of any user's.

use std::sync::Arc;

use inline_runtime::{ContainerSpec, Mount, NetworkMode, labels};

use super::{PACKAGES, Plan};
use crate::language::supervised;
use crate::run::Purpose;
use crate::service::Inner;
use crate::service::locks::OwnerLock;
use crate::service::room::{CACHE, Room};
use crate::store::PackageRecord;
use crate::{
    Owner, PackageConfig, PackageManager, Quota, Result, SandboxError, SecretUrl, Specifier, SpecifierPolicy,
    WORKSPACE_TARGET, Workspace,
};

/// Where what was downloaded before is kept, for all owners.
const CACHE_TARGET: &str = "/cache";
/// Where the operator's certificate authorities are.
const CA_TARGET: &str = "/etc/inline-ca.pem";
/// What the cache of one manager may hold; past that it begins again.
const CACHE_QUOTA: Quota = Quota {
    bytes: 4 << 30,
    files: 200_000,
};

/// What one manager has downloaded, for all owners.
///
/// Nothing but the package managers writes to it, from what the operator's index sends, and none of their code nor any of
/// the packages' runs beside it, so that no owner can put anything there for another.
pub(super) struct Cache {
    owner: Owner,
    pub(super) lock: Arc<OwnerLock>,
}

impl Cache {
    /// Returns the cache of what `plan` installs, unless code of packages may run beside it.
    pub(super) fn of(plan: &Plan, inner: &Inner) -> Result<Option<Self>> {
        let packages = &inner.config.packages;
        if packages.source_builds || packages.allow_paths || packages.allow_urls {
            return Ok(None);
        }
        let owner = Owner::new(CACHE, plan.manager.name())?;
        let lock = inner.locks.of(&owner);
        Ok(Some(Self { owner, lock }))
    }

    async fn workspace(&self, inner: &Inner) -> Result<Workspace> {
        inner.workspaces.workspace(&self.owner, CACHE_QUOTA).await
    }

    /// Begins the cache again if it has grown too large and nobody uses it.
    pub(super) async fn close(self, inner: &Inner) {
        let Ok(_alone) = self.lock.presence.try_write() else {
            return;
        };
        let renewed = async {
            if self.workspace(inner).await?.exceeds(&CACHE_QUOTA).await?.is_some() {
                inner.workspaces.delete(&self.owner).await?;
            }
            Ok::<(), SandboxError>(())
        };
        if let Err(error) = renewed.await {
            tracing::warn!(%error, "a cache of packages was not looked at");
        }
    }
}

impl Plan {
    /// Returns the spec of the container that brings the packages into `staging`.
    pub(super) async fn bring(
        &self,
        inner: &Inner,
        room: &Room,
        staging: &Room,
        cache: Option<&Cache>,
    ) -> Result<ContainerSpec> {
        let config = &inner.config.packages;
        let mut spec = staging.spec(inner, &self.language, &self.limits, Purpose::Run)?;
        spec.image = room.image(inner, &self.language).clone();
        spec.labels.insert(labels::ROLE.to_owned(), "install".to_owned());
        spec.network_mode = NetworkMode::Default;
        spec.working_dir = Some("/tmp".to_owned());
        // Not the workspace's: what a program put there would be loaded.
        spec.env.remove("PYTHONPATH");
        spec.env.remove("NODE_PATH");
        spec.env.insert("HOME".to_owned(), "/tmp".to_owned());
        spec.mounts = vec![at(staging.workspace.mount(), PACKAGES)];
        if let Some(cache) = cache {
            spec.mounts
                .push(at(cache.workspace(inner).await?.mount(), CACHE_TARGET));
        }
        if self
            .specifiers
            .iter()
            .any(|specifier| specifier.argument().starts_with("./"))
        {
            spec.mounts.push(room.workspace.mount().with_read_only(true));
            spec.working_dir = Some(WORKSPACE_TARGET.to_owned());
        }
        let mut command = match self.manager {
            PackageManager::Pip => self.pip(config, cache.is_some()),
            PackageManager::Npm => npm(cache.is_some()),
        };
        command.push("--".to_owned());
        command.extend(self.kept(inner, room).await?);
        command.extend(self.specifiers.iter().map(|specifier| specifier.argument().to_owned()));
        spec.cmd = supervised(command);
        for (name, value) in environment(self.manager, config) {
            spec.env.insert(name.to_owned(), value);
        }
        if let Some(bundle) = &config.ca_bundle {
            let source = bundle.to_str().ok_or_else(|| SandboxError::InvalidConfig {
                key: "packages.ca_bundle".to_owned(),
                why: "its path is not UTF-8".to_owned(),
            })?;
            spec.mounts.push(Mount::bind(source, CA_TARGET).with_read_only(true));
        }
        Ok(spec)
    }

    fn pip(&self, config: &PackageConfig, has_cache: bool) -> Vec<String> {
        let python = self.language.command.first().map_or("python3", String::as_str);
        let mut command = words(&[python, "-I", "-m", "pip", "wheel", "--wheel-dir", PACKAGES]);
        command.extend(words(if has_cache {
            &["--cache-dir", CACHE_TARGET]
        } else {
            &["--no-cache-dir"]
        }));
        if !config.source_builds {
            command.extend(words(&["--only-binary", ":all:"]));
        }
        command
    }

    /// Returns what npm must bring again: it makes one tree of all, where pip adds to what is there.
    async fn kept(&self, inner: &Inner, room: &Room) -> Result<Vec<String>> {
        if self.manager == PackageManager::Pip || self.is_clean {
            return Ok(Vec::new());
        }
        let named: Vec<&str> = self.specifiers.iter().filter_map(Specifier::name).collect();
        let is_kept =
            |package: &PackageRecord| package.manager == self.manager && !named.contains(&package.name.as_str());
        let recorded = inner.store.packages(&room.owner).await?;
        let policy = SpecifierPolicy {
            max_specifiers: usize::MAX,
            ..inner.config.packages.specifier_policy()
        };
        // What is on record was written by others, too.
        let kept = recorded
            .iter()
            .filter(|package| is_kept(package))
            .map(super::listed::exactly);
        kept.map(|text| Ok(Specifier::parse(self.manager, &text, &policy)?.argument().to_owned()))
            .collect()
    }
}

fn npm(has_cache: bool) -> Vec<String> {
    let mut command = words(&[
        "npm",
        "install",
        "--prefix",
        PACKAGES,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ]);
    command.extend(words(&[
        "--cache",
        if has_cache { CACHE_TARGET } else { "/packages/.npm" },
    ]));
    command
}

/// Returns what tells a package manager where to look, and to look for no settings of anybody's.
fn environment(manager: PackageManager, config: &PackageConfig) -> Vec<(&'static str, String)> {
    let mut variables = match manager {
        PackageManager::Pip => vec![
            ("PIP_CONFIG_FILE", "/dev/null".to_owned()),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_owned()),
            ("PIP_NO_INPUT", "1".to_owned()),
            ("PIP_PROGRESS_BAR", "off".to_owned()),
            // Large wheels do not fit into memory.
            ("TMPDIR", PACKAGES.to_owned()),
        ],
        PackageManager::Npm => vec![
            ("npm_config_userconfig", "/dev/null".to_owned()),
            ("npm_config_update_notifier", "false".to_owned()),
            ("npm_config_progress", "false".to_owned()),
        ],
    };
    let mut set = |names: &[&'static str], value: &str| {
        variables.extend(names.iter().map(|&name| (name, value.to_owned())));
    };
    match (manager, &config.pip_index_url, &config.npm_registry) {
        (PackageManager::Pip, Some(index), _) => {
            set(&["PIP_INDEX_URL"], index.expose());
            if let Some(host) = plain_host(index) {
                set(&["PIP_TRUSTED_HOST"], host);
            }
        }
        (PackageManager::Npm, _, Some(registry)) => set(&["npm_config_registry"], registry.expose()),
        _ => {}
    }
    if let Some(proxy) = &config.proxy {
        set(
            &["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"],
            proxy.expose(),
        );
    }
    if config.ca_bundle.is_some() {
        set(
            &[
                "PIP_CERT",
                "SSL_CERT_FILE",
                "REQUESTS_CA_BUNDLE",
                "NODE_EXTRA_CA_CERTS",
                "npm_config_cafile",
            ],
            CA_TARGET,
        );
    }
    variables
}

/// Returns the host of an index without encryption, which pip wants to be named; the operator has named it.
fn plain_host(index: &SecretUrl) -> Option<&str> {
    let authority = index.expose().strip_prefix("http://")?.split('/').next()?;
    authority.rsplit('@').next()
}

fn at(mut mount: Mount, target: &str) -> Mount {
    target.clone_into(&mut mount.target);
    mount
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Returns the mount of brought packages for the container that puts them into the workspace.
pub(super) fn brought(staging: &Room) -> Mount {
    at(staging.workspace.mount(), PACKAGES).with_read_only(true)
}
