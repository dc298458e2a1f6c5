//! Who may do what, where: pure decisions, and the state behind them.

mod caller;
mod cooldown;
mod current;
mod decision;

pub(crate) use caller::Caller;
pub(crate) use cooldown::Cooldowns;
pub(crate) use current::Current;
pub(crate) use decision::{Refused, decide};

/// Reads the configuration again.
pub use current::Reload;
