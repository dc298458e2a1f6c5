use std::collections::HashMap;
use std::time::Duration;

use super::*;

fn from_json(text: &str) -> Result<SandboxConfig, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn from_env(variables: &[(&str, &str)]) -> Result<SandboxConfig> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    SandboxConfig::default().with_env(|name| variables.get(name).map(|&value| value.to_owned()))
}

#[test]
fn the_default_is_valid_and_is_what_is_promised() {
    let config = SandboxConfig::default();
    config.validate().unwrap();
    assert_eq!(config.limits.timeout, Duration::from_secs(30));
    assert_eq!(config.limits.max_timeout, Duration::from_mins(2));
    assert_eq!((config.limits.memory, config.limits.pids_limit), (256 << 20, 64));
    assert_eq!(
        (config.limits.output_kept, config.limits.output_max),
        (1 << 20, 16 << 20)
    );
    assert_eq!((config.artifacts.files, config.artifacts.file_bytes), (50, 25 << 20));
    assert_eq!(config.retention, Retention::After(Duration::from_hours(7 * 24)));
    assert_eq!(
        config.languages().unwrap().keys().collect::<Vec<_>>(),
        ["bash", "node", "python"]
    );
    assert_eq!(from_json("{}").unwrap(), config);
}

#[test]
fn what_is_written_is_read_back() {
    let text = serde_json::to_string(&SandboxConfig::default()).unwrap();
    assert_eq!(from_json(&text).unwrap(), SandboxConfig::default());
}

#[test]
fn an_unknown_key_is_an_error_at_every_level() {
    for text in [
        r#"{"timeout": 3}"#,
        r#"{"limits": {"mem": 3}}"#,
        r#"{"artifacts": {"count": 3}}"#,
        r#"{"admission": {"max": 3}}"#,
        r#"{"admission": {"rate_limit": {"burst": 3}}}"#,
        r#"{"warm": {"size": 3}}"#,
        r#"{"packages": {"index": ""}}"#,
        r#"{"audit": {"source": true}}"#,
        r#"{"languages": {"ruby": {"cmd": []}}}"#,
    ] {
        assert!(from_json(text).unwrap_err().contains("unknown field"), "{text}");
    }
}

#[test]
fn people_write_sizes_times_and_words() {
    let config = from_json(
        r#"{"retention": "never", "limits": {"memory": "1g", "cpus": 0.5, "timeout": "1m"},
            "admission": {"daily_cpu": "unlimited", "rate_limit": {"runs": 3, "period": "1h"}},
            "audit": {"retention": 3600}}"#,
    )
    .unwrap();
    assert_eq!(config.retention, Retention::Never);
    assert_eq!(config.audit.retention, Retention::After(Duration::from_hours(1)));
    assert_eq!((config.limits.memory, config.limits.nano_cpus), (1 << 30, 500_000_000));
    assert_eq!(config.limits.timeout, Duration::from_mins(1));
    assert_eq!(config.admission.daily_cpu, None);
    for nonsense in [
        r#"{"retention": 0}"#,
        r#"{"retention": "soon"}"#,
        r#"{"limits": {"cpus": -1}}"#,
        r#"{"limits": {"cpus": "1e3"}}"#,
        r#"{"admission": {"max_running": 0}}"#,
        r#"{"admission": {"rate_limit": {"runs": 0}}}"#,
    ] {
        assert!(from_json(nonsense).is_err(), "{nonsense}");
    }
}

#[test]
fn the_names_of_older_deployments_work() {
    let config = from_env(&[
        ("SANDBOX_IMAGE", "my/python:1"),
        ("SANDBOX_PULL_ON_STARTUP", "0"),
        ("IL_BASE_DIR", "/srv/il"),
        ("IL_TIMEOUT_SECONDS", "200"),
        ("IL_MEMORY", "512m"),
        ("IL_CPUS", "1.5"),
        ("IL_RETENTION_SECONDS", "86400"),
        ("ECHO_LAST_EXPR", "TRUE"),
    ])
    .unwrap();
    config.validate().unwrap();
    assert_eq!(
        config.languages().unwrap()["python"].image.to_string(),
        "docker.io/my/python:1"
    );
    assert_eq!(config.languages().unwrap()["python"].file_name, "main.py");
    assert!(!config.pull_on_startup && config.echo_last_expression);
    assert_eq!(config.base_dir, Some("/srv/il".into()));
    assert_eq!(config.limits.timeout, Duration::from_secs(200));
    assert_eq!(
        (config.limits.memory, config.limits.nano_cpus),
        (512 << 20, 1_500_000_000)
    );
    assert_eq!(config.retention, Retention::After(Duration::from_hours(24)));
}

#[test]
fn nonsense_in_the_environment_is_refused_by_name() {
    for (name, value) in [
        ("SANDBOX_IMAGE", "UPPER CASE"),
        ("SANDBOX_PULL_ON_STARTUP", "maybe"),
        ("IL_TIMEOUT_SECONDS", "soon"),
        ("IL_MEMORY", "lots"),
        ("IL_CPUS", "-1"),
        ("IL_RETENTION_SECONDS", "0"),
        ("ECHO_LAST_EXPR", "2"),
    ] {
        match from_env(&[(name, value)]) {
            Err(SandboxError::InvalidConfig { key, .. }) => assert_eq!(key, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_base_directory_is_the_users() {
    let of = |variables: &[(&str, &str)]| from_env(variables).unwrap().base_dir.unwrap();
    assert_eq!(
        of(&[("XDG_DATA_HOME", "/d"), ("HOME", "/h")]),
        PathBuf::from("/d/inline")
    );
    assert_eq!(
        of(&[("XDG_DATA_HOME", "relative"), ("HOME", "/h")]),
        PathBuf::from("/h/.local/share/inline")
    );
    assert_eq!(of(&[("IL_BASE_DIR", "")]), PathBuf::from("/var/lib/inline"));
    let here = std::env::current_dir().unwrap();
    assert_eq!(of(&[("IL_BASE_DIR", "./il_sandboxes")]), here.join("il_sandboxes"));
}

#[test]
fn a_language_is_data() {
    let config = from_json(
        r#"{"languages": {
            "ruby": {"image": "ruby:3", "command": ["ruby", "-W0"], "file_name": "main.rb", "aliases": ["rb"]},
            "c": {"image": "gcc:14", "command": ["sh", "-c", "gcc {file} -o /tmp/a && /tmp/a"], "file_name": "main.c"},
            "node": {"image": "node:22-slim"}, "bash": {"enabled": false}}}"#,
    )
    .unwrap();
    config.validate().unwrap();
    let languages = config.languages().unwrap();
    assert_eq!(languages.keys().collect::<Vec<_>>(), ["c", "node", "python", "ruby"]);
    assert_eq!(
        languages["ruby"].command_for("/p/main.rb"),
        ["ruby", "-W0", "/p/main.rb"]
    );
    assert_eq!(languages["c"].command_for("/m.c")[2], "gcc /m.c -o /tmp/a && /tmp/a");
    assert_eq!(languages["node"].image.tag(), Some("22-slim"));
    assert!(languages["node"].answers_to("js") && !languages["node"].answers_to("py"));
}

#[test]
fn a_language_that_cannot_work_is_refused_by_key() {
    for (key, text) in [
        ("languages.x.image", r#"{"command": ["x"], "file_name": "x"}"#),
        ("languages.x.command", r#"{"image": "x", "file_name": "x"}"#),
        (
            "languages.x.command",
            r#"{"image": "x", "command": [], "file_name": "x"}"#,
        ),
        (
            "languages.x.file_name",
            r#"{"image": "x", "command": ["x"], "file_name": "../x"}"#,
        ),
        (
            "languages.x.file_name",
            r#"{"image": "x", "command": ["x"], "file_name": "-x"}"#,
        ),
        (
            "languages.x.aliases",
            r#"{"image": "x", "command": ["x"], "file_name": "x", "aliases": ["py"]}"#,
        ),
    ] {
        let config = from_json(&format!(r#"{{"languages": {{"x": {text}}}}}"#)).unwrap();
        match config.validate() {
            Err(SandboxError::InvalidConfig { key: named, .. }) => assert_eq!(named, key),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn passwords_are_never_printed() {
    let text =
        r#"{"packages": {"pip_index_url": "https://u:pa/ss@host/simple?token=abc", "proxy": "http://a:b@p:3128"}}"#;
    let config = from_json(text).unwrap();
    config.validate().unwrap();
    for shown in [format!("{config:?}"), serde_json::to_string(&config).unwrap()] {
        assert!(shown.contains("https://***@host/simple?***"), "{shown}");
        assert!(
            !shown.contains("pa/ss") && !shown.contains("abc") && !shown.contains("a:b"),
            "{shown}"
        );
    }
    assert_eq!(config.packages.proxy.unwrap().expose(), "http://a:b@p:3128");
}

#[test]
fn only_listed_images_may_be_chosen() {
    let config = from_json(r#"{"allowed_images": ["python:3.13"]}"#).unwrap();
    assert!(config.allows_image(&"docker.io/library/python:3.13".parse().unwrap()));
    assert!(!config.allows_image(&"python:3.12".parse().unwrap()));
}

#[test]
fn what_cannot_be_is_refused_by_key() {
    for (key, text) in [
        ("uid", r#"{"uid": 0}"#),
        ("base_dir", r#"{"base_dir": "here"}"#),
        ("limits.memory", r#"{"limits": {"memory": 0}}"#),
        ("admission.queue_timeout", r#"{"admission": {"queue_timeout": 0}}"#),
        (
            "admission.rate_limit.period",
            r#"{"admission": {"rate_limit": {"period": 0}}}"#,
        ),
        ("packages.proxy", r#"{"packages": {"proxy": "ftp://x"}}"#),
        ("packages.ca_bundle", r#"{"packages": {"ca_bundle": "ca.pem"}}"#),
        ("packages.timeout", r#"{"packages": {"timeout": 0}}"#),
    ] {
        match from_json(text).unwrap().validate() {
            Err(SandboxError::InvalidConfig { key: named, .. }) => assert_eq!(named, key),
            other => panic!("{text}: {other:?}"),
        }
    }
}
