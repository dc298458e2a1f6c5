//! The embedded driver as a subject, on the machine's own programs and on a root filesystem.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use inline_conformance::{Fixture, Fixtures, Severable, Subject};
use inline_embedded::{EmbeddedConfig, EmbeddedRuntime, LimitPolicy};
use inline_runtime::{ContainerRuntime, Error, ErrorKind, ImageReference, Result};
use tempfile::TempDir;

use crate::engine::CALL_TIMEOUT;
use crate::environment::{INLINE_TEST_REGISTRY, variable};
use crate::registry;

const NO_CONNECTION: &str = "there is no connection between the driver and an engine";
const NO_VOLUME: &str = "there is no engine that keeps volumes";
const ARCHIVE: &str = "alpine.tar.gz";

/// The embedded driver, on this machine.
#[derive(Debug)]
pub struct EmbeddedSubject {
    name: &'static str,
    config: EmbeddedConfig,
    fixtures: Fixtures,
    patience: u32,
    /// Where images are unpacked.
    _directory: TempDir,
}

impl EmbeddedSubject {
    /// Makes the subject; sandboxes come with the connection. `limits` is what the operator allows, and decides the name:
    /// `embedded` or `embedded-rlimit`.
    ///
    /// Where a registry is named its image is what runs, otherwise this machine.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unavailable`] if the registry does not answer.
    pub fn find(limits: LimitPolicy, patience: u32) -> Result<Self> {
        let directory = tempfile::tempdir().map_err(|error| unexpected("no temporary directory", error))?;
        let mut config = EmbeddedConfig::default()
            .with_limits(limits)
            .with_store(directory.path().join("store"))
            .with_call_timeout(CALL_TIMEOUT * patience);
        let why = format!("`{INLINE_TEST_REGISTRY}` names no registry");
        let mut fixtures = Fixtures::shell_only("host".parse()?, &why);
        if let Some(registry) = variable(INLINE_TEST_REGISTRY) {
            let (reference, archive) = archive(&registry, &directory)?;
            fixtures.registry = Fixture::Present(registry::images(&registry)?);
            config = config.with_image(reference.to_string(), archive);
            fixtures.shell = reference;
        }
        fixtures.host_directory = Fixture::Present(std::env::temp_dir());
        fixtures.volume = Fixture::left_out(NO_VOLUME);
        fixtures.severable = Fixture::left_out(NO_CONNECTION);
        Ok(Self {
            name: match limits {
                LimitPolicy::Rlimit => "embedded-rlimit",
                _ => "embedded",
            },
            config,
            fixtures,
            patience,
            _directory: directory,
        })
    }
}

#[async_trait]
impl Subject for EmbeddedSubject {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
        Ok(Arc::new(EmbeddedRuntime::connect(&self.config).await?))
    }

    async fn connect_severable(&self) -> Result<Severable> {
        Err(Error::new(ErrorKind::Unsupported, NO_CONNECTION))
    }

    fn fixtures(&self) -> &Fixtures {
        &self.fixtures
    }

    fn patience(&self) -> u32 {
        self.patience
    }
}

/// Fetches the one layer of the registry's shell image, which is a root filesystem.
fn archive(registry: &str, directory: &TempDir) -> Result<(ImageReference, PathBuf)> {
    let path = directory.path().join(ARCHIVE);
    let layer =
        registry::layer(registry).map_err(|error| unexpected("the registry's image cannot be fetched", error))?;
    std::fs::write(&path, layer).map_err(|error| unexpected("the registry's image cannot be kept", error))?;
    Ok((registry::shell(Some(registry))?, path))
}

fn unexpected(message: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, message).with_source(error)
}
