//! What a case wants to be otherwise.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::server::{BOT, Settings};

/// What a case wants to be otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    /// More of the configuration, in tables.
    pub(crate) tables: String,
    /// Whether the way from the bot to its engine can be cut.
    pub(crate) can_lose_engine: bool,
    /// Whether the bot is given a token that is not the application's.
    pub(crate) is_refused: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Settings {
                token: token(),
                heartbeat_interval: Duration::from_secs(5),
                answer_within: Duration::from_secs(3),
                token_lifetime: Duration::from_mins(15),
                message_content: true,
                shards: 1,
                upload_limit: 1 << 20,
            },
            tables: String::new(),
            can_lose_engine: false,
            is_refused: false,
        }
    }
}

/// Returns a token that looks like Discord's and was never one.
pub(crate) fn token() -> String {
    let mut random = [0; 26];
    // Without randomness the token is the same each time, which does no harm.
    let _ = getrandom::fill(&mut random);
    let (time, rest) = random.split_at(4);
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(BOT.to_string().as_bytes()), part(time), part(rest))
}
