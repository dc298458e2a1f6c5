//! The environment variables that choose what is tested.

use std::env;
use std::time::Duration;

/// Names the engines to test, separated by commas: `docker`, `podman`, `podman-rlimit`. The fake is always tested.
pub const INLINE_TEST: &str = "INLINE_TEST";

/// Names the registry that holds the test images: `127.0.0.1:5000`.
pub const INLINE_TEST_REGISTRY: &str = "INLINE_TEST_REGISTRY";

/// Multiplies every time that a case may take, for slow hosts; 1 by default.
pub const INLINE_TEST_PATIENCE: &str = "INLINE_TEST_PATIENCE";

/// Says how many runs in a row must leave nothing behind and grow nothing; 40 by default.
pub const INLINE_TEST_RUNS: &str = "INLINE_TEST_RUNS";

/// Names a README, into which the table of capabilities is written instead of being compared.
pub const INLINE_TEST_BLESS: &str = "INLINE_TEST_BLESS";

/// Names the directory with the wheels of matplotlib and all that it needs; the case that needs them runs only with it.
pub const INLINE_TEST_WHEELS: &str = "INLINE_TEST_WHEELS";

/// Returns a variable, unless it is missing, empty or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the factor of [`INLINE_TEST_PATIENCE`].
///
/// # Errors
///
/// - In words, if it is not a number from 1 to 100.
pub fn patience() -> Result<u32, String> {
    let Some(text) = variable(INLINE_TEST_PATIENCE) else {
        return Ok(1);
    };
    match text.parse() {
        Ok(factor @ 1..=100) => Ok(factor),
        _ => Err(format!(
            "`{INLINE_TEST_PATIENCE}` is `{text}`, not a number from 1 to 100"
        )),
    }
}

/// Returns `time` on a fast host, and so much more of it on a slow one as [`INLINE_TEST_PATIENCE`] says.
///
/// # Errors
///
/// - As for [`patience`].
pub fn patient(time: Duration) -> Result<Duration, String> {
    Ok(time * patience()?)
}
