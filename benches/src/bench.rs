//! What all figures of one driver are measured with.

use std::sync::Arc;
use std::time::Duration;

use inline::{
    ContainerRuntime, ContainerRuntimeExt, DriverChoice, Environment, ImageReference, ListFilter, Result,
    RuntimeConfig, Settings,
};

/// A driver that answers, with the images that it is measured with.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) runtime: Arc<dyn ContainerRuntime>,
    pub(crate) config: RuntimeConfig,
    /// Holds `echo` and `sleep`; for what is not about a language.
    pub(crate) image: ImageReference,
    /// Holds `python3`.
    pub(crate) python: ImageReference,
    /// The label of all that is made here.
    pub(crate) instance: String,
    /// How many samples of each contestant are taken.
    pub(crate) samples: usize,
    pub(crate) quick: bool,
}

/// What the command line says of every driver alike.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) image: Option<ImageReference>,
    pub(crate) python: Option<ImageReference>,
    pub(crate) instance: String,
    pub(crate) quick: bool,
}

const SAMPLES: usize = 60;
const QUICK_SAMPLES: usize = 5;
/// How often in a row an engine must show nothing of ours before it is believed, and what is between.
const QUIET_LISTINGS: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// What the embedded driver calls this machine's own programs.
const HOST_IMAGE: &str = "host";
/// Where the tests' images are, if those are here.
const TEST_REGISTRY: &str = "INLINE_TEST_REGISTRY";

impl Bench {
    /// Connects to the engine and brings its images.
    ///
    /// # Errors
    ///
    /// - As [`inline::connect`] and [`ContainerRuntimeExt::ensure_image`].
    pub(crate) async fn connect(driver: DriverChoice, choices: &Choices) -> Result<Self> {
        let overrides = [("driver", driver.name())];
        let mut settings = Settings::load(None, &Environment::of_process(), &overrides)?;
        let config = settings.take()?;
        settings.finish()?;
        let runtime = inline::connect(&config).await?;
        let image = |chosen: &Option<ImageReference>, default: &str| match (chosen, runtime.driver()) {
            (Some(image), _) => Ok(image.clone()),
            (None, "embedded") => HOST_IMAGE.parse(),
            (None, _) => match std::env::var(TEST_REGISTRY) {
                Ok(registry) if !registry.is_empty() => format!("{registry}/{default}").parse(),
                _ => default.parse(),
            },
        };
        let bench = Self {
            image: image(&choices.image, "alpine:latest")?,
            python: image(&choices.python, "python:3.11-slim")?,
            instance: choices.instance.clone(),
            samples: if choices.quick { QUICK_SAMPLES } else { SAMPLES },
            quick: choices.quick,
            runtime,
            config,
        };
        bench.runtime.ensure_image(&bench.image).await?;
        bench.runtime.ensure_image(&bench.python).await?;
        Ok(bench)
    }

    pub(crate) fn driver(&self) -> &'static str {
        self.runtime.driver()
    }

    /// Removes what an interrupted figure has left, until nothing more comes: an engine finishes what it was asked for also
    /// when nobody waits for that.
    ///
    /// # Errors
    ///
    /// - As [`ContainerRuntime::list`] and [`ContainerRuntime::remove`].
    pub(crate) async fn sweep(&self) -> Result<()> {
        let mut quiet = 0;
        while quiet < QUIET_LISTINGS {
            let left = self.runtime.list(&ListFilter::instance(&self.instance)).await?;
            quiet = if left.is_empty() { quiet + 1 } else { 0 };
            for left in left {
                self.runtime.remove(&left.id).await?;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
