//! What an operator can set of the bot.

mod rule;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use rule::{Access, Rule};

/// File names that machines of readers could take for a program to be started.
const BLOCKED_EXTENSIONS: [&str; 18] = [
    "apk", "app", "bat", "cmd", "com", "cpl", "dll", "exe", "hta", "iso", "jar", "lnk", "msi", "pif", "ps1", "scr",
    "vbs", "wsf",
];

/// Holds the keys below `discord` in the configuration file.
///
/// Everything but [`http`](Self::http) and [`register`](Self::register) takes effect while the bot runs when the file
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DiscordConfig {
    /// The address of metrics and health; `None`, which is `"off"` in a file, serves none. Default `127.0.0.1:9464`.
    #[serde(with = "address")]
    pub http: Option<SocketAddr>,
    /// Where commands are registered at start. Default global.
    pub register: Register,
    /// Whether the bot answers messages that mention it and have code in them. Default `true`.
    pub mentions: bool,
    /// The endings of file names that are never attached, in lower case and without the dot.
    pub blocked_extensions: Vec<String>,
    /// What holds for everybody.
    pub policy: Rule,
    /// What holds in a guild, by its id.
    pub guilds: BTreeMap<String, Rule>,
    /// What holds in a channel and its threads, or in the channels of a category, by its id.
    pub channels: BTreeMap<String, Rule>,
    /// What holds for those who have a role, by its id.
    pub roles: BTreeMap<String, Rule>,
    /// What holds for a user, by the user's id.
    pub users: BTreeMap<String, Rule>,
}

/// Reads and writes an address, or that there is none.
mod address {
    use std::net::SocketAddr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    const OFF: &str = "off";

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == OFF {
            return Ok(None);
        }
        let refused = |_| {
            de::Error::custom(format_args!(
                "`{}` is no address such as `127.0.0.1:9464`, nor `off`",
                text.escape_debug()
            ))
        };
        text.parse().map(Some).map_err(refused)
    }

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(address: &Option<SocketAddr>, serializer: S) -> Result<S::Ok, S::Error> {
        match address {
            Some(address) => serializer.collect_str(address),
            None => serializer.serialize_str(OFF),
        }
    }
}

/// Is what a configuration file has of the bot: one table of this name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DiscordSettings {
    /// The table.
    pub discord: DiscordConfig,
}

/// Says where commands are registered at start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Register {
    /// Everywhere that the bot is installed, also by users.
    #[default]
    Global,
    /// In each guild that the bot is in, where a change is seen at once, and nowhere else.
    Guild,
    /// Nowhere: what is registered stays.
    None,
}

impl Register {
    /// Holds every choice.
    pub const ALL: [Self; 3] = [Self::Global, Self::Guild, Self::None];

    /// Returns the word that configuration uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Guild => "guild",
            Self::None => "none",
        }
    }
}

impl Default for DiscordConfig {
    fn default() -> Self {
        Self {
            http: Some(SocketAddr::from(([127, 0, 0, 1], 9464))),
            register: Register::default(),
            mentions: true,
            blocked_extensions: BLOCKED_EXTENSIONS.map(ToOwned::to_owned).to_vec(),
            policy: Rule::default(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
        }
    }
}

impl DiscordConfig {
    /// Checks that all values make sense.
    ///
    /// # Errors
    ///
    /// - The key of the first that does not, and why.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        self.policy.validate("policy")?;
        for (table, rules) in [
            ("guilds", &self.guilds),
            ("channels", &self.channels),
            ("roles", &self.roles),
            ("users", &self.users),
        ] {
            for (id, rule) in rules {
                let key = format!("{table}.{id}");
                if !is_id(id) {
                    return Err(InvalidConfig::new(
                        &key,
                        "it is not the id of anything: ids are numbers",
                    ));
                }
                rule.validate(&key)?;
            }
        }
        let is_extension = |text: &String| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        match self.blocked_extensions.iter().find(|text| !is_extension(text)) {
            Some(_) => Err(InvalidConfig::new(
                "blocked_extensions",
                "an ending is lower-case letters and digits, without the dot",
            )),
            None => Ok(()),
        }
    }

    /// Checks that all languages that are named are among `known`: one that is misspelt would forbid the one that is meant.
    pub(crate) fn check_languages(&self, known: &[String]) -> Result<(), InvalidConfig> {
        let tables = [
            ("guilds", &self.guilds),
            ("channels", &self.channels),
            ("roles", &self.roles),
            ("users", &self.users),
        ];
        let rules = tables
            .into_iter()
            .flat_map(|(table, rules)| rules.iter().map(move |(id, rule)| (format!("{table}.{id}"), rule)));
        for (key, rule) in rules.chain([("policy".to_owned(), &self.policy)]) {
            let mut named = rule.languages.iter().flatten();
            if let Some(unknown) = named.find(|name| !known.contains(name)) {
                let why = format!(
                    "`{}` is no language here; there are: `{}`",
                    unknown.escape_debug(),
                    known.join("`, `")
                );
                return Err(InvalidConfig::new(&format!("{key}.languages"), why));
            }
        }
        Ok(())
    }
}

/// Returns whether `text` is an id as Discord writes it: what is written otherwise would never be found.
fn is_id(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|id| id > 0 && id.to_string() == text)
}

/// Says which key of the bot's configuration makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("configuration `discord.{key}`: {why}")]
pub struct InvalidConfig {
    key: String,
    why: String,
}

impl InvalidConfig {
    fn new(key: &str, why: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            why: why.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(DiscordConfig::default().validate(), Ok(()));
    }

    #[test]
    fn the_port_can_be_off() {
        let http = |text: &str| {
            serde_json::from_str::<DiscordConfig>(text)
                .map(|config| config.http)
                .ok()
        };
        assert_eq!(http(r#"{"http": "off"}"#), Some(None));
        assert_eq!(
            http(r#"{"http": "0.0.0.0:1"}"#),
            Some(Some(SocketAddr::from(([0, 0, 0, 0], 1))))
        );
        assert_eq!(http(r#"{"http": "localhost"}"#), None);
    }

    #[test]
    fn a_language_that_is_misspelt_is_named() {
        let config = |text: &str| serde_json::from_str::<DiscordConfig>(text).unwrap();
        let known = ["node".to_owned(), "python".to_owned()];
        let right = config(r#"{"policy": {"languages": ["node"]}, "users": {"1": {"languages": []}}}"#);
        assert_eq!(right.check_languages(&known), Ok(()));
        let wrong = config(r#"{"roles": {"7": {"languages": ["python", "py"]}}}"#);
        let error = wrong.check_languages(&known).unwrap_err().to_string();
        assert_eq!(
            error,
            "configuration `discord.roles.7.languages`: `py` is no language here; there are: `node`, `python`"
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let with = |text: &str| serde_json::from_str::<DiscordConfig>(text).unwrap().validate();
        for (text, key) in [
            (r#"{"guilds": {"abc": {}}}"#, "guilds.abc"),
            (r#"{"users": {"007": {}}}"#, "users.007"),
            (r#"{"users": {"0": {}}}"#, "users.0"),
            (r#"{"users": {"1": {"audit_channel": "x"}}}"#, "users.1.audit_channel"),
            (r#"{"policy": {"memory": 0}}"#, "policy"),
            (r#"{"blocked_extensions": [".exe"]}"#, "blocked_extensions"),
        ] {
            let error = with(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`discord.{key}")), "{error}");
        }
        assert!(serde_json::from_str::<DiscordConfig>(r#"{"guilds": {"1": {"langauges": []}}}"#).is_err());
    }
}
