//! Puts a fake together.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use inline_runtime::{Capabilities, Capability, ExitStatus, Image, ImageId, ImageReference, Support};

use crate::engine::{Engine, Holdings};
use crate::program::Program;
use crate::{FakeProcess, FakeRuntime, Fault, Operation, PullScript};

/// Puts a [`FakeRuntime`] together. By default it can do everything and has nothing.
pub struct FakeBuilder {
    capabilities: Capabilities,
    oci_runtimes: Vec<String>,
    programs: BTreeMap<String, Program>,
    pulls: BTreeMap<String, PullScript>,
    latencies: BTreeMap<Operation, Duration>,
    holdings: Holdings,
}

impl FakeBuilder {
    pub(crate) fn new() -> Self {
        let everything = Capability::ALL
            .into_iter()
            .fold(Capabilities::none("unknown to the fake"), |table, capability| {
                table.with(capability, Support::Present)
            });
        Self {
            capabilities: everything,
            oci_runtimes: vec!["runc".to_owned()],
            programs: BTreeMap::new(),
            pulls: BTreeMap::new(),
            latencies: BTreeMap::new(),
            holdings: Holdings::default(),
        }
    }

    /// Sets what it can enforce; all by default. Specs are checked against it, no more: what a limit does to a program
    /// is for the program to play.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets the OCI runtimes that a spec may name, the default first; `runc` alone by default.
    #[must_use]
    pub fn with_oci_runtimes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.oci_runtimes = names.into_iter().map(Into::into).collect();
        self
    }

    /// Puts an image on the engine.
    #[must_use]
    pub fn with_image(mut self, reference: &ImageReference, id: ImageId) -> Self {
        self.holdings.images.insert(reference.pinned(), Image::new(id, None));
        self
    }

    /// Puts an image into the registry, with the way in which it is pulled. What is not there is not found.
    #[must_use]
    pub fn with_pull(mut self, reference: &ImageReference, script: PullScript) -> Self {
        self.pulls.insert(reference.pinned(), script);
        self
    }

    /// Adds a program that is found in every image.
    ///
    /// It is found by the file name of the first word of a command, or, where that is a shell with `-c`, by the word that
    /// becomes `$0`: `sh -c TEXT NAME ARGS…`.
    #[must_use]
    pub fn with_program<F>(
        mut self,
        name: impl Into<String>,
        program: impl Fn(FakeProcess) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ExitStatus> + Send + 'static,
    {
        let program: Program = Arc::new(move |process| Box::pin(program(process)));
        self.programs.insert(name.into(), program);
        self
    }

    /// Sets how long every call of an operation takes, in tokio's time; no time by default.
    #[must_use]
    pub fn with_latency(mut self, operation: Operation, latency: Duration) -> Self {
        self.latencies.insert(operation, latency);
        self
    }

    /// Plans a fault for the `nth` call of an operation, counted from 1.
    #[must_use]
    pub fn with_fault(mut self, operation: Operation, nth: usize, fault: Fault) -> Self {
        self.holdings.faults.insert((operation, nth), fault);
        self
    }

    /// Builds the fake.
    pub fn build(self) -> FakeRuntime {
        FakeRuntime::on(Engine {
            capabilities: self.capabilities,
            oci_runtimes: self.oci_runtimes,
            programs: self.programs,
            pulls: self.pulls,
            latencies: self.latencies,
            holdings: Mutex::new(self.holdings),
        })
    }
}

impl fmt::Debug for FakeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeBuilder")
            .field("programs", &self.programs.keys())
            .field("holdings", &self.holdings)
            .finish_non_exhaustive()
    }
}
