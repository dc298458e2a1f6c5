//! Detection where no engine answers.

use inline::embedded::EmbeddedConfig;
use inline::{DriverChoice, ErrorKind, RuntimeConfig};

/// Engines that are not there, and no binary that could start one.
fn nowhere() -> RuntimeConfig {
    let mut config = RuntimeConfig::default();
    config.docker.host = Some("unix:///nonexistent/docker.sock".to_owned());
    config.podman.host = Some("unix:///nonexistent/podman.sock".to_owned());
    config
}

/// Neither engines, nor what the driver without one is told to use.
fn nothing() -> RuntimeConfig {
    let mut config = nowhere();
    config.embedded = EmbeddedConfig::default().with_image("alpine", "/nonexistent/alpine");
    config
}

#[tokio::test]
async fn auto_tells_each_attempt_and_how_to_get_an_engine() {
    let error = inline::detect(&nothing()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = error.to_string();
    for part in [
        "tried docker",
        "/nonexistent/docker.sock",
        "tried podman",
        "/nonexistent/podman.sock",
        "tried embedded",
        "/nonexistent/alpine",
        "apt-get install",
    ] {
        assert!(told.contains(part), "`{part}` is not in {told}");
    }
}

#[tokio::test]
async fn a_named_driver_fails_with_its_own_reason() {
    for (driver, part) in [
        (DriverChoice::Docker, "docker.sock"),
        (DriverChoice::Podman, "podman.sock"),
    ] {
        let mut config = nowhere();
        config.driver = driver;
        let error = inline::connect(&config).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.driver()),
            (ErrorKind::Unavailable, Some(driver.name())),
            "{error}"
        );
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn auto_does_without_an_engine_and_says_what_that_means() {
    let detection = inline::detect(&nowhere()).await.unwrap();
    assert_eq!(detection.runtime.driver(), "embedded");
    let told = detection.to_string();
    for part in ["no engine", "image `host`", "docker: ", "podman: "] {
        assert!(told.contains(part), "`{part}` is not in {told}");
    }
    assert!(!told.contains('\n'), "{told}");
}
