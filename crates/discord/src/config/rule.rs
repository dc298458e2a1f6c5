//! One set of what is allowed: for all, in a place, or for some.

use std::time::Duration;

use inline_runtime::ImageReference;
use inline_sandbox::{LimitRequest, Limits};
use serde::{Deserialize, Serialize};

use super::{InvalidConfig, is_id};

/// Says what is allowed; what is `None` is left to the next rule.
///
/// Limits only narrow those of the sandbox service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// Whether the bot may be used at all.
    pub access: Option<Access>,
    /// Whether the bot is being worked on, and says so instead of doing anything.
    pub maintenance: Option<bool>,
    /// The languages that programs may be in, by name.
    pub languages: Option<Vec<String>>,
    /// The images that programs may run in.
    pub images: Option<Vec<ImageReference>>,
    /// Whether packages may be installed.
    pub install: Option<bool>,
    /// The wall time of a run.
    #[serde(with = "optional_duration")]
    pub timeout: Option<Duration>,
    /// The CPU time of each process.
    #[serde(with = "optional_duration")]
    pub cpu_time: Option<Duration>,
    /// The memory of all processes together, in bytes.
    #[serde(with = "optional_size")]
    pub memory: Option<u64>,
    /// The share of CPU, such as `0.5`.
    #[serde(with = "optional_cpus")]
    pub cpus: Option<u64>,
    /// How many processes and threads there may be at once.
    pub pids_limit: Option<u64>,
    /// How long a user waits between two runs.
    #[serde(with = "optional_duration")]
    pub cooldown: Option<Duration>,
    /// The CPU time of a user in a day of UTC.
    #[serde(with = "optional_duration")]
    pub daily_cpu: Option<Duration>,
    /// The channel in which each run is told, by its id.
    pub audit_channel: Option<String>,
}

/// Says whether the bot may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Access {
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

impl Rule {
    /// Returns what this rule asks of the service for one run.
    pub(crate) fn limits(&self) -> LimitRequest {
        LimitRequest {
            timeout: self.timeout,
            cpu_time: self.cpu_time,
            memory: self.memory,
            nano_cpus: self.cpus,
            pids_limit: self.pids_limit,
            ..LimitRequest::default()
        }
    }

    pub(super) fn validate(&self, key: &str) -> Result<(), InvalidConfig> {
        if Limits::default().narrow(&self.limits()).is_err() {
            return Err(InvalidConfig::new(
                key,
                "one of its limits is less than anything can run with",
            ));
        }
        if !self.audit_channel.as_deref().is_none_or(is_id) {
            return Err(InvalidConfig::new(
                &format!("{key}.audit_channel"),
                "it is not the id of a channel: ids are numbers",
            ));
        }
        Ok(())
    }

    /// Takes of `other` what this one says nothing of.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            access: self.access.or(other.access),
            maintenance: self.maintenance.or(other.maintenance),
            languages: self.languages.or_else(|| other.languages.clone()),
            images: self.images.or_else(|| other.images.clone()),
            install: self.install.or(other.install),
            timeout: self.timeout.or(other.timeout),
            cpu_time: self.cpu_time.or(other.cpu_time),
            memory: self.memory.or(other.memory),
            cpus: self.cpus.or(other.cpus),
            pids_limit: self.pids_limit.or(other.pids_limit),
            cooldown: self.cooldown.or(other.cooldown),
            daily_cpu: self.daily_cpu.or(other.daily_cpu),
            audit_channel: self.audit_channel.or_else(|| other.audit_channel.clone()),
        }
    }

    /// Takes the stricter of both wherever both say something.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            access: either(self.access, other.access, |one, two| match (one, two) {
                (Access::Allow, Access::Allow) => Access::Allow,
                _ => Access::Deny,
            }),
            maintenance: either(self.maintenance, other.maintenance, |one, two| one || two),
            languages: either(self.languages, other.languages.clone(), |one, two| common(one, &two)),
            images: either(self.images, other.images.clone(), |one, two| common(one, &two)),
            install: either(self.install, other.install, |one, two| one && two),
            timeout: either(self.timeout, other.timeout, Ord::min),
            cpu_time: either(self.cpu_time, other.cpu_time, Ord::min),
            memory: either(self.memory, other.memory, Ord::min),
            cpus: either(self.cpus, other.cpus, Ord::min),
            pids_limit: either(self.pids_limit, other.pids_limit, Ord::min),
            cooldown: either(self.cooldown, other.cooldown, Ord::max),
            daily_cpu: either(self.daily_cpu, other.daily_cpu, Ord::min),
            audit_channel: self.audit_channel.or_else(|| other.audit_channel.clone()),
        }
    }
}

fn either<T>(one: Option<T>, two: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, two) {
        (Some(one), Some(two)) => Some(both(one, two)),
        (one, two) => one.or(two),
    }
}

fn common<T: PartialEq>(mut one: Vec<T>, two: &[T]) -> Vec<T> {
    one.retain(|name| two.contains(name));
    one
}

/// Reads and writes an option of a type that has its own way.
macro_rules! optional {
    ($module:ident, $type:ty, $with:literal) => {
        mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            #[derive(Serialize, Deserialize)]
            struct Value(#[serde(with = $with)] $type);

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<$type>, D::Error> {
                Ok(Option::<Value>::deserialize(deserializer)?.map(|value| value.0))
            }

            #[expect(clippy::ref_option, reason = "serde calls it so")]
            pub(super) fn serialize<S: Serializer>(value: &Option<$type>, serializer: S) -> Result<S::Ok, S::Error> {
                value.map(Value).serialize(serializer)
            }
        }
    };
}

optional!(
    optional_duration,
    std::time::Duration,
    "inline_runtime::human::duration"
);
optional!(optional_size, u64, "inline_runtime::human::size");

/// Reads and writes a share of CPU as the service's own limits have it.
mod optional_cpus {
    use inline_sandbox::Limits;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};
    use serde_json::{Value, json};

    const KEY: &str = "cpus";

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let Some(value) = Option::<Value>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let limits: Limits = serde_json::from_value(json!({ KEY: value })).map_err(de::Error::custom)?;
        Ok(Some(limits.nano_cpus))
    }

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(nano_cpus) = value else {
            return serializer.serialize_none();
        };
        let mut limits = Limits::default();
        limits.nano_cpus = *nano_cpus;
        let written = serde_json::to_value(limits).map_err(ser::Error::custom)?;
        serializer.serialize_some(&written[KEY])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn units_are_read() {
        let rule = rule(r#"{"timeout": "5s", "memory": "64m", "cpus": 0.5, "cooldown": 3}"#);
        assert_eq!(rule.timeout, Some(Duration::from_secs(5)));
        assert_eq!(rule.memory, Some(64 << 20));
        assert_eq!(rule.cpus, Some(500_000_000));
        assert_eq!(rule.cooldown, Some(Duration::from_secs(3)));
        let written = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&written).unwrap(), rule);
    }

    #[test]
    fn the_first_that_says_something_decides() {
        let first = rule(r#"{"timeout": "5s"}"#);
        let both = first.or(&rule(r#"{"timeout": "9s", "memory": "64m"}"#));
        assert_eq!(both, rule(r#"{"timeout": "5s", "memory": "64m"}"#));
    }

    #[test]
    fn the_stricter_of_both_is_taken() {
        let one = rule(r#"{"access": "allow", "languages": ["a", "b"], "cooldown": "1s", "timeout": "9s"}"#);
        let two = rule(r#"{"access": "deny", "languages": ["b", "c"], "cooldown": "3s", "memory": "64m"}"#);
        let expected =
            rule(r#"{"access": "deny", "languages": ["b"], "cooldown": "3s", "timeout": "9s", "memory": "64m"}"#);
        assert_eq!(one.clone().and(&two), expected);
        assert_eq!(two.and(&one), expected);
    }
}
