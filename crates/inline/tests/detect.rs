//! Detection where no engine answers.

use inline::{DriverChoice, ErrorKind, RuntimeConfig};

/// Engines that are not there, and no binary that could start one.
fn nowhere() -> RuntimeConfig {
    let mut config = RuntimeConfig::default();
    config.docker.host = Some("unix:///nonexistent/docker.sock".to_owned());
    config.podman.host = Some("unix:///nonexistent/podman.sock".to_owned());
    config
}

#[tokio::test]
async fn auto_tells_each_attempt_and_how_to_get_an_engine() {
    let error = inline::detect(&nowhere()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = error.to_string();
    for part in [
        "tried docker",
        "/nonexistent/docker.sock",
        "tried podman",
        "/nonexistent/podman.sock",
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
