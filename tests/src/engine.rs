//! What the subjects with a real engine have in common.

use std::path::PathBuf;
use std::time::Duration;

use inline_conformance::{Fixture, Fixtures, SocketProxy};
use inline_runtime::{Error, ErrorKind, Result};

use crate::environment::{INLINE_TEST_REGISTRY, variable};
use crate::registry;

/// How long a call may take on a fast machine, as drivers have it by default.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take where the case waits for the bound.
pub(crate) const SHORT_CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Engines make it when it is first used, and no method of the contract removes it.
const VOLUME: &str = "inline-conformance";

/// Where an engine listens and what its cases use.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) socket: PathBuf,
    pub(crate) fixtures: Fixtures,
    pub(crate) patience: u32,
}

impl Engine {
    /// Looks for all of it; `host` is where the engine is, as a URL.
    pub(crate) fn find(host: &str, patience: u32) -> Result<Self> {
        let socket = host.strip_prefix("unix://").ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, format!("`{host}` is not a unix socket")).with_hint(
                "the cases stand between the driver and its engine, which they can do on a unix socket alone",
            )
        })?;
        let registry = variable(INLINE_TEST_REGISTRY);
        let why = format!("`{INLINE_TEST_REGISTRY}` names no registry");
        let mut fixtures = Fixtures::shell_only(registry::shell(registry.as_deref())?, &why);
        if let Some(registry) = &registry {
            fixtures.registry = Fixture::Present(registry::images(registry)?);
        }
        fixtures.host_directory = Fixture::Present(std::env::temp_dir());
        fixtures.volume = Fixture::Present(VOLUME.to_owned());
        fixtures.severable = Fixture::Present(());
        Ok(Self {
            socket: PathBuf::from(socket),
            fixtures,
            patience,
        })
    }

    /// Puts a proxy before the engine; returns it with its address.
    pub(crate) fn proxy(&self) -> Result<(SocketProxy, String)> {
        let proxy = SocketProxy::to(&self.socket).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "no proxy between driver and engine").with_source(error)
        })?;
        let host = format!("unix://{}", proxy.path().display());
        Ok((proxy, host))
    }
}
