//! The config of an image, as far as it concerns programs.

use serde::Deserialize;

use crate::store::image::ImageConfig;

/// Takes the config out of the file that a registry gives.
pub(super) fn parse(text: &[u8]) -> serde_json::Result<ImageConfig> {
    let file: ImageFile = serde_json::from_slice(text)?;
    Ok(file.config.unwrap_or_default().into())
}

#[derive(Deserialize)]
struct ImageFile {
    config: Option<ProgramConfig>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProgramConfig {
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
}

impl From<ProgramConfig> for ImageConfig {
    fn from(config: ProgramConfig) -> Self {
        let text = |value: Option<String>| value.filter(|value| !value.is_empty());
        Self {
            env: config.env.unwrap_or_default(),
            entrypoint: config.entrypoint.unwrap_or_default(),
            cmd: config.cmd.unwrap_or_default(),
            working_dir: text(config.working_dir),
            user: text(config.user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_or_missing_says_nothing() {
        for text in [
            "{}",
            r#"{"config": null}"#,
            r#"{"config": {"Env": null, "User": "", "WorkingDir": ""}}"#,
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap(), ImageConfig::default(), "{text}");
        }
        let text =
            r#"{"config": {"Env": ["A=b"], "Entrypoint": ["/e"], "Cmd": ["c"], "WorkingDir": "/w", "User": "1:2"}}"#;
        let config = parse(text.as_bytes()).unwrap();
        assert_eq!(
            (config.env, config.entrypoint, config.cmd),
            (vec!["A=b".into()], vec!["/e".into()], vec!["c".into()])
        );
        assert_eq!(
            (config.working_dir.as_deref(), config.user.as_deref()),
            (Some("/w"), Some("1:2"))
        );
        assert!(parse(b"[]").is_err());
    }
}
