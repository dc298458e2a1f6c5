//! How long things are kept, with "for ever" as a value of its own.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use inline_runtime::human::parse_duration;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid;
use crate::{Result, SandboxError};

const NEVER: &str = "never";
const UNLIMITED: &str = "unlimited";
const ONE_WEEK: Duration = Duration::from_hours(7 * 24);

/// Says how long something is kept: for a time, or for ever.
///
/// In a file it is a duration such as `7d`, plain seconds, or `never` for what never expires.
///
/// ```
/// use std::time::Duration;
/// use inline_sandbox::Retention;
///
/// assert_eq!("never".parse::<Retention>()?, Retention::Never);
/// assert_eq!("7d".parse::<Retention>()?, Retention::default());
/// assert!("0".parse::<Retention>().is_err());
/// # Ok::<(), inline_sandbox::SandboxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retention {
    /// It never expires.
    Never,
    /// It expires after this time without use, never zero.
    After(Duration),
}

impl Default for Retention {
    /// Keeps for one week.
    fn default() -> Self {
        Self::After(ONE_WEEK)
    }
}

impl FromStr for Retention {
    type Err = SandboxError;

    /// Parses `never` or a duration.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidConfig`] if the text is neither, or the duration is zero.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            NEVER => Ok(Self::Never),
            other => match parse_duration(other) {
                Ok(Duration::ZERO) => Err(invalid(
                    "retention",
                    "it is zero; write `never` to keep for ever, or a time such as `7d`",
                )),
                Ok(duration) => Ok(Self::After(duration)),
                Err(error) => Err(invalid("retention", format!("{}, nor `never`", error.message()))),
            },
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str(NEVER),
            Self::After(duration) => write!(f, "{}s", duration.as_secs_f64()),
        }
    }
}

impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(TextOrNumber("a duration such as `7d`, or `never`"))?;
        text.parse().map_err(|error| match error {
            SandboxError::InvalidConfig { why, .. } => de::Error::custom(why),
            other => de::Error::custom(other),
        })
    }
}

/// Reads and writes a duration that may also be the word `unlimited`.
pub(super) mod unlimited {
    use super::{Deserializer, Duration, Serializer, TextOrNumber, UNLIMITED, de, parse_duration};

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = deserializer.deserialize_any(TextOrNumber("a duration such as `1h`, or `unlimited`"))?;
        match text.trim() {
            UNLIMITED => Ok(None),
            other => match parse_duration(other) {
                Ok(duration) => Ok(Some(duration)),
                Err(error) => Err(de::Error::custom(format_args!("{}, nor `unlimited`", error.message()))),
            },
        }
    }

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(in crate::config) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => inline_runtime::human::duration::serialize(duration, serializer),
            None => serializer.serialize_str(UNLIMITED),
        }
    }
}

/// Takes text, and numbers as the text that they would be.
struct TextOrNumber(&'static str);

impl Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}
