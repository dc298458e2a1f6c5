//! Finds an engine that answers and says what was tried.

use std::fmt;
use std::sync::Arc;

use inline_runtime::{ContainerRuntime, Error, ErrorKind, Result};
use tracing::info;

use crate::{DriverChoice, RuntimeConfig};

/// The drivers that `auto` tries, in their order.
const AUTO: [DriverChoice; 3] = [DriverChoice::Docker, DriverChoice::Podman, DriverChoice::Embedded];
/// What it means that no engine answered.
const NO_ENGINE: &str = "no engine, so programs run in namespaces that this process makes, on what is installed on this machine \
                         (image `host`)";

/// Tells how an engine was found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Detection {
    /// The engine that answered.
    pub runtime: Arc<dyn ContainerRuntime>,
    /// Those that were tried before it and did not answer, with the reason.
    pub tried: Vec<Attempt>,
    /// Whether the driver was named in the configuration, and not found by `auto`.
    pub named: bool,
}

/// A driver that was tried and did not answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The driver.
    pub driver: DriverChoice,
    /// Why it cannot be used.
    pub error: Error,
}

/// Connects to the engine that the configuration chooses, and logs which it is and why.
///
/// # Errors
///
/// - As [`detect`].
///
/// # Cancellation
///
/// Dropping the future leaves nothing behind.
pub async fn connect(config: &RuntimeConfig) -> Result<Arc<dyn ContainerRuntime>> {
    let detection = detect(config).await?;
    info!("{detection}");
    Ok(detection.runtime)
}

/// Connects to the engine that the configuration chooses, and tells what was tried.
///
/// `auto` takes the first that answers: Docker, then Podman. Where there is a `podman` binary and no socket, the Podman
/// driver starts a service of its own. Where neither answers, the embedded driver does without an engine.
///
/// # Errors
///
/// - [`ErrorKind::Unavailable`] if `auto` finds no engine: each attempt is told with its reason, and how to get one.
/// - [`ErrorKind::InvalidConfig`] if the named driver is not compiled in.
/// - What the named driver fails with: [`ErrorKind::Unavailable`], [`ErrorKind::PermissionDenied`] …
pub async fn detect(config: &RuntimeConfig) -> Result<Detection> {
    if config.driver != DriverChoice::Auto {
        let runtime = connect_to(config.driver, config).await?;
        return Ok(Detection {
            runtime,
            tried: Vec::new(),
            named: true,
        });
    }
    let mut tried = Vec::new();
    for driver in AUTO {
        match connect_to(driver, config).await {
            Ok(runtime) => {
                return Ok(Detection {
                    runtime,
                    tried,
                    named: false,
                });
            }
            Err(error) => tried.push(Attempt { driver, error }),
        }
    }
    Err(nothing_answers(&tried))
}

#[cfg_attr(
    not(any(feature = "docker", feature = "podman", feature = "embedded")),
    expect(
        unused_variables,
        clippy::unused_async,
        reason = "a build without drivers connects to none"
    )
)]
async fn connect_to(driver: DriverChoice, config: &RuntimeConfig) -> Result<Arc<dyn ContainerRuntime>> {
    match driver {
        #[cfg(feature = "docker")]
        DriverChoice::Docker => Ok(Arc::new(inline_docker::DockerRuntime::connect(&config.docker).await?)),
        #[cfg(feature = "podman")]
        DriverChoice::Podman => Ok(Arc::new(inline_podman::PodmanRuntime::connect(&config.podman).await?)),
        #[cfg(feature = "embedded")]
        DriverChoice::Embedded => Ok(Arc::new(
            inline_embedded::EmbeddedRuntime::connect(&config.embedded).await?,
        )),
        other => Err(not_compiled_in(other)),
    }
}

fn not_compiled_in(driver: DriverChoice) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("driver `{driver}` is not in this build"),
    )
    .with_hint(format!("build with the feature `{driver}`, or choose another driver"))
}

fn nothing_answers(tried: &[Attempt]) -> Error {
    let attempts = tried.iter().map(|attempt| {
        let hint = attempt
            .error
            .hint()
            .map(|hint| format!("\n    hint: {hint}"))
            .unwrap_or_default();
        format!("\n  tried {}: {}{hint}", attempt.driver, attempt.error.message())
    });
    let message = format!("no container engine answers{}", attempts.collect::<String>());
    Error::new(ErrorKind::Unavailable, message).with_operation("detect").with_hint(
        "install an engine: `apt-get install podman uidmap` (rootless, no daemon needed) or `apt-get install docker.io`; or name \
         one that runs elsewhere with `DOCKER_HOST` or `CONTAINER_HOST`",
    )
}

impl fmt::Display for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.named {
            "as configured"
        } else {
            "the first that answers"
        };
        write!(f, "driver `{}`, {why}", self.runtime.driver())?;
        if self.runtime.driver() == DriverChoice::Embedded.name() {
            write!(f, ": {NO_ENGINE}")?;
        }
        for attempt in &self.tried {
            write!(f, "; {}: {}", attempt.driver, attempt.error.message())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_is_not_compiled_in_names_its_feature() {
        let error = not_compiled_in(DriverChoice::Podman);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("the feature `podman`"), "{error}");
    }

    #[test]
    fn each_attempt_is_told_with_its_cure() {
        let error = nothing_answers(&[
            Attempt {
                driver: DriverChoice::Docker,
                error: Error::new(ErrorKind::Unavailable, "no socket").with_hint("start it"),
            },
            Attempt {
                driver: DriverChoice::Podman,
                error: Error::new(ErrorKind::PermissionDenied, "no subuid"),
            },
        ]);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = error.to_string();
        for part in [
            "tried docker: no socket",
            "hint: start it",
            "tried podman: no subuid",
            "apt-get install podman",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
    }
}
