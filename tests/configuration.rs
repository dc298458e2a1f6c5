//! The example shows all that can be set, and what the parts of the program call the same is the same.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::path::Path;

use inline::{Environment, RuntimeConfig, Settings};
use inline_discord::DiscordSettings;
use inline_mcp::McpSettings;
use inline_sandbox::SandboxConfig;
use serde_json::Value;

const EXAMPLE: &str = include_str!("../inline.example.toml");
const README: &str = include_str!("../README.md");

/// Loads the parts that a program with sandboxes has.
fn load(file: Option<&Path>) -> (RuntimeConfig, SandboxConfig, DiscordSettings, McpSettings) {
    let mut settings = Settings::load(file, &Environment::default(), &[]).unwrap();
    let parts = (
        settings.take().unwrap(),
        settings.take().unwrap(),
        settings.take().unwrap(),
        settings.take().unwrap(),
    );
    settings.finish().unwrap();
    parts
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inline.example.toml");
    let (runtime, sandbox, discord, mcp) = load(Some(&path));
    let (default_runtime, default_sandbox) = (RuntimeConfig::default(), SandboxConfig::default());
    let value = |runtime| serde_json::to_value(runtime).unwrap();
    assert_eq!(
        value(&runtime),
        value(&default_runtime),
        "the example's values are the defaults"
    );
    assert_eq!(sandbox, default_sandbox, "the example's values are the defaults");
    assert_eq!(
        discord,
        DiscordSettings::default(),
        "the example's values are the defaults"
    );
    assert_eq!(mcp, McpSettings::default(), "the example's values are the defaults");
    let known = [
        value(&default_runtime),
        serde_json::to_value(&default_sandbox).unwrap(),
        serde_json::to_value(&discord).unwrap(),
        serde_json::to_value(&mcp).unwrap(),
    ];
    for (key, value) in known.iter().flat_map(|known| known.as_object().unwrap()) {
        let shown = match value {
            Value::Object(_) => format!("[{key}]"),
            _ => format!("{key} = "),
        };
        assert!(EXAMPLE.contains(&shown), "`{shown}` is not in the example");
        let in_readme = README.contains(&format!("`{key}`")) || README.contains(&format!("| `{key}."));
        assert!(in_readme, "`{key}` is not in the README");
        for inner in value.as_object().into_iter().flatten().map(|(inner, _)| inner) {
            assert!(
                EXAMPLE.contains(&format!("{inner} = ")),
                "`{key}.{inner}` is not in the example"
            );
            assert!(
                README.contains(&format!("`{key}.{inner}`")),
                "`{key}.{inner}` is not in the README"
            );
        }
    }
}

#[test]
fn variables_have_one_name_in_all_parts() {
    use inline::env as front;
    use inline_sandbox::config::env as sandbox;
    for (ours, theirs) in [
        (front::SANDBOX_IMAGE, sandbox::SANDBOX_IMAGE),
        (front::SANDBOX_PULL_ON_STARTUP, sandbox::SANDBOX_PULL_ON_STARTUP),
        (front::IL_BASE_DIR, sandbox::IL_BASE_DIR),
        (front::IL_TIMEOUT_SECONDS, sandbox::IL_TIMEOUT_SECONDS),
        (front::IL_MEMORY, sandbox::IL_MEMORY),
        (front::IL_CPUS, sandbox::IL_CPUS),
        (front::IL_RETENTION_SECONDS, sandbox::IL_RETENTION_SECONDS),
        (front::ECHO_LAST_EXPR, sandbox::ECHO_LAST_EXPR),
        (front::XDG_DATA_HOME, sandbox::XDG_DATA_HOME),
        (front::HOME, sandbox::HOME),
    ] {
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_command_line_goes_before_the_variables_of_the_sandbox() {
    let environment: Environment = [("IL_MEMORY", "64m"), ("IL_CPUS", "0.5")].into_iter().collect();
    let mut settings = Settings::load(None, &environment, &[("limits.memory", "32m")]).unwrap();
    let config: SandboxConfig = settings.take().unwrap();
    let config = config.with_env(|name| settings.variable(name)).unwrap();
    assert_eq!((config.limits.memory, config.limits.nano_cpus), (32 << 20, 500_000_000));
}
