//! Sizes and durations as people write them in configuration.

use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// Parses a size in bytes: `256m`, `256MiB`, `1g` or plain bytes. As for Docker, each unit is 1,024 of the next.
///
/// # Errors
///
/// - [`ErrorKind::InvalidConfig`] if the text is no size.
///
/// ```
/// use inline_runtime::human::parse_size;
///
/// assert_eq!(parse_size("256m")?, 256 << 20);
/// assert_eq!(parse_size("1.5 GiB")?, 3 << 29);
/// # Ok::<(), inline_runtime::Error>(())
/// ```
pub fn parse_size(text: &str) -> Result<u64> {
    let (number, unit) = split_unit(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        "g" | "gb" | "gib" => Some(30),
        "t" | "tb" | "tib" => Some(40),
        _ => None,
    };
    shift.and_then(|shift| scale(number, 1 << shift)).ok_or_else(|| {
        invalid(
            text,
            "a size",
            "write bytes, or a number with `k`, `m`, `g` or `t`: `256m`, `1GiB`",
        )
    })
}

/// Parses a duration: `30s`, `1.5m`, `2h`, `7d`, `250ms` or plain seconds.
///
/// # Errors
///
/// - [`ErrorKind::InvalidConfig`] if the text is no duration.
///
/// ```
/// use std::time::Duration;
/// use inline_runtime::human::parse_duration;
///
/// assert_eq!(parse_duration("30s")?, Duration::from_secs(30));
/// assert_eq!(parse_duration("30.0")?, Duration::from_secs(30));
/// # Ok::<(), inline_runtime::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    let (number, unit) = split_unit(text);
    let millis = match unit.to_ascii_lowercase().as_str() {
        "ms" => Some(1),
        "" | "s" | "sec" | "second" | "seconds" => Some(1_000),
        "m" | "min" | "minute" | "minutes" => Some(60_000),
        "h" | "hour" | "hours" => Some(3_600_000),
        "d" | "day" | "days" => Some(86_400_000),
        "w" | "week" | "weeks" => Some(604_800_000),
        _ => None,
    };
    millis
        .and_then(|millis| scale(number, millis))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            invalid(
                text,
                "a duration",
                "write seconds, or a number with `ms`, `s`, `m`, `h`, `d` or `w`: `30s`",
            )
        })
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// Multiplies a decimal number by `unit` without losing a byte of whole numbers.
fn scale(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part = if fraction.is_empty() {
        0
    } else {
        fraction.parse::<u64>().ok()?
    };
    let places = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = u64::try_from(u128::from(part) * u128::from(unit) / places).ok()?;
    whole.checked_mul(unit)?.checked_add(part)
}

fn invalid(text: &str, what: &str, hint: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("`{}` is not {what}", text.escape_debug()),
    )
    .with_hint(hint)
}

/// Reads and writes a [`Duration`] field for serde: `#[serde(with = "inline_runtime::human::duration")]`.
pub mod duration {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    /// Takes text as [`parse_duration`](super::parse_duration) does, or a number of seconds.
    ///
    /// # Errors
    ///
    /// - The deserializer's own, with the reason why the text is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(super::Visitor {
            expected: "a duration such as `30s`",
            parse: super::parse_duration,
        })
    }

    /// Writes seconds.
    ///
    /// # Errors
    ///
    /// - The serializer's own.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }
}

/// Reads and writes a size field for serde: `#[serde(with = "inline_runtime::human::size")]`.
pub mod size {
    use serde::{Deserializer, Serializer};

    /// Takes text as [`parse_size`](super::parse_size) does, or a number of bytes.
    ///
    /// # Errors
    ///
    /// - The deserializer's own, with the reason why the text is no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(super::Visitor {
            expected: "a size such as `256m`",
            parse: super::parse_size,
        })
    }

    /// Writes bytes.
    ///
    /// # Errors
    ///
    /// - The serializer's own.
    pub fn serialize<S: Serializer>(size: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*size)
    }
}

struct Visitor<T> {
    expected: &'static str,
    parse: fn(&str) -> Result<T>,
}

impl<T> serde::de::Visitor<'_> for Visitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_dockers() {
        for (text, bytes) in [
            ("0", 0),
            ("42", 42),
            ("256m", 256 << 20),
            ("256MiB", 256 << 20),
            ("1 GB", 1 << 30),
            ("0.5k", 512),
            (" 1t ", 1 << 40),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn durations_are_seconds_unless_said() {
        for (text, millis) in [
            ("30", 30_000),
            ("30.5", 30_500),
            ("250ms", 250),
            ("1.5m", 90_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "m",
            "-1",
            "1x",
            "1..5",
            ".5",
            "1e9",
            "99999999999999999999",
            "20000000t",
            "inf",
            "NaN",
        ] {
            assert_eq!(
                parse_size(text).unwrap_err().kind(),
                ErrorKind::InvalidConfig,
                "{text:?}"
            );
            assert_eq!(
                parse_duration(text).unwrap_err().kind(),
                ErrorKind::InvalidConfig,
                "{text:?}"
            );
        }
    }

    #[test]
    fn fields_take_text_and_numbers() {
        #[derive(serde::Deserialize)]
        struct Limits {
            #[serde(with = "duration")]
            timeout: Duration,
            #[serde(with = "size")]
            memory: u64,
        }
        let text: Limits = serde_json::from_str(r#"{"timeout": "1m", "memory": "1k"}"#).unwrap();
        let numbers: Limits = serde_json::from_str(r#"{"timeout": 60, "memory": 1024}"#).unwrap();
        assert_eq!((text.timeout, text.memory), (numbers.timeout, numbers.memory));
        assert!(serde_json::from_str::<Limits>(r#"{"timeout": -1, "memory": 1}"#).is_err());
    }
}
