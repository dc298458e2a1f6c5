//! Everything of the server that an operator can set.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Less would leave no room for the note on what is left out.
const MIN_CHARS: usize = 300;
/// Less would not hold a request of any use.
const MIN_MESSAGE_BYTES: u64 = 64 << 10;

/// Holds the table of the server as it stands in a configuration file, `[mcp]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct McpSettings {
    /// The table.
    pub mcp: McpConfig,
}

/// Configures the server. The default is safe and complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct McpConfig {
    /// The file of the bearer tokens, see [`Tokens::load`](crate::Tokens::load). Default none.
    pub tokens_file: Option<PathBuf>,
    /// The names, with or without a port, by which the server is reached besides those of the loopback interface and the
    /// address that it listens on; a request for any other is refused. Default none.
    pub allowed_hosts: Vec<String>,
    /// The origins, such as `https://app.example.com:443`, whose web pages may use the server. Default none.
    pub allowed_origins: Vec<String>,
    /// How many characters of a program's output a result has; at least 300. Default 3500.
    pub output_chars: usize,
    /// How many characters of a program's error output a result has; at least 300. Default 1000.
    pub error_chars: usize,
    /// How large the images in one result may be together, in bytes before encoding. Default 8 MiB.
    #[serde(with = "inline::human::size")]
    pub image_bytes: u64,
    /// How large a message of a client may be, in bytes; at least 64 KiB. Default 4 MiB.
    #[serde(with = "inline::human::size")]
    pub message_bytes: u64,
    /// How many calls of one client may go on at once, those that wait for their turn included. Default 32.
    pub max_calls: NonZeroUsize,
    /// How many connections there may be at once. Default 256.
    pub max_connections: NonZeroUsize,
    /// How many sessions one client may have at once; a new one takes the place of the one without a call that was used
    /// longest ago. Default 32.
    pub max_sessions: NonZeroUsize,
    /// How long a session is kept that is not used: without a message, and without a stream that its client reads. Default
    /// 30 min.
    #[serde(with = "inline::human::duration")]
    pub session_timeout: Duration,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            tokens_file: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            output_chars: 3_500,
            error_chars: 1_000,
            image_bytes: 8 << 20,
            message_bytes: 4 << 20,
            max_calls: const { NonZeroUsize::new(32).unwrap() },
            max_connections: const { NonZeroUsize::new(256).unwrap() },
            max_sessions: const { NonZeroUsize::new(32).unwrap() },
            session_timeout: Duration::from_mins(30),
        }
    }
}

impl McpConfig {
    /// Checks that all values make sense.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidConfig`] with the key of the first that does not.
    pub fn validate(&self) -> Result<()> {
        let invalid = |key, why| Err(Error::InvalidConfig { key, why });
        if self.output_chars < MIN_CHARS {
            return invalid("mcp.output_chars", "it is less than 300");
        }
        if self.error_chars < MIN_CHARS {
            return invalid("mcp.error_chars", "it is less than 300");
        }
        if self.message_bytes < MIN_MESSAGE_BYTES || usize::try_from(self.message_bytes).is_err() {
            return invalid("mcp.message_bytes", "it is less than 64 KiB, or more than can be held");
        }
        if self.session_timeout.is_zero() {
            return invalid("mcp.session_timeout", "it is zero");
        }
        if self.allowed_origins.iter().any(|origin| !is_origin(origin)) {
            return invalid(
                "mcp.allowed_origins",
                "an origin is a scheme, a host and a port: `https://app.example.com:443`",
            );
        }
        Ok(())
    }

    /// Returns the longest message in bytes.
    pub(crate) fn max_message(&self) -> usize {
        usize::try_from(self.message_bytes).unwrap_or(usize::MAX)
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.and_then(|host| host.rsplit_once(':'))
        .is_some_and(|(host, port)| !host.is_empty() && (port == "*" || port.parse::<u16>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named() {
        assert!(McpConfig::default().validate().is_ok());
        let origin = |text: &str| McpConfig {
            allowed_origins: vec![text.to_owned()],
            ..McpConfig::default()
        };
        assert!(origin("https://a.example:443").validate().is_ok());
        for bad in ["a.example", "https://a.example", "https://:443", "*"] {
            let error = origin(bad).validate().unwrap_err();
            assert!(
                error.to_string().starts_with("configuration `mcp.allowed_origins`"),
                "{error}"
            );
        }
        let small = McpConfig {
            message_bytes: 1,
            ..McpConfig::default()
        };
        assert!(small.validate().is_err());
    }
}
