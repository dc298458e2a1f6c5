//! The configuration as an operator meets it: what wins, and what a mistake is answered with.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail by panic, as tests do"
)]

use std::io::Write;
use std::path::Path;

use inline::{DriverChoice, Environment, Error, ErrorKind, RuntimeConfig, Settings};

const NOTHING: [(&str, &str); 0] = [];

/// Loads the configuration of a program that has no other settings.
fn load_from(
    file: Option<&Path>,
    environment: &Environment,
    overrides: &[(&str, &str)],
) -> Result<RuntimeConfig, Error> {
    let mut settings = Settings::load(file, environment, overrides)?;
    let runtime = settings.take()?;
    settings.finish()?;
    Ok(runtime)
}

fn load(text: &str, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<RuntimeConfig, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load_from(Some(file.path()), &variables.iter().copied().collect(), overrides)
}

fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    let error = load(text, variables, &[]).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    error.to_string()
}

#[test]
fn nothing_set_is_auto() {
    let config = load_from(None, &NOTHING.into_iter().collect(), &[]).unwrap();
    assert_eq!(config.driver, DriverChoice::Auto);
}

#[test]
fn the_environment_goes_over_the_file_and_the_command_line_over_both() {
    let file = "driver = 'docker'\n[docker]\nhost = 'unix:///file.sock'";
    let from_file = load(file, &[], &[]).unwrap();
    assert_eq!(
        (from_file.driver, from_file.docker.host.as_deref()),
        (DriverChoice::Docker, Some("unix:///file.sock"))
    );

    let variables = [("INLINE_DRIVER", "podman"), ("DOCKER_HOST", "unix:///docker.sock")];
    let from_environment = load(file, &variables, &[]).unwrap();
    assert_eq!(from_environment.driver, DriverChoice::Podman);
    assert_eq!(from_environment.docker.host.as_deref(), Some("unix:///docker.sock"));

    let ours = [variables[0], variables[1], ("INLINE_DOCKER_HOST", "unix:///ours.sock")];
    let from_ours = load(file, &ours, &[("driver", "auto")]).unwrap();
    assert_eq!(
        (from_ours.driver, from_ours.docker.host.as_deref()),
        (DriverChoice::Auto, Some("unix:///ours.sock"))
    );
}

#[test]
fn an_empty_variable_is_unset() {
    let config = load("driver = 'docker'", &[("INLINE_DRIVER", ""), ("DOCKER_HOST", "")], &[]).unwrap();
    assert_eq!((config.driver, config.docker.host), (DriverChoice::Docker, None));
}

#[test]
fn a_key_that_nothing_reads_names_the_nearest() {
    assert!(refused("drivr = 'docker'", &[]).contains("unknown key `drivr`\nhint: did you mean `driver`?"));
    assert!(
        refused("[docker]\nhots = 'x'", &[]).contains("unknown key `docker.hots`\nhint: did you mean `docker.host`?")
    );
    assert!(refused("[zzz]\na = 1", &[]).contains("unknown key `zzz`\nhint: `inline.example.toml`"));
}

#[test]
fn a_variable_that_nothing_reads_names_the_nearest() {
    let told = refused("", &[("INLINE_DRVER", "docker")]);
    assert!(
        told.contains("unknown variable `INLINE_DRVER`\nhint: did you mean `INLINE_DRIVER`?"),
        "{told}"
    );
    assert!(load("", &[("INLINE_TEST_REGISTRY", "127.0.0.1:5000"), ("PATH", "/bin")], &[]).is_ok());
}

#[test]
fn values_that_do_not_fit_are_told_with_their_key() {
    for (text, part) in [
        ("driver = 'dokcer'", "dokcer"),
        ("driver = ''", "driver"),
        ("driver = 3", "driver"),
        ("[docker]\ncall_timeout = 'soon'", "`soon` is not a duration"),
        ("[podman]\nlimits = 'none'", "none"),
        ("driver = 'docker", "driver"),
    ] {
        let told = refused(text, &[]);
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn durations_are_text_or_seconds() {
    for text in ["call_timeout = '1m'", "call_timeout = 60", "call_timeout = '60.0'"] {
        let config = load(&format!("[docker]\n{text}"), &[], &[]).unwrap();
        assert_eq!(config.docker.call_timeout.as_secs(), 60, "{text}");
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let missing = Path::new("/nonexistent/inline.toml");
    for (file, variables) in [
        (Some(missing), vec![]),
        (None, vec![("INLINE_CONFIG", "/nonexistent/inline.toml")]),
    ] {
        let error = load_from(file, &variables.into_iter().collect(), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("/nonexistent/inline.toml"), "{error}");
    }
}

#[derive(Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
struct Part {
    echo_last_expression: bool,
    limits: Limits,
    languages: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
struct Limits {
    memory: u64,
}

#[test]
fn each_part_takes_its_own_and_nothing_is_left() {
    let take = |text: &str, variables: &[(&str, &str)], overrides: &[(&str, &str)]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut settings = Settings::load(Some(file.path()), &variables.iter().copied().collect(), overrides)?;
        let runtime: RuntimeConfig = settings.take()?;
        let part: Part = settings.take()?;
        let variable = settings.variable("IL_MEMORY");
        settings.finish()?;
        Ok::<_, Error>((runtime, part, variable))
    };
    let file = "driver = 'podman'\necho_last_expression = true\n[limits]\nmemory = 3\n[languages]\nruby = 'x'";
    let (runtime, part, variable) = take(file, &[("IL_MEMORY", "5")], &[]).unwrap();
    assert_eq!(
        (runtime.driver, part.limits.memory, part.languages["ruby"].as_str()),
        (DriverChoice::Podman, 3, "x")
    );
    assert_eq!((part.echo_last_expression, variable.as_deref()), (true, Some("5")));

    let overrides = [("limits.memory", "7"), ("echo_last_expression", "false")];
    let (_, part, variable) = take(file, &[("IL_MEMORY", "5")], &overrides).unwrap();
    assert_eq!(
        (part.limits.memory, part.echo_last_expression, variable),
        (7, false, None)
    );

    for (file, told) in [
        ("echo_last_expresion = true", "did you mean `echo_last_expression`?"),
        ("[limits]\nmemry = 3", "did you mean `limits.memory`?"),
        ("[limits]\nmemory = 'much'", "the value of `limits.memory` does not fit"),
    ] {
        let error = take(file, &[], &[]).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn one_file_serves_all_programs() {
    load("driver = 'podman'\n[mcp]\nhttp = 'x'\n[discord]\nx = 1", &[], &[]).unwrap();
    assert!(refused("[discort]\nx = 1", &[]).contains("did you mean `discord`?"));
}
