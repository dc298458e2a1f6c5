//! The names of what is measured of the bot, beside what the service measures.

/// Counts events of the gateway that the bot does something about, by `kind`.
pub const EVENTS: &str = "inline_discord_events_total";
/// Counts calls to Discord that were answered, by `status`.
pub const CALLS: &str = "inline_discord_calls_total";
/// Counts the times that Discord wanted fewer calls.
pub const RATE_LIMITED: &str = "inline_discord_rate_limited_total";
/// Holds how many shards are connected.
pub const SHARDS_CONNECTED: &str = "inline_discord_shards_connected";
