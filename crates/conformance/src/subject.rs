//! What is tested: a driver, connected to an engine, with the things around it that cases need.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use inline_runtime::{ContainerRuntime, ImageReference, Result};

/// Connects the suite to the driver under test.
#[async_trait]
pub trait Subject: Debug + Send + Sync + 'static {
    /// Returns the name that stands before each case: `docker`.
    fn name(&self) -> &'static str;

    /// Connects to the engine. The suite calls it once and shares the connection among all cases.
    ///
    /// # Errors
    ///
    /// - Whatever the driver fails with; every case fails with it then.
    async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>>;

    /// Connects to the same engine once more, over a connection that can be cut and stalled, with a bound on each call of
    /// not much more than 5 s times the patience. Asked only where [`Fixtures::severable`] is provided.
    ///
    /// # Errors
    ///
    /// - Whatever the driver fails with.
    async fn connect_severable(&self) -> Result<Severable>;

    /// Returns what there is for cases to use.
    fn fixtures(&self) -> &Fixtures;

    /// Returns the factor by which all times are longer than on a fast machine; 1 on one.
    fn patience(&self) -> u32;
}

/// A connection that can be cut and stalled.
#[derive(Debug)]
#[non_exhaustive]
pub struct Severable {
    /// The driver on that connection.
    pub runtime: Arc<dyn ContainerRuntime>,
    /// What cuts it.
    pub connection: Box<dyn Connection>,
}

/// Stands between a driver and its engine.
pub trait Connection: Debug + Send {
    /// Cuts the connection: what is open breaks, nothing new is accepted.
    fn sever(self: Box<Self>);

    /// Carries nothing any more, either way, and closes nothing: the engine seems to hang.
    fn stall(&self);
}

/// Holds what cases use besides the driver.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fixtures {
    /// An image with `sh` and everyday commands, whose own user, entrypoint and command do not matter. It is pulled
    /// before the first case if it is not on the engine.
    pub shell: ImageReference,
    /// The images of a registry.
    pub registry: Fixture<RegistryImages>,
    /// A directory of the engine's host, in which the suite may make directories that the engine can mount.
    pub host_directory: Fixture<PathBuf>,
    /// The name of a volume that the suite may fill; engines make it when it is first used. The suite cannot remove it.
    pub volume: Fixture<String>,
    /// Whether [`Subject::connect_severable`] works.
    pub severable: Fixture<()>,
}

/// Something that cases use, or the reason why the cases that need it are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fixture<T> {
    /// It is there.
    Present(T),
    /// It is not there: its cases show as ignored, with this reason, and never as passed.
    LeftOut {
        /// The reason.
        why: String,
    },
}

/// Names images of a registry, good and bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryImages {
    /// A good image by its tag.
    pub by_tag: ImageReference,
    /// The same image by the digest of its manifest.
    pub by_digest: ImageReference,
    /// A tag that the repository does not have.
    pub missing_tag: ImageReference,
    /// An image on a registry that does not answer.
    pub registry_down: ImageReference,
    /// An image of which the registry lost a layer.
    pub missing_layer: ImageReference,
    /// An image of which a layer is not what its digest says.
    pub corrupt_layer: ImageReference,
}

impl Severable {
    /// Puts the two together.
    pub fn new(runtime: Arc<dyn ContainerRuntime>, connection: impl Connection + 'static) -> Self {
        Self {
            runtime,
            connection: Box::new(connection),
        }
    }
}

impl<T> Fixture<T> {
    /// Creates an absence with its reason.
    pub fn left_out(why: impl Into<String>) -> Self {
        Self::LeftOut { why: why.into() }
    }
}

impl Fixtures {
    /// Creates fixtures that hold a shell image alone; the reason `why` explains the rest.
    pub fn shell_only(shell: ImageReference, why: &str) -> Self {
        Self {
            shell,
            registry: Fixture::left_out(why),
            host_directory: Fixture::left_out(why),
            volume: Fixture::left_out(why),
            severable: Fixture::left_out(why),
        }
    }
}
