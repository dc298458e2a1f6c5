//! The settings: a file, the environment over it, the command line over both; each part of the program takes its own.

use std::path::Path;

use config::{File, FileFormat};
use inline_runtime::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tracing::warn;

use crate::env::{self, Environment};
use crate::keys;

/// The file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "inline.toml";
/// A configuration file is not larger than this, so that a wrong path cannot fill the memory.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The tables of programs that another may share its file with: each of them checks its own.
const OF_OTHERS: [&str; 2] = ["discord", "mcp"];

/// Holds what was set and nobody has taken yet.
///
/// Each part of a program takes the keys of its own type, and [`finish`](Self::finish) refuses what is left, so that no
/// typing error is ever silent.
///
/// ```
/// use inline::{Environment, RuntimeConfig, Settings};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// #[serde(default)]
/// struct Greeting {
///     greeting: String,
/// }
///
/// let mut settings = Settings::load(None, &Environment::default(), &[("greeting", "hello")])?;
/// let runtime: RuntimeConfig = settings.take()?;
/// let greeting: Greeting = settings.take()?;
/// settings.finish()?;
/// assert_eq!(greeting.greeting, "hello");
/// # Ok::<(), inline::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    place: String,
    left: Map<String, Value>,
    known: Vec<String>,
    environment: Environment,
    overridden: Vec<String>,
}

impl Settings {
    /// Reads what is set: the file, `environment` over it, `overrides` over both.
    ///
    /// The file is `file`, else the one that `INLINE_CONFIG` names, else `inline.toml` in the current directory if it is
    /// there. `overrides` are dotted keys with their values, from a command line: `("driver", "podman")`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] if the file cannot be read, or an `INLINE_*` variable is unknown.
    pub fn load(file: Option<&Path>, environment: &Environment, overrides: &[(&str, &str)]) -> Result<Self> {
        if let Some((name, near)) = environment.unknown() {
            return Err(unknown("the environment", "variable", name, near));
        }
        if environment.get(env::DOCKER_BINARY).is_some() {
            warn!(
                "`{}` has no effect: the engine's API is used, not its binary",
                env::DOCKER_BINARY
            );
        }
        let named = file.or_else(|| environment.get(env::INLINE_CONFIG).map(Path::new));
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match read(path) {
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                let message = format!("cannot read the configuration file `{}`", path.display());
                return Err(Error::new(ErrorKind::InvalidConfig, message).with_source(error));
            }
            Ok(text) => text,
        };
        let place = format!("`{}`", path.display());
        let left = merge(&text, environment, overrides)
            .map_err(|error| Error::new(ErrorKind::InvalidConfig, format!("{place} is not valid: {error}")))?;
        Ok(Self {
            place,
            left,
            known: Vec::new(),
            environment: environment.clone(),
            overridden: overrides.iter().map(|(key, _)| (*key).to_owned()).collect(),
        })
    }

    /// Takes the keys that the default of `T` has when it is written; a table that is empty there takes any key.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] if a table of its has an unknown key (the nearest known one is named), or a value does
    ///   not fit.
    pub fn take<T: Default + Serialize + DeserializeOwned>(&mut self) -> Result<T> {
        let known = serde_json::to_value(T::default()).map_err(|error| {
            Error::new(
                ErrorKind::Unexpected,
                "the defaults of the configuration cannot be written",
            )
            .with_source(error)
        })?;
        let Value::Object(table) = &known else {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "a part of the configuration is no table",
            ));
        };
        let mut given: Map<String, Value> = table.keys().filter_map(|key| self.left.remove_entry(key)).collect();
        self.known.extend(table.keys().cloned());
        for (key, value) in &mut given {
            coerce(value, &table[key]);
        }
        let given = Value::Object(given);
        if let Some((key, near)) = keys::unknown(&given, &known, "") {
            return Err(unknown(&self.place, "key", &key, near.as_deref()));
        }
        serde_path_to_error::deserialize(given).map_err(|error| {
            let (key, why) = (error.path().to_string(), error.inner());
            Error::new(
                ErrorKind::InvalidConfig,
                format!("the value of `{key}` does not fit: {why}"),
            )
        })
    }

    /// Returns a variable of the environment for a part that reads its own, unless it is unset or empty, or the command line
    /// sets what it would set.
    pub fn variable(&self, name: &str) -> Option<String> {
        let set = env::PART_KEYS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, key)| key);
        if self.overridden.iter().any(|key| key == set) {
            return None;
        }
        self.environment.get(name).map(ToOwned::to_owned)
    }

    /// Checks that every key was taken, but for the tables `discord` and `mcp`, which the bot and the MCP server check: one
    /// file serves all programs.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidConfig`] with a key that nobody took, and the nearest that somebody did.
    pub fn finish(&self) -> Result<()> {
        let mut left = self.left.keys().filter(|key| !OF_OTHERS.contains(&key.as_str()));
        match left.next() {
            Some(key) => {
                let near = keys::nearest(key, self.known.iter().map(String::as_str).chain(OF_OTHERS));
                Err(unknown(&self.place, "key", key, near))
            }
            None => Ok(()),
        }
    }
}

fn merge(
    text: &str,
    environment: &Environment,
    overrides: &[(&str, &str)],
) -> Result<Map<String, Value>, config::ConfigError> {
    // Docker's own tools look for registry logins below the user's home.
    let logins = environment.get(env::HOME).map(|home| format!("{home}/.docker"));
    let mut builder = config::Config::builder().add_source(File::from_str(text, FileFormat::Toml));
    if let Some(directory) = logins.filter(|_| cfg!(feature = "docker")) {
        builder = builder.set_default("docker.docker_config", directory)?;
    }
    #[cfg(feature = "embedded")]
    {
        let of_user = inline_embedded::EmbeddedConfig::from_env(|name| environment.get(name).map(ToOwned::to_owned));
        if let Some(store) = of_user.store.as_deref().and_then(Path::to_str) {
            builder = builder.set_default("embedded.store", store)?;
        }
    }
    for (key, value) in variables(environment) {
        builder = builder.set_override_option(key, value)?;
    }
    for (key, value) in overrides {
        builder = builder.set_override(key, *value)?;
    }
    builder.build()?.try_deserialize()
}

/// Reads text as what stands at the same place of `known`: a command line has nothing but text.
fn coerce(value: &mut Value, known: &Value) {
    match (value, known) {
        (Value::Object(value), Value::Object(known)) => {
            for (key, value) in value {
                if let Some(known) = known.get(key) {
                    coerce(value, known);
                }
            }
        }
        (value @ Value::String(_), Value::Bool(_) | Value::Number(_)) => {
            let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
            if let Some(parsed @ (Value::Bool(_) | Value::Number(_))) = parsed {
                *value = parsed;
            }
        }
        _ => {}
    }
}

/// Lists the keys that variables set, with what they set them to.
fn variables(environment: &Environment) -> [(&'static str, Option<config::Value>); 10] {
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| environment.get(name))
            .map(config::Value::from)
    };
    // Docker's own tools take any value of this one as a yes.
    let verify = environment
        .get(env::DOCKER_TLS_VERIFY)
        .map(|_| config::Value::from(true));
    [
        ("driver", first(&[env::INLINE_DRIVER])),
        ("docker.host", first(&[env::INLINE_DOCKER_HOST, env::DOCKER_HOST])),
        ("docker.cert_path", first(&[env::DOCKER_CERT_PATH])),
        ("docker.tls_verify", verify),
        ("docker.docker_config", first(&[env::DOCKER_CONFIG])),
        ("docker.runtime_dir", first(&[env::XDG_RUNTIME_DIR])),
        ("podman.host", first(&[env::INLINE_PODMAN_HOST, env::CONTAINER_HOST])),
        ("podman.runtime_dir", first(&[env::XDG_RUNTIME_DIR])),
        ("podman.limits", first(&[env::INLINE_PODMAN_LIMITS])),
        ("embedded.limits", first(&[env::INLINE_EMBEDDED_LIMITS])),
    ]
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!(
            "it is larger than {MAX_FILE_BYTES} bytes"
        )));
    }
    std::fs::read_to_string(path)
}

fn unknown(place: &str, what: &str, name: &str, near: Option<&str>) -> Error {
    let error = Error::new(
        ErrorKind::InvalidConfig,
        format!("{place} has an unknown {what} `{}`", name.escape_debug()),
    );
    match near {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint("`inline.example.toml` shows all that can be set"),
    }
}
