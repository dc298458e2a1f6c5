//! One connected service with all that is known of it.

use std::sync::{PoisonError, RwLock};

use inline_runtime::{Capabilities, ContainerId, Result};

use crate::answer::Inspection;
use crate::capability;
use crate::config::PodmanConfig;
use crate::endpoint;
use crate::facts::Facts;
use crate::known::Known;
use crate::raw::Client;
use crate::service::Service;

/// The driver's name.
pub(crate) const DRIVER: &str = "podman";

/// Holds a connection.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) client: Client,
    pub(crate) facts: Facts,
    pub(crate) config: PodmanConfig,
    pub(crate) known: Known,
    capabilities: RwLock<Capabilities>,
    _service: Option<Service>,
}

impl Engine {
    /// Connects to the service that a config leads to.
    pub(crate) async fn connect(config: &PodmanConfig) -> Result<Self> {
        let found = endpoint::find(config).await?;
        let facts = Facts::gather(&found.client, found.peer, config.runtime_dir.as_deref()).await?;
        let capabilities = RwLock::new(capability::table(&facts, config.limits));
        tracing::debug!(version = %facts.version, rootless = facts.rootless, "connected to podman");
        Ok(Self {
            client: found.client,
            facts,
            config: config.clone(),
            known: Known::default(),
            capabilities,
            _service: found.service,
        })
    }

    /// Returns what binds, as known by now.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Describes a container in full.
    pub(crate) async fn inspect(&self, id: &ContainerId) -> Result<Inspection> {
        self.client.get(&format!("/containers/{id}/json")).await
    }

    /// Notes that a limit was found not to bind: from now on no control group is trusted.
    pub(crate) fn note_unbound(&self, field: &str) {
        let facts = Facts {
            unbound: Some(field.to_owned()),
            ..self.facts.clone()
        };
        tracing::warn!(field, "limits by control groups do not bind");
        *self.capabilities.write().unwrap_or_else(PoisonError::into_inner) =
            capability::table(&facts, self.config.limits);
    }
}
