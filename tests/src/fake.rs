//! The scripted runtime as a subject: its programs play what those of the cases do.

mod files;
mod proc;
mod programs;

use std::sync::Arc;

use async_trait::async_trait;
use inline_conformance::{Connection, Fixture, Fixtures, RegistryImages, Severable, Subject};
use inline_fake::{FakeRuntime, Faulty, Flaw, PullScript};
use inline_runtime::{
    Capabilities, Capability, ContainerRuntime, ErrorKind, ImageId, ImageReference, LimitMechanism, Result, Support,
};

use files::Volume;

/// The fake, as it is or broken in one way.
#[derive(Debug)]
pub struct FakeSubject {
    name: &'static str,
    runtime: FakeRuntime,
    fixtures: Fixtures,
    flaw: Option<Flaw>,
}

#[derive(Debug)]
struct FakeConnection(FakeRuntime);

impl FakeSubject {
    /// A fake that can do everything but GPUs.
    ///
    /// # Errors
    ///
    /// - Only if the references of its images were no references.
    pub fn capable() -> Result<Self> {
        Self::with("fake", capable())
    }

    /// A fake whose limits are those of single processes, as without control groups.
    ///
    /// # Errors
    ///
    /// - As [`capable`](Self::capable).
    pub fn with_rlimits() -> Result<Self> {
        let capabilities = capable()
            .with(Capability::NanoCpus, Support::absent("there are no control groups"))
            .with(Capability::Stats, Support::absent("there are no control groups"))
            .with(Capability::OomDetection, Support::absent("there are no control groups"))
            .with_limit_mechanism(LimitMechanism::Rlimit);
        Self::with("fake-rlimit", capabilities)
    }

    /// A fake that can do nothing of what is a choice.
    ///
    /// # Errors
    ///
    /// - As [`capable`](Self::capable).
    pub fn bare() -> Result<Self> {
        Self::with("fake-bare", Capabilities::none("it is bare"))
    }

    /// Breaks it in one way.
    #[must_use]
    pub fn with_flaw(mut self, flaw: Flaw) -> Self {
        self.flaw = Some(flaw);
        self
    }

    fn with(name: &'static str, capabilities: Capabilities) -> Result<Self> {
        let images = images()?;
        let id = ImageId::new("a".repeat(64));
        let layer = PullScript::ends_in(id.clone())
            .with_status("pulling")
            .with_progress("layer", 1 << 20, Some(2 << 20))
            .with_progress("layer", 2 << 20, Some(2 << 20));
        let mechanism = capabilities.limit_mechanism();
        let builder = FakeRuntime::builder()
            .with_capabilities(capabilities)
            .with_oci_runtimes(["runc", "crun"])
            .with_image(&images.by_tag, id)
            .with_pull(&images.by_tag, layer.clone())
            .with_pull(&images.by_digest, layer)
            .with_pull(&images.registry_down, PullScript::fails(ErrorKind::Unavailable))
            .with_pull(&images.missing_layer, PullScript::fails(ErrorKind::Unexpected))
            .with_pull(
                &images.corrupt_layer,
                PullScript::fails(ErrorKind::Unexpected).with_status("unpacking"),
            );
        let runtime = programs::install(builder, &Volume::default(), mechanism).build();
        let mut fixtures = Fixtures::shell_only(images.by_tag.clone(), "");
        fixtures.registry = Fixture::Present(images);
        fixtures.host_directory = Fixture::Present(std::env::temp_dir());
        fixtures.volume = Fixture::Present("volume".to_owned());
        fixtures.severable = Fixture::Present(());
        Ok(Self {
            name,
            runtime,
            fixtures,
            flaw: None,
        })
    }

    fn flawed(&self, runtime: FakeRuntime) -> Arc<dyn ContainerRuntime> {
        match self.flaw {
            Some(flaw) => Arc::new(Faulty::new(Arc::new(runtime), flaw)),
            None => Arc::new(runtime),
        }
    }
}

#[async_trait]
impl Subject for FakeSubject {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
        Ok(self.flawed(self.runtime.clone()))
    }

    async fn connect_severable(&self) -> Result<Severable> {
        let second = self.runtime.reconnected();
        Ok(Severable::new(self.flawed(second.clone()), FakeConnection(second)))
    }

    fn fixtures(&self) -> &Fixtures {
        &self.fixtures
    }

    fn patience(&self) -> u32 {
        1
    }
}

impl Connection for FakeConnection {
    fn sever(self: Box<Self>) {
        self.0.sever();
    }

    fn stall(&self) {
        self.0.stall();
    }
}

fn capable() -> Capabilities {
    let everything = Capability::ALL
        .into_iter()
        .fold(Capabilities::none(""), |table, capability| {
            table.with(capability, Support::Present)
        });
    everything.with(Capability::Gpus, Support::absent("there are no GPUs"))
}

fn images() -> Result<RegistryImages> {
    let image = |reference: &str| reference.parse::<ImageReference>();
    let digest = "d".repeat(64);
    Ok(RegistryImages {
        by_tag: image("registry.example/shell:latest")?,
        by_digest: image(&format!("registry.example/shell@sha256:{digest}"))?,
        missing_tag: image("registry.example/shell:none")?,
        registry_down: image("down.example/shell:latest")?,
        missing_layer: image("registry.example/broken:missing-blob")?,
        corrupt_layer: image("registry.example/broken:corrupt")?,
    })
}
