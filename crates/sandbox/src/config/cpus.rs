//! Reads and writes a share of CPU as people write it: `0.5` is half a billion billionths.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};

const NANO_DIGITS: usize = 9;

/// Parses a decimal number of CPUs into billionths of one; `None` if it is no such number.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > NANO_DIGITS {
        return None;
    }
    let billionths: u64 = format!("{fraction:0<NANO_DIGITS$}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(billionths)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(Cpus)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(crate) fn serialize<S: Serializer>(nano_cpus: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    let text = format!(
        "{}.{:0>NANO_DIGITS$}",
        nano_cpus / 1_000_000_000,
        nano_cpus % 1_000_000_000
    );
    serializer.serialize_f64(text.parse().map_err(serde::ser::Error::custom)?)
}

struct Cpus;

impl Visitor<'_> for Cpus {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of CPUs such as `0.5`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        parse(text.trim()).ok_or_else(|| {
            E::custom(format_args!(
                "`{}` is not a number of CPUs such as `0.5`",
                text.escape_debug()
            ))
        })
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<u64, E> {
        self.visit_str(&number.to_string())
    }
}
