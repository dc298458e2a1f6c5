//! A driver of one's own: `cargo run --example custom_driver`.
//!
//! It wraps another driver and creates containers only of images that are on a list. All that stands on the contract
//! runs on it unchanged. A driver for a new engine implements the same methods, calls
//! [`ContainerSpec::validate`] first, and proves itself with the cases of `inline-conformance`.

use std::sync::Arc;

use async_trait::async_trait;
use inline::{
    Capabilities, Container, ContainerId, ContainerRuntime, ContainerRuntimeExt, ContainerSpec, Environment, Error,
    ErrorKind, ExecSpec, Image, ImageReference, Info, ListFilter, Process, PullOptions, PullStream, Result, Settings,
    Signal, Stats,
};

/// Lets only images of a list be run.
#[derive(Debug)]
struct AllowList {
    inner: Arc<dyn ContainerRuntime>,
    images: Vec<ImageReference>,
}

// Without default bodies in the trait a forgotten method does not compile.
#[async_trait]
impl ContainerRuntime for AllowList {
    fn driver(&self) -> &'static str {
        self.inner.driver()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn info(&self) -> Result<Info> {
        self.inner.info().await
    }

    async fn pull(&self, image: &ImageReference, options: PullOptions) -> Result<PullStream> {
        self.inner.pull(image, options).await
    }

    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>> {
        self.inner.image(reference).await
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        if !self.images.contains(&spec.image) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!("image `{}` is not on the list", spec.image),
            )
            .with_driver(self.driver())
            .with_operation("create"));
        }
        self.inner.create(spec).await
    }

    async fn start(&self, id: &ContainerId) -> Result<Process> {
        self.inner.start(id).await
    }

    async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process> {
        self.inner.exec(id, spec).await
    }

    async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()> {
        self.inner.kill(id, signal).await
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        self.inner.remove(id).await
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Container> {
        self.inner.inspect(id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>> {
        self.inner.list(filter).await
    }

    async fn stats(&self, id: &ContainerId) -> Result<Stats> {
        self.inner.stats(id).await
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut settings = Settings::load(None, &Environment::of_process(), &[])?;
    let allowed: ImageReference = "alpine:latest".parse()?;
    let inner = inline::connect(&settings.take()?).await?;
    settings.finish()?;
    let runtime: Arc<dyn ContainerRuntime> = Arc::new(AllowList {
        inner,
        images: vec![allowed.clone()],
    });

    let refused = ContainerSpec::new("python:3.11-slim".parse()?, "inline-custom-driver");
    if let Err(error) = runtime.create(&refused).await {
        eprintln!("{error}");
    }
    runtime.ensure_image(&allowed).await?;
    let spec = ContainerSpec::new(allowed, "inline-custom-driver").with_cmd(["echo", "allowed"]);
    let output = Arc::clone(&runtime).run(&spec, 1024).await?;
    eprint!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
