//! The environment variables that [`EmbeddedConfig::from_env`](crate::EmbeddedConfig::from_env) reads.

/// The user's data directory.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// The user's home, in which the data directory usually is.
pub const HOME: &str = "HOME";
